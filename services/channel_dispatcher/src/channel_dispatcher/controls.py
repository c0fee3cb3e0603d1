"""Use cases of the people who run it: throw and lift switches, set and lift limits. Each is one transaction.

A switch is in force at every replica when `throw` has returned and `wait_for_flight` after it: the transaction that
stores it waits for claims being written and holds back new ones, and claims that no provider was asked about are given
back by the process that holds them.
"""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

from channel_dispatcher import evidence, metrics
from channel_dispatcher.brake import Signal
from channel_dispatcher.limit_rules import LimitRule, Scope
from channel_dispatcher.signing import Signer
from channel_dispatcher.store import brake_cells, ledger, limit_rules, switches, tolerances
from channel_dispatcher.store.suppressions import FLIGHT_MAX, close_gate
from channel_dispatcher.store.tolerances import Tolerance
from channel_dispatcher.switches import EVERYBODY, Switch
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import Connection, Pool
from forbear_domain.ledger import Kind

FLIGHT_POLL_S = 0.05


class Controls:
    """Changes switches and limits. Every method that takes a connection works in the caller's transaction."""

    def __init__(self, pool: Pool, clock: Clock, signer: Signer) -> None:
        self._pool = pool
        self._clock = clock
        self._signer = signer

    async def throw(self, connection: Connection, switch: Switch) -> int:
        """Throw a switch, from now on, and return its id; one that is thrown already changes nothing."""
        await close_gate(connection)
        now = self._clock.now()
        number, is_new = await switches.throw(connection, switch._replace(thrown_at=now))
        if is_new:
            metrics.SWITCHES_THROWN.labels(switch.source).inc()
            await self._record(connection, switch.tenant_id, act="switch_thrown", switch=number, **_fields(switch))
        return number

    async def wait_for_flight(self, switch: Switch) -> None:
        """Return when nothing in the switch's scope can still be on its way to a provider."""
        while await switches.is_in_flight(self._pool, switch, self._clock.now() - FLIGHT_MAX):  # noqa: ASYNC110  # replicas
            await asyncio.sleep(FLIGHT_POLL_S)

    async def lift(self, connection: Connection, number: int, tenant: UUID | None, reason: str) -> bool:
        """Lift a switch; return whether it was thrown. A tenant lifts its own only."""
        lifted = await switches.lift(connection, number, self._clock.now(), tenant)
        if lifted is None:
            return False
        if lifted.cell and lifted.tenant_id:
            await brake_cells.forget(connection, lifted.tenant_id, lifted.cell, lifted.campaign_id)
        fields = {**_fields(lifted), "reason": reason}
        await self._record(connection, lifted.tenant_id, act="switch_lifted", switch=number, **fields)
        return True

    async def put_limit(self, connection: Connection, rule: LimitRule) -> int:
        """Put a limit in force in place of the one of the same scope, key and length, and return its id."""
        now = self._clock.now()
        number = await limit_rules.put(connection, rule, now)
        await self._record(connection, _tenant_of(rule), act="limit_set", limit=number, **_limit_fields(rule))
        return number

    async def lift_limit(self, connection: Connection, number: int, reason: str) -> bool:
        """Lift a limit; return whether it was in force."""
        lifted = await limit_rules.lift(connection, number, self._clock.now())
        if lifted is None:
            return False
        fields = {**_limit_fields(lifted), "reason": reason}
        await self._record(connection, _tenant_of(lifted), act="limit_lifted", limit=number, **fields)
        return True

    async def set_tolerance(self, connection: Connection, tolerance: Tolerance) -> None:
        """Let the brake tolerate this share from now on."""
        now = self._clock.now()
        await tolerances.put(connection, tolerance._replace(set_at=now))
        await self._record_tolerance(connection, "tolerance_set", tolerance)

    async def reset_tolerance(
        self, connection: Connection, tenant: UUID, campaign: UUID | None, signal: Signal, reason: str
    ) -> None:
        """Let the brake tolerate what holds otherwise: what the tenant set for all, or what the brake begins with."""
        now = self._clock.now()
        await tolerances.forget(connection, tenant, campaign, signal)
        tolerated = (await tolerances.of_tenants(connection, [tenant])).of_tenant(tenant, signal)
        reset = Tolerance(tenant, campaign, signal, tolerated, reason, now)
        await self._record_tolerance(connection, "tolerance_reset", reset)

    async def _record_tolerance(self, connection: Connection, act: str, tolerance: Tolerance) -> None:
        fields: dict[str, Any] = {"signal": tolerance.signal.column, "tolerated": tolerance.tolerated}
        if tolerance.campaign_id is not None:
            fields["campaign"] = tolerance.campaign_id
        await self._record(connection, tolerance.tenant_id, act=act, **fields, reason=tolerance.reason)

    async def _record(self, connection: Connection, tenant: UUID | None, **fields: Any) -> None:
        now = self._clock.now()
        entry = evidence.entry(Kind.OVERRIDE, now, tenant or EVERYBODY, None, **fields)
        await ledger.append(connection, [entry], self._signer, now)


def _fields(switch: Switch) -> dict[str, Any]:
    named: dict[str, Any] = {
        "campaign": switch.campaign_id,
        "channel": switch.channel,
        "provider": switch.provider,
        "cell": list(switch.cell) if switch.cell else None,
        "reason": switch.reason,
        "source": switch.source,
    }
    return {name: value for name, value in named.items() if value is not None}


def _limit_fields(rule: LimitRule) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "scope": rule.scope, "key": rule.key, "length_s": rule.length_s, "tokens": rule.tokens, "reason": rule.reason,
    }  # fmt: skip
    if rule.growth > 1.0:
        fields |= {"growth": rule.growth, "tokens_max": rule.tokens_max, "start_at": rule.start_at}
    return fields


def _tenant_of(rule: LimitRule) -> UUID | None:
    return UUID(rule.key) if rule.scope is Scope.TENANT else None
