"""A tracker put together in the test's own process, with real PostgreSQL, and real gRPC servers as its peers."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import aiohttp
import asyncpg
import grpc
from twilio.request_validator import RequestValidator

from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear.dispatcher.v1 import dispatcher_service_pb2_grpc as dispatcher_grpc
from forbear.scheduler.v1 import scheduler_service_pb2 as scheduler_pb
from forbear.scheduler.v1 import scheduler_service_pb2_grpc as scheduler_grpc
from forbear.tracker.v1 import tracker_service_pb2 as tracker_pb
from forbear.types.v1 import types_pb2 as types_pb
from forbear_chassis.http import HttpServer
from forbear_chassis.postgres import migrate, open_pool
from forbear_chassis.rpc import RpcServer, connect
from forbear_chassis.worker import Activity
from forbear_domain import ids
from forbear_domain.links import make_link_token
from forbear_domain.messages import Catalogue
from forbear_domain.model import Channel
from forbear_providers.accounts import Account
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
from response_tracker.rpc_service import TrackerRpc, UseCases
from response_tracker.settle import Settler
from response_tracker.suppress import Suppressor
from response_tracker.track import Tracker
from response_tracker.voice import Voice
from response_tracker.wire import stamp
from tests.integration.tracker.scripted_reader import ScriptedReader
from tests.kit.databases import Database
from tests.kit.manual_clock import ManualClock

PUBLIC_URL = "https://tracker.example.com/in"
AUTH_TOKEN = "a-token-for-tests"
PAST_DUE = re.compile(r"\b612\b")  # whole, for the ids and tokens of a page hold any three digits now and then
LINK_SECRET = "a-link-secret-for-tests"
ACCOUNT = Account(
    "vonage", "vonage_sms", ("+18885550101",), 1.0, 0.0, 1, 0, 1, {"signature_secret": "a-signature-secret-for-tests"}
)
CALLS = Account(
    *("vonage_calls", "vonage_voice", ("+18885550102",), 1.0, 0.0, 1, 0, 1),
    {
        "signature_secret": "a-secret-of-calls-for-tests-of-the-tracker",
        "application_id": "aaaaaaaa-bbbb-cccc-dddd-0123456789ab",
    },
)
PHONE = "+12125550123"
MAIL = "maria@example.com"
SENDER = "+18885550100"
TENANT = ids.tenant_id("demo")
BORROWER = ids.borrower_id(TENANT, "b-1")
LOAN = ids.loan_id(TENANT, "l-1")
CAMPAIGN = ids.campaign_id(TENANT, "c-1")


class FakeDispatcher(dispatcher_grpc.DispatcherServiceServicer):
    """Remembers what it is told; refuses while `is_away`."""

    def __init__(self) -> None:
        self.is_away = False
        self.affirmed = 0
        self.suppressions: list[types_pb.Suppression] = []
        self.lifted: list[bytes] = []
        self.receipts: list[dispatcher_pb.Receipt] = []
        self.statements: list[dispatcher_pb.Statement] = []
        self.contacts: list[types_pb.Contact] = []
        self.recalled: list[UUID] = []

    async def _answer(self, context: Any) -> None:
        if self.is_away:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "away")

    async def ApplySuppressions(self, request: Any, context: Any) -> Any:
        await self._answer(context)
        known = {one.suppression_id for one in self.suppressions}
        self.suppressions += [one for one in request.suppressions if one.suppression_id not in known]
        return dispatcher_pb.ApplySuppressionsResponse()

    async def AffirmSuppressions(self, request: Any, context: Any) -> Any:
        await self._answer(context)
        self.affirmed += 1
        return dispatcher_pb.AffirmSuppressionsResponse()

    async def LiftSuppressions(self, request: Any, context: Any) -> Any:
        await self._answer(context)
        self.lifted += list(request.suppression_ids)
        return dispatcher_pb.LiftSuppressionsResponse()

    async def RecallContacts(self, request: Any, context: Any) -> Any:
        await self._answer(context)
        self.recalled += [UUID(bytes=one) for one in request.contact_ids]
        return dispatcher_pb.RecallContactsResponse(recalled=len(request.contact_ids))

    async def RecordReceipts(self, request: Any, context: Any) -> Any:
        await self._answer(context)
        self.receipts += list(request.receipts)
        return dispatcher_pb.RecordReceiptsResponse()

    async def RecordStatements(self, request: Any, context: Any) -> Any:
        await self._answer(context)
        self.statements += list(request.statements)
        return dispatcher_pb.RecordStatementsResponse()

    async def SubmitContacts(self, request_iterator: Any, context: Any) -> Any:
        await self._answer(context)
        async for request in request_iterator:
            self.contacts += list(request.contacts)
            yield dispatcher_pb.SubmitContactsResponse(request_id=request.request_id)


class FakeScheduler(scheduler_grpc.SchedulerServiceServicer):
    """Remembers the responses it is told."""

    def __init__(self) -> None:
        self.responses: list[scheduler_pb.Response] = []

    async def ReportResponses(self, request_iterator: Any, context: Any) -> Any:
        async for request in request_iterator:
            self.responses += list(request.responses)
            yield scheduler_pb.ReportResponsesResponse(request_id=request.request_id)

    def kinds(self) -> list[str]:
        """Return the names of the kinds of what was told."""
        return [types_pb.ResponseKind.Name(one.kind).removeprefix("RESPONSE_KIND_") for one in self.responses]


@dataclass
class World:
    """The tracker and everything around it."""

    clock: ManualClock
    pool: asyncpg.Pool
    dispatcher: FakeDispatcher
    scheduler: FakeScheduler
    receiver: Receiver
    suppressor: Suppressor
    due: Due
    erasure: Erasure
    relays: Relays
    rpc: TrackerRpc
    base_url: str
    mail_port: int
    session: aiohttp.ClientSession
    numbers: dict[str, int] = field(default_factory=dict)

    async def pump(self) -> None:
        """Let every loop work until nothing is left at this instant."""
        loops = (
            self.receiver.run_once,
            self.suppressor.run_once,
            self.due.run_once,
            self.erasure.run_once,
            self.relays.to_dispatcher,
            self.relays.to_scheduler,
        )
        while True:
            done = [(await run()).done for run in loops]
            if not any(done):
                return

    async def advance(self, by: timedelta) -> None:
        """Move the time on and let the loops work."""
        self.clock.advance(by)
        await self.pump()

    async def attempt(self, number: int = 1, **changes: Any) -> UUID:
        """Record one attempt, as the dispatcher does, and return its id."""
        item = make_attempt(number, self.clock, **changes)

        async def requests() -> AsyncIterator[Any]:
            yield tracker_pb.RecordAttemptsRequest(request_id="r", attempts=[item])

        async for _ in self.rpc.RecordAttempts(requests(), None):  # type: ignore[arg-type]
            pass
        return UUID(bytes=item.attempt_id)

    async def post_signed(self, path: str, form: Mapping[str, str], *, signature: str | None = None) -> tuple[int, str]:
        """Post a form as the provider does, signed by its own validator's rule."""
        signed = RequestValidator(AUTH_TOKEN).compute_signature(PUBLIC_URL + path, dict(form))
        headers = {
            "X-Twilio-Signature": signed if signature is None else signature,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        async with self.session.post(self.base_url + path, data=urlencode(form), headers=headers) as reply:
            return reply.status, await reply.text()

    async def text(self, words: str, *, sid: str = "", from_: str = PHONE) -> int:
        """Let the borrower send a text message; return the status of our answer."""
        self.numbers["sid"] = self.numbers.get("sid", 0) + 1
        form = {"MessageSid": sid or f"SM{self.numbers['sid']:032d}", "From": from_, "To": SENDER, "Body": words}
        status, _ = await self.post_signed("/twilio/message", form)
        return status

    def suppression_kinds(self) -> list[str]:
        """Return the names of the suppressions in force for a tenant."""
        prefix = "SUPPRESSION_KIND_"
        told = [one for one in self.dispatcher.suppressions if one.tenant_id]
        return [types_pb.SuppressionKind.Name(one.kind).removeprefix(prefix) for one in told]

    def barred_for_everyone(self) -> list[str]:
        """Return the addresses that are barred for every tenant."""
        return [one.address for one in self.dispatcher.suppressions if not one.tenant_id]

    def templates(self) -> list[str]:
        """Return the templates of the contacts submitted."""
        return [one.template for one in self.dispatcher.contacts]

    async def cases(self) -> list[str]:
        """Return the reasons of the open cases."""
        rows = await self.pool.fetch("SELECT reason FROM hand_over WHERE closed_at IS NULL ORDER BY reason")
        return [row["reason"] for row in rows]


def make_attempt(number: int, clock: ManualClock, **changes: Any) -> tracker_pb.Attempt:
    """Make an attempt to Maria in New York, who is 612.40 past due."""
    channel = changes.get("channel", Channel.SMS)
    contact_id = ids.contact_id(CAMPAIGN, BORROWER, number)
    address = MAIL if channel is Channel.EMAIL else PHONE
    recipient = types_pb.Recipient(
        address=changes.get("address", address),
        language=changes.get("language", "en"),
        given_name="Maria",
        brand="Harbor Home Loans",
        payment_url=changes.get("payment_url", "https://pay.example.com/harbor"),
        actor=changes.get("actor", "collecting_servicer"),
        address_kind="email" if channel is Channel.EMAIL else "mobile",
        consented=True,
        segment="day_shift",
        places=[types_pb.PlaceEvidence(kind=types_pb.PLACE_EVIDENCE_KIND_ADDRESS, zone="America/New_York")],
        loan=types_pb.LoanTerms(
            currency="USD",
            balance_minor=21_000_000,
            past_due_minor=changes.get("past_due_minor", 61_240),
            instalment_minor=145_000,
            past_due_days=20,
            product="mortgage",
        ),
    )
    contact = types_pb.Contact(
        contact_id=contact_id.bytes,
        tenant_id=changes.get("tenant_id", TENANT).bytes,
        campaign_id=CAMPAIGN.bytes,
        borrower_id=changes.get("borrower_id", BORROWER).bytes,
        loan_id=LOAN.bytes,
        channel=types_pb.Channel.ValueType(int(channel)),
        purpose=changes.get("purpose", types_pb.PURPOSE_REMINDER),
        template="reminder.gentle",
        recipient=recipient,
    )
    return tracker_pb.Attempt(
        attempt_id=ids.attempt_id(contact_id, 1).bytes,
        contact=contact,
        provider="twilio_sms",
        provider_ref=changes.get("provider_ref", f"SM-out-{number}"),
        sender=SENDER,
        state=types_pb.CONTACT_STATE_ACCEPTED,
        send_time=stamp(clock.now()),
    )


def page_path(attempt_id: UUID) -> str:
    """Return the path of the self-service page of an attempt."""
    return f"/p/{make_link_token(LINK_SECRET, 'page', attempt_id)}"


def leave_path(attempt_id: UUID) -> str:
    """Return the path of the unsubscribe link of an attempt."""
    return f"/u/{make_link_token(LINK_SECRET, 'unsubscribe', attempt_id)}"


def rest() -> None:
    """Wake nobody: the tests make the passes themselves."""


@asynccontextmanager
async def open_world(
    database: Database, clock: ManualClock, reader: ScriptedReader, dispatcher: Any
) -> AsyncIterator[World]:
    """Put a tracker together beside a dispatcher's service, real or not."""
    activity = Activity()
    await migrate(database.url("forbear_tracker_owner"), "response_tracker.store.migrations", "tracker")
    pool = await open_pool(database.url("forbear_tracker"), size_max=5)
    scheduler = FakeScheduler()
    peers = RpcServer("127.0.0.1:0", clock, activity)
    dispatcher_grpc.add_DispatcherServiceServicer_to_server(dispatcher, peers.server)
    scheduler_grpc.add_SchedulerServiceServicer_to_server(scheduler, peers.server)
    await peers.start()
    channel = connect(f"127.0.0.1:{peers.port}", clock)
    suppressor = Suppressor(pool, dispatcher_grpc.DispatcherServiceStub(channel), clock)
    settler = Settler(pool, clock)
    erasure = Erasure(pool, clock)
    use_cases = UseCases(settler, CaseDesk(pool, clock), erasure)
    voice = Voice(Catalogue.load(), reader, PUBLIC_URL, LINK_SECRET)
    page = Page(pool)
    handlers = Handlers(reader, Tracker(pool, clock, read_status), voice, page, suppressor)
    receiver = Receiver(pool, clock, Intake(pool), handlers, wake=rest, wake_events=rest)
    secrets = Secrets(AUTH_TOKEN, LINK_SECRET, Gateways([ACCOUNT, CALLS]))
    app = HttpApp(pool, clock, receiver, voice, page, PUBLIC_URL, secrets)
    http = HttpServer(app, "127.0.0.1:0")
    mail = MailServer(MailHandler(receiver.settle, clock, activity), "127.0.0.1:0")
    await http.start()
    await mail.start()
    relays = Relays(pool, dispatcher_grpc.DispatcherServiceStub(channel), scheduler_grpc.SchedulerServiceStub(channel))
    async with aiohttp.ClientSession() as session:
        yield World(
            clock,
            pool,
            dispatcher,
            scheduler,
            receiver,
            suppressor,
            Due(pool, clock, settler, rest),
            erasure,
            relays,
            TrackerRpc(pool, clock, Catalogue.load(), use_cases, wake=rest, wake_events=rest),
            f"http://127.0.0.1:{http.port}",
            mail.port,
            session,
        )
    await mail.stop(1)
    await http.stop(1)
    await channel.close()
    await peers.stop(0)
    await pool.close()
