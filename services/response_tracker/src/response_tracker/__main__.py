"""Puts the response-tracker together and runs it: the only place that chooses."""

from __future__ import annotations

from functools import partial

import structlog

from forbear.dispatcher.v1.dispatcher_service_pb2_grpc import DispatcherServiceStub
from forbear.scheduler.v1.scheduler_service_pb2_grpc import SchedulerServiceStub
from forbear.tracker.v1.tracker_service_pb2_grpc import add_TrackerServiceServicer_to_server
from forbear_chassis.clock import Clock
from forbear_chassis.command import Service, make_group
from forbear_chassis.http import HttpServer, admin_app
from forbear_chassis.postgres import Pool, open_pool
from forbear_chassis.process import Process
from forbear_chassis.rpc import RpcServer, connect
from forbear_chassis.worker import TRANSIENT, WorkerLoop, wake_all
from forbear_domain.messages import Catalogue
from forbear_replies import Reader
from response_tracker import metrics
from response_tracker.cases import CaseDesk
from response_tracker.due import Due
from response_tracker.erase import Erasure
from response_tracker.gateways import Gateways, read_status
from response_tracker.http_app import HttpApp, Secrets
from response_tracker.intake import Intake
from response_tracker.mail import MailHandler, MailServer
from response_tracker.page import Page
from response_tracker.receive import Handlers, Receiver
from response_tracker.relay import Relays
from response_tracker.rpc_service import NAME, TrackerRpc, UseCases
from response_tracker.settings import Settings
from response_tracker.settle import Settler
from response_tracker.suppress import Suppressor
from response_tracker.track import Tracker
from response_tracker.voice import Voice

log = structlog.get_logger(__name__)


async def serve(settings: Settings) -> None:
    """Run the service until it is told to stop."""
    process = Process(settings, "response-tracker")
    clock = await process.open_clock()
    await SERVICE.migrate_when_told(settings)
    pool = await open_pool(settings.database_url.get_secret_value())
    process.on_close(pool.close)
    _assemble(process, settings, clock, pool)
    await process.run()


def _assemble(process: Process, settings: Settings, clock: Clock, pool: Pool) -> None:
    to_dispatcher = connect(settings.dispatcher_target, clock)
    to_scheduler = connect(settings.scheduler_target, clock)
    process.on_close(to_dispatcher.close)
    process.on_close(to_scheduler.close)
    dispatcher = DispatcherServiceStub(to_dispatcher)
    scheduler = SchedulerServiceStub(to_scheduler)
    events: list[WorkerLoop] = []  # what came in
    carriers: list[WorkerLoop] = []  # what follows from it
    wake, wake_events = partial(wake_all, carriers), partial(wake_all, events)
    auth_token = settings.twilio_auth_token.get_secret_value()
    link_secret = settings.link_secret.get_secret_value()
    reader = Reader.load()
    suppressor = Suppressor(pool, dispatcher, clock)
    settler = Settler(pool, clock)
    erasure = Erasure(pool, clock)
    catalogue = Catalogue.load()
    voice = Voice(catalogue, reader, settings.public_url, link_secret)
    page = Page(pool)
    handlers = Handlers(reader, Tracker(pool, clock, read_status), voice, page, suppressor)
    intake = Intake(pool)
    process.on_close(intake.close)
    receiver = Receiver(pool, clock, intake, handlers, wake=wake, wake_events=wake_events)
    relays = Relays(pool, dispatcher, scheduler)
    events.append(process.worker("events", receiver.run_once, clock))
    carriers += [
        process.worker("suppressions", suppressor.run_once, clock),
        process.worker("due", Due(pool, clock, settler, wake).run_once, clock),
        process.worker("erasures", erasure.run_once, clock),
        process.worker("to_dispatcher", relays.to_dispatcher, clock),
        process.worker("to_scheduler", relays.to_scheduler, clock),
    ]
    rpc = RpcServer(settings.rpc_listen, clock, process.activity, reflect=settings.reflection)
    use_cases = UseCases(settler, CaseDesk(pool, clock), erasure)
    service = TrackerRpc(pool, clock, catalogue, use_cases, wake=wake, wake_events=wake_events)
    add_TrackerServiceServicer_to_server(service, rpc.server)
    rpc.add(NAME)
    process.serve(rpc)
    secrets = Secrets(auth_token, link_secret, Gateways(settings.accounts()))
    app = HttpApp(pool, clock, receiver, voice, page, settings.public_url, secrets)
    process.serve(HttpServer(app, settings.http_listen, process.activity))
    process.serve(MailServer(MailHandler(receiver.settle, clock, process.activity), settings.smtp_listen))

    async def is_ready() -> bool:
        try:
            await pool.fetchval("SELECT 1")
        except TRANSIENT:
            metrics.READY.set(0)
            return False
        metrics.READY.set(1)
        return True

    process.serve(HttpServer(admin_app(is_ready), settings.admin_listen))


SERVICE = Service(
    "response-tracker",
    "Take what comes back, read it, answer kindly, and keep promises and arrangements.",
    Settings,
    serve,
    "tracker",
    "response_tracker.store.migrations",
)
main = make_group(SERVICE)

if __name__ == "__main__":
    main(prog_name="python -m response_tracker")
