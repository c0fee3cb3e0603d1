"""The health of provider accounts: circuits that open when calls fail, shared by all replicas through Redis.

`ask` tells, before contacts are drafted, what each account may carry now; `tell` reports what came of the calls. When
Redis does not answer, `ask` raises and nothing is sent. A circuit that opens stops the batch that is being sent too:
what is left of it goes back through the gate. A call that timed out opens circuits, and is itself never made again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

import orjson
import redis.asyncio
import structlog

from channel_dispatcher import metrics
from channel_dispatcher.settlement import UNASKED
from forbear_chassis.clock import from_epoch_us, to_epoch_us
from forbear_chassis.redis import RedisUnavailable, Script
from forbear_providers.contract import SendOutcome, SendState

TAU = timedelta(seconds=30)  # after this time a result counts for a third
BAD_MIN = 5  # so many recent failures ...
SHARE = 0.5  # ... and this share of all recent calls open the circuit
OPEN = timedelta(seconds=30)
OPEN_MAX = timedelta(minutes=15)
PROBES = 3
PASSES = 3
PAUSE_MAX_S = 3600.0

SICK = frozenset(
    {
        "account_not_found",
        "account_suspended",
        "connection_lost_before_mail",
        "credentials_refused",
        "forbidden",
        "not_connected",
        "relay_refused",
        "timed_out_before_mail",
    }
)
"""Transient refusals that say something about the account or the way to it, not about one address."""
THROTTLED = frozenset({"too_many_requests", "queue_overflow", "campaign_rate_exceeded", "daily_cap_reached"})
"""Refusals by which a provider asks the whole account to wait."""
_RULE = orjson.dumps(
    {
        "tau_us": TAU // timedelta(microseconds=1),
        "bad_min": BAD_MIN,
        "share": SHARE,
        "open_us": OPEN // timedelta(microseconds=1),
        "open_max_us": OPEN_MAX // timedelta(microseconds=1),
        "probes": PROBES,
        "passes": PASSES,
    }
)

log = structlog.get_logger(__name__)


class Circuit(IntEnum):
    """The state of one account."""

    CLOSED = 0
    OPEN = 1  # or paused, because the provider asked for it
    HALF_OPEN = 2


@dataclass(frozen=True, slots=True)
class Condition:
    """What one account may carry: `allowance` contacts, or any number when it is None, until `until`."""

    circuit: Circuit
    allowance: int | None
    until: datetime | None = None


CLOSED = Condition(Circuit.CLOSED, None)


@dataclass(slots=True)
class Tally:
    """What came of the calls of one account since it was last told."""

    good: int = 0
    bad: int = 0
    pause_s: float = 0.0

    def is_urgent(self) -> bool:
        """Return whether it may open the circuit by itself, or pauses the account."""
        return self.bad >= BAD_MIN or self.pause_s > 0

    def add(self, outcome: SendOutcome) -> None:
        """Count one outcome. What says nothing about the account counts as neither."""
        if outcome.reason in THROTTLED:
            self.pause_s = max(self.pause_s, min(outcome.retry_after_s or 1.0, PAUSE_MAX_S))
        elif outcome.reason in UNASKED:
            return
        elif outcome.reason in SICK or (outcome.state is SendState.UNKNOWN and outcome.reason != "unknown_code"):
            self.bad += 1
        elif outcome.state in (SendState.ACCEPTED, SendState.REFUSED_FINAL):
            self.good += 1


class Health:
    """Asks and tells. `shut` is this process' own view of which accounts are open circuits."""

    def __init__(self, client: redis.asyncio.Redis, prefix: str, simulated_now: Callable[[], datetime] | None) -> None:
        self._script = Script(client, "channel_dispatcher", "health.lua")
        self._prefix = f"{{{prefix}}}:health"
        self._simulated_now = simulated_now
        self._shut: set[str] = set()

    def is_shut(self, account: str) -> bool:
        """Return whether the account's circuit is open, as far as this process has heard."""
        return account in self._shut

    async def ask(self, accounts: Sequence[str]) -> list[Condition]:
        """Return what accounts may carry now; probes that it grants are the caller's. Raises RedisUnavailable."""
        return await self._run(accounts, "ask", [])

    async def look(self, accounts: Sequence[str]) -> list[Condition]:
        """Return what accounts may carry now, and take no probe. Raises RedisUnavailable."""
        return await self._run(accounts, "look", [])

    async def tell(self, tallies: Iterable[tuple[str, Tally]]) -> None:
        """Report results. Without Redis they are forgotten: nothing can be sent then anyway."""
        told = [(account, tally) for account, tally in tallies if tally.good or tally.bad or tally.pause_s]
        if not told:
            return
        report = [[tally.good, tally.bad, int(tally.pause_s * 1e6)] for _, tally in told]
        try:
            await self._run([account for account, _ in told], "tell", report)
        except RedisUnavailable as error:
            log.warning("health_not_told", error=type(error).__name__)

    async def _run(self, accounts: Sequence[str], command: str, report: list[list[int]]) -> list[Condition]:
        now_us = to_epoch_us(self._simulated_now()) if self._simulated_now else 0
        keys = [f"{self._prefix}:{account}" for account in accounts]
        answer = orjson.loads(await self._script(keys, [now_us, command, orjson.dumps(report), _RULE]))
        conditions = []
        for account, (state, allowance, until_us) in zip(accounts, answer, strict=True):
            circuit = Circuit(int(state))
            self._note(account, circuit)
            until = from_epoch_us(int(until_us)) if int(until_us) else None
            conditions.append(Condition(circuit, None if allowance < 0 else int(allowance), until))
        return conditions

    def _note(self, account: str, circuit: Circuit) -> None:
        metrics.CIRCUIT.labels(account).set(circuit)
        if circuit is Circuit.OPEN and account not in self._shut:
            self._shut.add(account)
            metrics.CIRCUIT_OPENED.labels(account).inc()
            log.warning("circuit_opened", account=account)
        elif circuit is not Circuit.OPEN and account in self._shut:
            self._shut.discard(account)
            log.info("circuit_left_open", account=account, circuit=circuit.name.lower())
