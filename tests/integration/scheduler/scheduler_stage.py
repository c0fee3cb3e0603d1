"""What the scheduler's tests stand on: the service's parts, peers that remember what they were told, portfolio rows."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import grpc
import httpx

from contact_scheduler.credentials import SCOPES, digest
from contact_scheduler.plan_day import PlanDay
from contact_scheduler.release_contacts import ReleaseContacts
from contact_scheduler.store.tenants import TenantStore
from contact_scheduler.watch_clocks import WatchClocks
from forbear.dispatcher.v1 import control_service_pb2 as control_pb
from forbear.dispatcher.v1 import control_service_pb2_grpc as control_grpc
from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear.dispatcher.v1 import dispatcher_service_pb2_grpc as dispatcher_grpc
from forbear.tracker.v1 import tracker_service_pb2 as tracker_pb
from forbear.tracker.v1 import tracker_service_pb2_grpc as tracker_grpc
from forbear.types.v1 import types_pb2
from forbear_chassis.postgres import UUID, Pool
from forbear_domain import ids
from tests.kit.manual_clock import ManualClock

KEY = "fbk_of_the_tests"
OTHER_KEY = "fbk_of_another_tenant"
NEW_YORK = ("212", "646", "917", "718", "347")  # a hundred numbers for fiction each


class FakeDispatcher(dispatcher_grpc.DispatcherServiceServicer):
    """Takes contacts by id and remembers recalls."""

    def __init__(self) -> None:
        self.contacts: dict[bytes, types_pb2.Contact] = {}
        self.recalls: list[dispatcher_pb.RecallContactsRequest] = []
        self.policies: list[dispatcher_pb.ApplyPolicyRequest] = []
        self.erasures: list[dispatcher_pb.EraseBorrowerRequest] = []
        self.suppressions: list[types_pb2.Suppression] = []
        self.lifted: list[bytes] = []
        self.kept_until: datetime | None = None
        self.repeated = 0
        self.per_hour = {1: 1_000, 2: 1_000, 3: 1_000}
        self.by_hour: dict[int, list[int]] = {}
        self.networks: list[tuple[str, int, int]] = []  # name, length in seconds, contacts

    async def SubmitContacts(self, requests: Any, context: Any) -> AsyncIterator[Any]:
        async for request in requests:
            for contact in request.contacts:
                self.repeated += contact.contact_id in self.contacts
                self.contacts[contact.contact_id] = contact
            yield dispatcher_pb.SubmitContactsResponse(request_id=request.request_id, taken=len(request.contacts))

    async def RecallContacts(self, request: Any, context: Any) -> Any:
        self.recalls.append(request)
        return dispatcher_pb.RecallContactsResponse(recalled=len(request.contact_ids))

    async def EraseBorrower(self, request: Any, context: Any) -> Any:
        self.erasures.append(request)
        answer = dispatcher_pb.EraseBorrowerResponse()
        if self.kept_until is not None:
            answer.erase_time.FromDatetime(self.kept_until)
        return answer

    async def ApplySuppressions(self, request: Any, context: Any) -> Any:
        self.suppressions += request.suppressions
        return dispatcher_pb.ApplySuppressionsResponse()

    async def LiftSuppressions(self, request: Any, context: Any) -> Any:
        self.lifted += request.suppression_ids
        return dispatcher_pb.LiftSuppressionsResponse(lifted=len(request.suppression_ids))

    async def ApplyPolicy(self, request: Any, context: Any) -> Any:
        self.policies.append(request)
        answer = dispatcher_pb.ApplyPolicyResponse(version=request.version)
        answer.force_time.GetCurrentTime()
        return answer

    async def GetCapacity(self, request: Any, context: Any) -> Any:
        channels = [
            dispatcher_pb.ChannelCapacity(channel=c, contacts_per_hour=n, contacts_by_hour=self.by_hour.get(c, []))
            for c, n in self.per_hour.items()
        ]
        networks = [
            dispatcher_pb.NetworkCapacity(network=name, length_s=length_s, contacts=contacts)
            for name, length_s, contacts in self.networks
        ]
        return dispatcher_pb.GetCapacityResponse(channels=channels, networks=networks)


class FakeControl(control_grpc.ControlServiceServicer):
    """Keeps switches and limits as the dispatcher does."""

    def __init__(self) -> None:
        self.switches: dict[int, control_pb.KillSwitch] = {}
        self.limits: dict[int, control_pb.Limit] = {}
        self.tolerances: dict[bytes, control_pb.PutToleranceRequest] = {}

    async def ThrowSwitch(self, request: Any, context: Any) -> Any:
        number = len(self.switches) + 1
        request.kill_switch.switch_id = number
        self.switches[number] = request.kill_switch
        return control_pb.ThrowSwitchResponse(switch_id=number)

    async def LiftSwitch(self, request: Any, context: Any) -> Any:
        found = self.switches.get(request.switch_id)
        is_own = found is not None and found.tenant_id == request.tenant_id
        if is_own:
            del self.switches[request.switch_id]
        return control_pb.LiftSwitchResponse(lifted=is_own)

    async def ListSwitches(self, request: Any, context: Any) -> Any:
        own = [one for one in self.switches.values() if one.tenant_id == request.tenant_id]
        return control_pb.ListSwitchesResponse(switches=own)

    async def PutLimit(self, request: Any, context: Any) -> Any:
        number = len(self.limits) + 1
        request.limit.limit_id = number
        self.limits[number] = request.limit
        return control_pb.PutLimitResponse(limit_id=number)

    async def LiftLimit(self, request: Any, context: Any) -> Any:
        return control_pb.LiftLimitResponse(lifted=self.limits.pop(request.limit_id, None) is not None)

    async def ListLimits(self, request: Any, context: Any) -> Any:
        return control_pb.ListLimitsResponse(limits=self.limits.values())

    async def PutTolerance(self, request: Any, context: Any) -> Any:
        if request.tolerated > 0.5:
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID: tolerated: give a share up to 0.5")
        self.tolerances[request.tenant_id + request.campaign_id] = request
        return control_pb.PutToleranceResponse()

    async def ListTolerances(self, request: Any, context: Any) -> Any:
        own = self.tolerances.get(request.tenant_id + request.campaign_id)
        told = []
        if own:
            named = {"tolerated": own.tolerated, "reason": own.reason, "campaign_id": own.campaign_id}
            told = [control_pb.BrakeTolerance(signal=own.signal, **named)]
        return control_pb.ListTolerancesResponse(tolerances=told)


class FakeTracker(tracker_grpc.TrackerServiceServicer):
    """Remembers payments and erasures."""

    def __init__(self) -> None:
        self.erasures: list[tracker_pb.EraseBorrowerRequest] = []
        self.payments: list[tracker_pb.Payment] = []

    async def RecordPayments(self, request: Any, context: Any) -> Any:
        self.payments += request.payments
        return tracker_pb.RecordPaymentsResponse(taken=len(request.payments))

    async def EraseBorrower(self, request: Any, context: Any) -> Any:
        self.erasures.append(request)
        return tracker_pb.EraseBorrowerResponse()


@dataclass
class Scheduler:
    """The service's parts, its peers, and a client of its API."""

    pool: Pool
    clock: ManualClock
    tenant_id: UUID
    app: Any
    http: httpx.AsyncClient
    plan: PlanDay
    release: ReleaseContacts
    watch: WatchClocks
    rpc: Any
    dispatcher: FakeDispatcher
    tracker: FakeTracker
    relays: list[Any] = field(default_factory=list)

    async def upload(self, body: str, key: str | None = None, kind: str = "text/csv") -> httpx.Response:
        """Import a portfolio file."""
        headers = {"Content-Type": kind} | ({"Idempotency-Key": key} if key else {})
        return await self.http.post("/v1/borrowers:import", content=body.encode(), headers=headers)

    async def start_campaign(self, key: str | None = None, **fields: Any) -> str:
        """Create and start a campaign; return its id, which a key makes the same in each run, and its lots with it."""
        headers = {"Idempotency-Key": key} if key else {}
        created = await self.http.post("/v1/campaigns", json={"name": "test", **fields}, headers=headers)
        assert created.status_code == 201, created.text
        campaign_id = str(created.json()["campaign_id"])
        started = await self.http.post(f"/v1/campaigns/{campaign_id}:start")
        assert started.status_code == 200, started.text
        return campaign_id

    async def run_plan(self) -> datetime | None:
        """Make passes of the planner until nothing is due; return when the next is."""
        while (made := await self.plan.run_once()).done:
            pass
        return made.next_due_at

    async def run_watch(self) -> datetime | None:
        """Look at the clocks of mortgages until nothing is left for this day; return when the next begins."""
        while (made := await self.watch.run_once()).done:
            pass
        return made.next_due_at

    async def run_release(self) -> datetime | None:
        """Make passes of release and relays until nothing is due; return when the next contact is."""
        while (made := await self.release.run_once()).done:
            pass
        for relay in self.relays:
            while (await relay()).done:
                pass
        return made.next_due_at

    async def live_until(self, instant: datetime) -> None:
        """Step from one due instant to the next, planning and releasing what falls due."""
        while True:
            due = [await self.run_watch(), await self.run_plan(), await self.run_release()]
            if self.clock.now() == instant:
                return
            self.clock.move_to(min([instant, *(at for at in due if at is not None)]))

    async def count(self, query: str, *arguments: Any) -> Any:
        """Return one value of the database."""
        return await self.pool.fetchval(query, *arguments)


