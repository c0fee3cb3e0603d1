"""The path of a contact: gate, claim, send, settle. It works on a batch and reads from top to bottom.

What it promises: no provider is called without a permit that was committed before; nothing is sent twice, because a
claim is never claimed again; nothing is lost, because a claim without a settlement becomes unknown. When the database,
Redis or the clock fails before the claim is committed, the batch is as if it had never been taken.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from channel_dispatcher import decisions, metrics
from channel_dispatcher.capacity import Capacities
from channel_dispatcher.compose import Composer
from channel_dispatcher.decisions import Decided
from channel_dispatcher.gate import judge, remembered
from channel_dispatcher.health import Condition
from channel_dispatcher.limit_memory import LimitMemory
from channel_dispatcher.limit_rules import LimitBook
from channel_dispatcher.limits import Limiter
from channel_dispatcher.margins import Margins
from channel_dispatcher.model import Claim, Draft
from channel_dispatcher.outlets import Outlet, Ways
from channel_dispatcher.sending import Sender, Watch
from channel_dispatcher.settle import Settlement
from channel_dispatcher.settlement import THROWN
from channel_dispatcher.signing import Notary, Signer
from channel_dispatcher.store import claims, limit_rules
from channel_dispatcher.store.feed import Entrance
from channel_dispatcher.store.policies import Policies
from channel_dispatcher.switches import HELD_FOR, hold_back, stops_of
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Pool
from forbear_chassis.worker import Pass
from forbear_domain.model import Channel
from forbear_domain.policy.packs import Packs

THROTTLED_MIN = 16
CLOSING = "window_closing"  # the reason of contacts that would not be delivered within the lawful hours
SHUT_POLL = timedelta(seconds=1)  # how soon to ask again at the earliest when every account is an open circuit

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Means:
    """What the path works with."""

    pool: Pool
    clock: Clock
    packs: Packs
    policies: Policies
    composer: Composer
    margins: Margins
    limiter: Limiter
    limit_memory: LimitMemory
    watch: Watch
    capacities: Capacities
    settlement: Settlement
    signer: Signer
    slowed_to: Mapping[Channel, int]  # of a cell that the brake slows, one contact in so many goes
    tell: Callable[[], None]  # wakes the relays: there is something to tell the neighbours
    claiming: asyncio.Lock  # one claim at a time in a process, so that its channels never meet at a borrower


class Dispatch:
    """Dispatches one channel. `run_once` is a worker: it takes what is due and finishes it durably."""

    def __init__(self, outlets: tuple[Outlet, ...], means: Means, size_max: int) -> None:
        self.channel = outlets[0].channel
        self._outlets = outlets
        self._labels = [outlet.label for outlet in outlets]
        self._means = means
        self._sender = Sender(outlets, means.watch, means.clock)
        self._size_max = size_max
        self._size = size_max

    async def run_once(self) -> Pass:
        """Take one batch through gate, claim, send and settle."""
        by = self._means
        owner, now = await by.watch.owner.ensure(), by.clock.now()
        async with by.claiming, claims.open_claim(by.pool, self.channel, self._size, now) as batch:
            self._check_trust(batch.entrance)
            if not batch.contacts:
                return Pass(0, batch.next_due_at)
            by.watch.switchboard.set(batch.switches)
            history = await claims.history_of(batch.connection, batch.contacts, now, remembered(by.packs))
            in_force = await by.policies.of(batch.connection, {contact.tenant_id for contact in batch.contacts})
            judged = judge(batch.contacts, history, by.packs, in_force, now)
            conditions = await by.watch.health.ask(self._labels)
            stops = stops_of(batch.switches, self.channel)
            carried = [one for one in zip(self._outlets, conditions, strict=True) if stops.carries(one[0])]
            book = LimitBook(await limit_rules.in_force(batch.connection), now)
            await by.margins.learn(batch.connection, now)
            composed = by.composer.compose(judged, Ways(carried), book, now)
            drafts, held = hold_back(composed.drafts, stops, by.slowed_to[self.channel], now)
            by.capacities.parts.see(self.channel, [draft.demand.cost for draft in drafts])
            grants = await by.limiter.take([draft.demand for draft in drafts], now)
            granted = [draft for draft, is_granted in zip(drafts, grants.granted, strict=True) if is_granted]
            permitted = put_under_permits(granted, by.watch.notary, now)
            decided = decisions.sort_out(judged, composed.unusable, permitted, now)
            decided.postponed.extend((one.contact_id, now + HELD_FOR, THROWN) for one in held)
            decided.postponed.extend((one.judged.contact.contact_id, one.until, CLOSING) for one in composed.late)
            made = await decisions.record(batch.connection, decided, owner, by.signer, now)
        by.signer.remember(made)
        by.tell()
        self._note(decided, len(drafts), batch.next_due_at, now)
        async for group in self._sender.send(permitted):
            await by.settlement.settle(group, by.clock.now())
            by.tell()
        restored = await by.limit_memory.restore(grants, now)
        return Pass(
            decided.count + restored.done,
            restored.next_due_at
            or grants.retry_at
            or _free_at([condition for _, condition in carried], now)
            or batch.next_due_at,
        )

    def _check_trust(self, entrance: Entrance | None) -> None:
        """Raise ClockError when our clock and the database's differ; say when borrowers cannot be heard."""
        if entrance is None:
            return
        if not self._means.clock.is_simulated:
            self._means.clock.observe(entrance.server_now)
        if entrance.is_deaf:
            metrics.FEED_STALE.inc()
            log.error("feed_stale", channel=self.channel.label)

    def _note(self, decided: Decided, drafts: int, first_due_at: datetime | None, now: datetime) -> None:
        """Say what was decided, and take smaller bites while the limits hold us back."""
        granted = len(decided.claims)
        if drafts == granted:
            self._size = self._size_max
        elif granted:
            self._size = min(max(2 * granted, THROTTLED_MIN), self._size_max)
        metrics.LIMITED[self.channel].inc(drafts - granted)
        lag_s = (now - first_due_at).total_seconds() if first_due_at else 0.0
        metrics.QUEUE_LAG[self.channel].observe(max(lag_s, 0.0))
        log.info(
            "batch_decided",
            channel=self.channel.label,
            permitted=granted,
            limited=drafts - granted,
            postponed=len(decided.postponed),
            ended=len(decided.ended),
            lag_s=round(lag_s, 3),
        )


def put_under_permits(granted: Sequence[Draft], notary: Notary, now: datetime) -> list[Claim]:
    """Make each granted draft a claim."""
    return [Claim(draft, notary.issue(draft.judged.contact, draft.request, now)) for draft in granted]


def _free_at(conditions: Sequence[Condition], now: datetime) -> datetime | None:
    """Return when an account may carry something again, where none may carry all that it is given now."""
    if any(one.allowance is None for one in conditions):
        return None
    return max(min((one.until for one in conditions if one.until), default=now), now + SHUT_POLL)
