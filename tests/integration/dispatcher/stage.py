"""A dispatcher put together for tests: real PostgreSQL and Valkey, a provider that remembers what reached it."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from channel_dispatcher.capacity import Capacities
from channel_dispatcher.change import Changes
from channel_dispatcher.compose import Composer, Links
from channel_dispatcher.dispatch import Dispatch, Means
from channel_dispatcher.erase import Erasure
from channel_dispatcher.health import Health
from channel_dispatcher.hearing import Hearing
from channel_dispatcher.limit_memory import LimitMemory
from channel_dispatcher.limits import Limiter
from channel_dispatcher.margins import Margins
from channel_dispatcher.outlets import Outlet, TenantLimit, by_channel
from channel_dispatcher.owner import Owner
from channel_dispatcher.reconcile import Reconciliation
from channel_dispatcher.rpc_service import DispatcherRpc
from channel_dispatcher.sending import Watch
from channel_dispatcher.settle import Settlement
from channel_dispatcher.signing import Notary, Signer
from channel_dispatcher.store.policies import Policies
from channel_dispatcher.switches import Switchboard
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Pool, migrate, open_pool
from forbear_chassis.redis import open_redis
from forbear_domain import ids
from forbear_domain.ledger import open_entry
from forbear_domain.messages import Catalogue
from forbear_domain.model import Channel
from forbear_domain.policy import load_packs
from forbear_providers.contract import FindRequest, Found, NotFound, SendOutcome, SendRequest, SendState
from tests.kit.databases import Database

TENANT = ids.tenant_id("demo")
GIVEN_NAME = "Anacleta"
LOOSE = TenantLimit(per_s=1_000_000)
SLOWED_TO = dict.fromkeys(Channel, 10)
SENDERS = ("+12125550100", "+12125550101")


def phone_of(number: int) -> str:
    """A reserved number that differs for seventy thousand borrowers: who shared one would be written to by nobody."""
    return f"+1{212 + number // 100 % 700}55501{number % 100:02d}"


def make_contact(number: int, now: datetime, **changes: object) -> types_pb2.Contact:
    """A reminder by SMS to a borrower in New York who consented last week; fields by name, `recipient_` for nested."""
    borrower = ids.borrower_id(TENANT, str(number))
    contact = types_pb2.Contact(
        contact_id=ids.follow_up_id(borrower, "reminder").bytes,
        tenant_id=TENANT.bytes,
        campaign_id=ids.campaign_id(TENANT, "spring").bytes,
        borrower_id=borrower.bytes,
        loan_id=ids.loan_id(TENANT, str(number)).bytes,
        channel=types_pb2.CHANNEL_SMS,
        purpose=types_pb2.PURPOSE_REMINDER,
        template="reminder.gentle",
    )
    contact.not_before_time.FromDatetime(now)
    contact.expire_time.FromDatetime(now + timedelta(hours=8))
    to = contact.recipient
    to.address, to.address_kind, to.language, to.given_name = phone_of(number), "mobile", "en", GIVEN_NAME
    to.brand, to.actor, to.consented = "Harbor Home Loans", "collecting_servicer", True
    to.consent_time.FromDatetime(now - timedelta(days=7))
    to.places.add(kind=types_pb2.PLACE_EVIDENCE_KIND_ADDRESS, zone="America/New_York", region="US")
    loan = to.loan
    loan.currency, loan.product, loan.past_due_days = "USD", "mortgage", 20
    loan.balance_minor, loan.past_due_minor, loan.instalment_minor = 20_000_000, 150_000, 150_000
    for name, value in changes.items():
        target = to if name.startswith("recipient_") else contact
        setattr(target, name.removeprefix("recipient_"), value)
    return contact


@dataclass
class StubProvider:
    """Counts what reaches it. `answer` decides; `finding` is what it knows about attempts later."""

    channel: Channel = Channel.SMS
    name: str = "stub"
    answer: Callable[[SendRequest], Awaitable[SendOutcome]] | None = None
    finding: Found | NotFound = NotFound.CANNOT_TELL
    sent: list[SendRequest] = field(default_factory=list)
    asked: list[FindRequest] = field(default_factory=list)

    async def send(self, request: SendRequest) -> SendOutcome:
        self.sent.append(request)
        if self.answer is not None:
            return await self.answer(request)
        return SendOutcome(SendState.ACCEPTED, provider_ref=f"SM{request.attempt_id.hex}")

    async def find(self, request: FindRequest) -> Found | NotFound:
        self.asked.append(request)
        return self.finding

    async def close(self) -> None:
        return None

    @property
    def by_address(self) -> Counter[str]:
        return Counter(request.address for request in self.sent)


@dataclass
class Stage:
    """One dispatcher process, in this process."""

    pool: Pool
    clock: Any  # a ManualClock, but where a test needs the machine's
    provider: StubProvider
    dispatch: Dispatch
    reconciliation: Reconciliation
    rpc: DispatcherRpc
    owner: Owner
    signer: Signer
    erasure: Erasure
    switchboard: Switchboard
    closers: list[Callable[[], Awaitable[object]]]

    async def submit(self, *contacts: types_pb2.Contact) -> pb.SubmitContactsResponse:
        """Hand in one batch as the scheduler would."""

        async def requests() -> AsyncIterator[pb.SubmitContactsRequest]:
            yield pb.SubmitContactsRequest(request_id=str(uuid.uuid4()), contacts=contacts)

        responses = [response async for response in self.rpc.SubmitContacts(requests(), None)]
        return responses[0]

    async def run(self, passes: int = 50) -> None:
        """Make passes until nothing is due."""
        for _ in range(passes):
            if not (await self.dispatch.run_once()).done:
                return

    async def states(self) -> Counter[int]:
        """Count the contacts by state."""
        rows = await self.pool.fetch("SELECT state, count(*) AS number FROM contact GROUP BY state")
        return Counter({row["state"]: row["number"] for row in rows})

    async def kinds(self) -> Counter[str]:
        """Count the ledger's entries by kind."""
        rows = await self.pool.fetch("SELECT convert_from(body, 'UTF8')::json ->> 'kind' AS kind FROM ledger_entry")
        return Counter(row["kind"] for row in rows)

    async def entries(self) -> list[dict[str, Any]]:
        """Read the ledger as somebody who may: every entry, opened with its borrower's key."""
        keys = {row["borrower_id"]: row["key"] for row in await self.pool.fetch("SELECT * FROM borrower_key")}
        rows = await self.pool.fetch("SELECT borrower_id, body FROM ledger_entry ORDER BY sequence")
        return [open_entry(row["body"], keys.get(row["borrower_id"])) for row in rows]

    async def close(self) -> None:
        for close in reversed(self.closers):
            await close()


