"""Calls the providers for a batch of claims, side by side, each under its permit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass

import structlog

from channel_dispatcher import metrics
from channel_dispatcher.health import Health, Tally
from channel_dispatcher.model import Claim, Sent
from channel_dispatcher.outlets import Outlet
from channel_dispatcher.owner import Owner
from channel_dispatcher.patience import Patience
from channel_dispatcher.settlement import PAUSED
from channel_dispatcher.signing import Notary
from channel_dispatcher.switches import Switchboard
from forbear_chassis.clock import Clock, monotonic_s
from forbear_providers.contract import SendOutcome, SendState

SEND_TIMEOUT_S = 30.0
SETTLE_EVERY_S = 2.0
"""What is done is settled at least this often, so that one hanging call does not hold back the news of the others."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """What is asked right before a provider is called."""

    notary: Notary
    owner: Owner
    health: Health
    switchboard: Switchboard


class Sender:
    """Sends for the outlets of one channel."""

    def __init__(self, outlets: Sequence[Outlet], watch: Watch, clock: Clock) -> None:
        self._outlets = {outlet.label: outlet for outlet in outlets}
        self._health = watch.health
        self._tallies = {label: Tally() for label in self._outlets}
        self._telling = {label: asyncio.Lock() for label in self._outlets}
        self._watch = watch
        self._clock = clock
        self._patience = Patience(SEND_TIMEOUT_S)

    async def send(self, claims: Sequence[Claim]) -> AsyncIterator[list[Sent]]:
        """Ask a provider once for each claim; give what is done, in groups, until all are."""
        done = list[Sent]()
        pending: set[asyncio.Task[None]] = set()
        for outlet in self._outlets.values():
            mine = [claim for claim in claims if claim.draft.provider == outlet.label]
            waiting, count = iter(mine), min(outlet.concurrency, len(mine))
            pending |= {asyncio.create_task(self._work(outlet, waiting, done)) for _ in range(count)}
        while pending:
            finished, pending = await asyncio.wait(pending, timeout=SETTLE_EVERY_S)
            group, done[:] = list(done), []
            for outlet in self._outlets.values():
                await self._tell(outlet)
            if group:
                yield group
            for task in finished:
                task.result()  # a bug ends the process; its open claims become unknown

    async def _tell(self, outlet: Outlet) -> None:
        """Report what came of the outlet's calls; its workers wait meanwhile, for they may have to stop."""
        tally, self._tallies[outlet.label] = self._tallies[outlet.label], Tally()
        async with self._telling[outlet.label]:
            await self._health.tell([(outlet.label, tally)])

    async def _work(self, outlet: Outlet, waiting: Iterator[Claim], done: list[Sent]) -> None:
        label, telling = outlet.label, self._telling[outlet.label]
        for claim in waiting:
            if telling.locked():
                async with telling:
                    pass
            outcome = self._refusal(outlet, claim) or await self._ask(outlet, claim)
            done.append(Sent(claim, outcome))
            self._tallies[label].add(outcome)
            if self._tallies[label].is_urgent():
                await self._tell(outlet)

    def _refusal(self, outlet: Outlet, claim: Claim) -> SendOutcome | None:
        """Refuse what must not be sent; it goes back through the gate. Nothing happens between this and the call."""
        watch = self._watch
        stopped = PAUSED if watch.health.is_shut(outlet.label) else watch.switchboard.objection(claim)
        if stopped:
            return SendOutcome(SendState.REFUSED_TRANSIENT, reason=stopped)
        objection = watch.owner.objection() or watch.notary.objection(
            claim.permit, claim.draft.request, self._clock.now()
        )
        if objection:  # no permit, no call
            metrics.PERMITS_REFUSED[outlet.channel].inc()
            log.error("send_stopped", attempt=str(claim.permit.attempt_id), reason=objection)
            return SendOutcome(SendState.REFUSED_TRANSIENT, reason=objection)
        return None

    async def _ask(self, outlet: Outlet, claim: Claim) -> SendOutcome:
        """Call the provider once."""
        started_s = monotonic_s()
        try:
            outcome = await self._patience.wait_for(outlet.provider.send(claim.draft.request))
        except TimeoutError:
            outcome = SendOutcome(SendState.UNKNOWN, reason="timed_out")
        metrics.SEND_TIME[outlet.channel].observe(monotonic_s() - started_s)
        return outcome if outcome.parts else outcome._replace(parts=claim.draft.rendered.parts)
