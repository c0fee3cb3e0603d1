"""Notices opt-outs that were lost on their way to us: a provider refuses for them, and nobody tells us of them.

A borrower's stop reaches the provider first and us a moment later; a message that crosses it is refused, which is no
fault. So a refusal counts as drift only if the stop itself has not come when DRIFT_AFTER is over. The address is barred
from the refusal on in either case.
"""

from __future__ import annotations

from datetime import timedelta

import structlog

from channel_dispatcher import metrics
from channel_dispatcher.store import drift
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Pool
from forbear_chassis.worker import Pass
from forbear_domain.model import Channel

SOURCE = "provider"  # of a suppression that a refusal told us of
DRIFT_AFTER = timedelta(minutes=10)
"""Webhooks come within seconds, and what failed is repeated within minutes."""

AT_A_TIME = 100

log = structlog.get_logger(__name__)


class Drift:
    """The worker."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def run_once(self) -> Pass:
        """Ask about what is due, and count what only the provider knew of."""
        checked = await drift.take_due(self._pool, self._clock.now(), AT_A_TIME, SOURCE)
        for one in checked:
            if not one.is_known:
                metrics.OPT_OUT_DRIFT[Channel(one.channel)].inc()
                log.warning("opt_out_drifted", suppression=str(one.suppression_id))
        return Pass(len(checked), await drift.next_due_at(self._pool))