async def migrate_dispatcher(database: Database) -> None:
    """Bring the dispatcher's schema up."""
    await migrate(database.url("forbear_dispatcher_owner"), "channel_dispatcher.store.migrations", "dispatcher")


async def open_stage(
    database: Database,
    valkey_url: str,
    clock: Clock,
    *,
    provider: StubProvider | None = None,
    outlet: Callable[[StubProvider], Outlet] | None = None,
    more: Sequence[Outlet] = (),
    tenant_limit: TenantLimit = LOOSE,
    signer: Signer | None = None,
    size_max: int = 500,
    tell: Callable[[], None] = lambda: None,
    slowed_to: Mapping[Channel, int] = SLOWED_TO,
) -> Stage:
    """Put a dispatcher together. Its limits are loose, and warm: a limiter test makes its own."""
    provider = provider or StubProvider()
    made = outlet(provider) if outlet else Outlet(provider, SENDERS, 32, 1_000_000)
    outs = (made, *more)
    signer = signer or Signer.generate()
    pool = await open_pool(database.url("forbear_dispatcher"), size_max=6)
    redis = open_redis(valkey_url)
    switchboard = Switchboard()
    hearing = Hearing(pool, switchboard, lambda: None)
    owner = Owner(database.url("forbear_dispatcher"), hearing.notice)
    outlets = by_channel(outs)
    limiter = Limiter(redis, "test", clock.now if clock.is_simulated else None)
    margins = Margins()
    health = Health(redis, "test", clock.now if clock.is_simulated else None)
    composer = Composer(
        Catalogue.load(), tenant_limit, Links("https://tracker.example.com", "s" * 32, "example.com"), margins
    )
    means = Means(
        pool=pool,
        clock=clock,
        packs=load_packs(),
        policies=Policies(load_packs()),
        composer=composer,
        margins=margins,
        limiter=limiter,
        limit_memory=LimitMemory(pool, limiter),
        watch=Watch(Notary(), owner, health, switchboard),
        capacities=Capacities(pool, clock, outlets, tenant_limit, health),
        settlement=Settlement(pool, signer, lambda: None),
        signer=signer,
        slowed_to=slowed_to,
        tell=tell,
        claiming=asyncio.Lock(),
    )
    erasure = Erasure(clock, Changes(pool, clock, signer), signer, load_packs())
    rpc = DispatcherRpc(pool, clock, erasure, means.capacities, lambda: None)
    reconciliation = Reconciliation(pool, clock, outlets, signer, lambda: None)
    dispatch = Dispatch(outlets[made.channel], means, size_max)
    await owner.ensure()
    await pool.execute(
        "INSERT INTO suppression_feed (heard_at) VALUES (clock_timestamp() + interval '1 year') ON CONFLICT DO NOTHING"
    )
    return Stage(
        pool,
        clock,
        provider,
        dispatch,
        reconciliation,
        rpc,
        owner,
        signer,
        erasure,
        switchboard,
        [pool.close, redis.aclose, hearing.close, owner.close],
    )
