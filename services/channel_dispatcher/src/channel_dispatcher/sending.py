"""Calls the provider for a batch of claims, side by side, each under its permit."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace

import structlog

from channel_dispatcher import metrics
from channel_dispatcher.model import Claim, Sent
from channel_dispatcher.outlets import Outlet
from channel_dispatcher.owner import Owner
from channel_dispatcher.signing import Notary
from forbear_chassis.clock import Clock, monotonic_s
from forbear_providers.contract import SendOutcome, SendState

SEND_TIMEOUT_S = 30.0
SETTLE_EVERY_S = 2.0
"""What is done is settled at least this often, so that one hanging call does not hold back the news of the others."""

log = structlog.get_logger(__name__)


class Sender:
    """Sends for one outlet."""

    def __init__(self, outlet: Outlet, notary: Notary, owner: Owner, clock: Clock) -> None:
        self._outlet = outlet
        self._notary = notary
        self._owner = owner
        self._clock = clock

    async def send(self, claims: Sequence[Claim]) -> AsyncIterator[list[Sent]]:
        """Ask the provider once for each claim; give what is done, in groups, until all are."""
        waiting, done = iter(claims), list[Sent]()
        count = min(self._outlet.concurrency, len(claims))
        pending = {asyncio.create_task(self._work(waiting, done)) for _ in range(count)}
        while pending:
            finished, pending = await asyncio.wait(pending, timeout=SETTLE_EVERY_S)
            group, done[:] = list(done), []
            if group:
                yield group
            for task in finished:
                task.result()  # a bug ends the process; its open claims become unknown

    async def _work(self, waiting: Iterator[Claim], done: list[Sent]) -> None:
        for claim in waiting:
            outcome = await self._send_one(claim)
            done.append(Sent(claim, outcome))

    async def _send_one(self, claim: Claim) -> SendOutcome:
        """No permit, no call: the permit is checked with nothing between the check and the provider."""
        objection = self._owner.objection() or self._notary.objection(
            claim.permit, claim.draft.request, self._clock.now()
        )
        if objection:
            metrics.PERMITS_REFUSED[self._outlet.channel].inc()
            log.error("send_stopped", attempt=str(claim.permit.attempt_id), reason=objection)
            return SendOutcome(SendState.REFUSED_TRANSIENT, reason=objection)
        started_s = monotonic_s()
        try:
            async with asyncio.timeout(SEND_TIMEOUT_S):
                outcome = await self._outlet.provider.send(claim.draft.request)
        except TimeoutError:
            outcome = SendOutcome(SendState.UNKNOWN, reason="timed_out")
        metrics.SEND_TIME[self._outlet.channel].observe(monotonic_s() - started_s)
        return outcome if outcome.parts else replace(outcome, parts=claim.draft.rendered.parts)