async def add_tenant(pool: Pool, slug: str, key: str, now: datetime) -> UUID:
    """Write a tenant and a key of all scopes."""
    tenant_id = UUID(ids.tenant_id(slug).bytes)
    store = TenantStore(pool)
    recipient = types_pb2.Recipient(brand="Harbor Home Loans", actor="collecting_servicer").SerializeToString()
    await store.create(tenant_id, slug, "Harbor Home Loans", "collecting_servicer", recipient, now)
    await store.add_key(digest(key), tenant_id, "test", list(SCOPES), now)
    return tenant_id


def make_row(number: int, **changes: Any) -> dict[str, str]:
    """Make one good row of a portfolio: a borrower in New York with a mortgage."""
    row = {
        "borrower_ref": f"B{number:05d}", "loan_ref": f"L{number:05d}", "given_name": "Ana", "language": "en",
        "country": "US", "region": "NY", "postal_code": "10001", "time_zone": "",
        "mobile": f"+1{NEW_YORK[number // 100 % len(NEW_YORK)]}555{100 + number % 100:04d}",
        "landline": "", "email": f"b{number}@example.com", "sms_consent_on": "2025-11-03",
        "voice_consent_on": "2025-11-03", "email_consent_on": "2025-11-03", "product": "mortgage", "currency": "USD",
        "balance": "180000.00", "past_due": "1350.00", "instalment": "1350.00", "past_due_days": "20",
        "due_on": "2026-02-10", "monthly_income": "5200", "employment": "day_shift", "missed_payments_12m": "1",
        "kept_promises": "0", "broken_promises": "0", "regional_unemployment": "4.2", "preferred_channel": "",
    }  # fmt: skip
    return row | {name: str(value) for name, value in changes.items()}


def make_csv(rows: list[dict[str, str]]) -> str:
    """Write rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
