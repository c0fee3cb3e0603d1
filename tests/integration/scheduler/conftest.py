"""A contact scheduler in this process on a real database, with real gRPC peers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from contact_scheduler.capacity import DispatcherCapacity
from contact_scheduler.erase_borrower import EraseBorrower, hand_over_erasure
from contact_scheduler.evaluate_campaign import EvaluateCampaign
from contact_scheduler.explain_contact import ExplainContact
from contact_scheduler.hand_over import PAYMENT, RECALL, relay_bars, relay_requests
from contact_scheduler.http_app import make_app
from contact_scheduler.import_borrowers import ImportBorrowers
from contact_scheduler.learning.worth import Costs
from contact_scheduler.manage_campaigns import ManageCampaigns
from contact_scheduler.manage_policy import ManagePolicy, hand_over_policy
from contact_scheduler.plan_day import PlanDay
from contact_scheduler.record_number_checks import RecordNumberChecks
from contact_scheduler.record_payments import RecordPayments
from contact_scheduler.rehearse_campaign import RehearseCampaign
from contact_scheduler.release_contacts import ReleaseContacts
from contact_scheduler.report_campaign import ReportCampaign
from contact_scheduler.rpc_service import SchedulerService
from contact_scheduler.store.borrowers import BorrowerStore
from contact_scheduler.store.campaigns import CampaignStore
from contact_scheduler.store.imports import ImportStore
from contact_scheduler.store.reports import ReportStore
from contact_scheduler.store.tenants import TenantStore
from contact_scheduler.take_feedback import TakeFeedback
from contact_scheduler.watch_clocks import WatchClocks
from contact_scheduler.web.access import Api
from contact_scheduler.what_if import AskWhatIf
from forbear.dispatcher.v1 import control_service_pb2_grpc as control_grpc
from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear.dispatcher.v1 import dispatcher_service_pb2_grpc as dispatcher_grpc
from forbear.scheduler.v1 import scheduler_service_pb2_grpc as scheduler_grpc
from forbear.tracker.v1 import tracker_service_pb2 as tracker_pb
from forbear.tracker.v1 import tracker_service_pb2_grpc as tracker_grpc
from forbear_chassis.postgres import migrate, open_pool
from forbear_chassis.rpc import RpcServer, connect
from forbear_chassis.worker import Activity
from forbear_domain.messages import Catalogue
from tests.integration.scheduler.scheduler_stage import (
    KEY,
    OTHER_KEY,
    FakeControl,
    FakeDispatcher,
    FakeTracker,
    Scheduler,
    add_tenant,
    make_csv,
    make_row,
)
from tests.kit.databases import Database
from tests.kit.manual_clock import ManualClock

COSTS = Costs((0.008, 0.0004, 0.014), 2.0)


@pytest.fixture
async def scheduler(database: Database, manual_clock: ManualClock) -> AsyncIterator[Scheduler]:
    """The scheduler of one test."""
    await migrate(database.url("forbear_scheduler_owner"), "contact_scheduler.store.migrations", "scheduler")
    pool = await open_pool(database.url("forbear_scheduler"), size_max=8)
    tenant_id = await add_tenant(pool, "harbor", KEY, manual_clock.now())
    await add_tenant(pool, "other", OTHER_KEY, manual_clock.now())
    dispatcher, tracker, activity = FakeDispatcher(), FakeTracker(), Activity()

    peers = RpcServer("127.0.0.1:0", manual_clock, activity)
    dispatcher_grpc.add_DispatcherServiceServicer_to_server(dispatcher, peers.server)
    tracker_grpc.add_TrackerServiceServicer_to_server(tracker, peers.server)
    control_grpc.add_ControlServiceServicer_to_server(FakeControl(), peers.server)
    await peers.start()
    channel = connect(f"127.0.0.1:{peers.port}", manual_clock)
    dispatcher_stub = dispatcher_grpc.DispatcherServiceStub(channel)
    tracker_stub = tracker_grpc.TrackerServiceStub(channel)

    def wake() -> None:
        """The tests make the passes themselves."""

    plan = PlanDay(
        pool, manual_clock, DispatcherCapacity(dispatcher_stub, (10, 10, 10)), wake, plan_hour_utc=9, seed=1,
        costs=COSTS,
    )  # fmt: skip
    explain = ExplainContact(pool, manual_clock, plan)
    server = RpcServer("127.0.0.1:0", manual_clock, activity)
    service = SchedulerService(TakeFeedback(pool, wake), explain)
    scheduler_grpc.add_SchedulerServiceServicer_to_server(service, server.server)
    await server.start()
    own_channel = connect(f"127.0.0.1:{server.port}", manual_clock)
    report = ReportCampaign(ReportStore(pool), manual_clock)
    api = Api(
        pool=pool, clock=manual_clock, tenants=TenantStore(pool), imports=ImportStore(pool),
        campaigns=CampaignStore(pool),
        borrowers=BorrowerStore(pool), import_borrowers=ImportBorrowers(ImportStore(pool), manual_clock, 1 << 30, wake),
        manage_campaigns=ManageCampaigns(wake), manage_policy=ManagePolicy(wake),
        erase_borrower=EraseBorrower(wake),
        record_payments=RecordPayments(wake), record_number_checks=RecordNumberChecks(wake),
        report=report, evaluate=EvaluateCampaign(ReportStore(pool), report, manual_clock), explain=explain,
        control=control_grpc.ControlServiceStub(channel), tracker=tracker_stub, watch_clocks=wake, costs=COSTS,
        what_if=AskWhatIf(pool, plan),
        rehearse=RehearseCampaign(pool, manual_clock, plan, Catalogue.load()),
    )  # fmt: skip
    app = make_app(api)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://scheduler", headers={"Authorization": f"Bearer {KEY}"}
    ) as client:
        yield Scheduler(
            pool=pool, clock=manual_clock, tenant_id=tenant_id, app=app, http=client,
            plan=plan,
            watch=WatchClocks(pool, manual_clock, plan_hour_utc=9),
            release=ReleaseContacts(pool, manual_clock, dispatcher_stub.SubmitContacts),
            rpc=scheduler_grpc.SchedulerServiceStub(own_channel), dispatcher=dispatcher, tracker=tracker,
            relays=[
                lambda: hand_over_erasure(
                    pool, manual_clock, dispatcher_stub.EraseBorrower, tracker_stub.EraseBorrower
                ),
                lambda: hand_over_policy(pool, dispatcher_stub.ApplyPolicy),
                lambda: relay_requests(
                    pool, RECALL, dispatcher_pb.RecallContactsRequest, dispatcher_stub.RecallContacts
                ),
                lambda: relay_bars(pool, dispatcher_stub.ApplySuppressions, dispatcher_stub.LiftSuppressions),
                lambda: relay_requests(pool, PAYMENT, tracker_pb.RecordPaymentsRequest, tracker_stub.RecordPayments),
            ],
        )  # fmt: skip
    for closing in (channel, own_channel):
        await closing.close()
    for stopping in (server, peers):
        await stopping.stop(1.0)
    await pool.close()


@pytest.fixture
def portfolio() -> str:
    """Forty good rows."""
    return make_csv([make_row(number) for number in range(1, 41)])
