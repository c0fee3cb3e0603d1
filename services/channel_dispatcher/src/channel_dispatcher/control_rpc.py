"""The wire of the controls: requests are checked field by field; `Controls` does what they ask."""

from __future__ import annotations

from channel_dispatcher.brake import Signal
from channel_dispatcher.controls import Controls
from channel_dispatcher.limit_rules import GROWTH_MAX, LENGTH_MAX_S, TOKENS_MAX, LimitRule, Scope
from channel_dispatcher.store import limit_rules, switches, tolerances
from channel_dispatcher.store.tolerances import Tolerance
from channel_dispatcher.switches import Cell, Switch
from channel_dispatcher.wire import Once, bad, constant, instant_of, set_time, uuid_of
from forbear.dispatcher.v1 import control_service_pb2 as pb
from forbear.dispatcher.v1 import control_service_pb2_grpc as pb_grpc
from forbear.types.v1 import types_pb2
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import UUID, Connection, Pool
from forbear_domain.model import Channel

KEY_CHARS_MAX = 255
_SCOPES = dict(enumerate(Scope, start=1))
_SIGNALS = dict(enumerate(Signal, start=1))
_NUMBERS = {scope: number for number, scope in _SCOPES.items()}


class ControlRpc(pb_grpc.ControlServiceServicer):
    """Implements forbear.dispatcher.v1.ControlService. `accounts` are the names that a switch or limit may give."""

    def __init__(self, pool: Pool, clock: Clock, controls: Controls, accounts: frozenset[str]) -> None:
        self._pool = pool
        self._clock = clock
        self._controls = controls
        self._accounts = accounts
        self._once = Once(pool, clock)

    async def ThrowSwitch(self, request: pb.ThrowSwitchRequest, context: object) -> pb.ThrowSwitchResponse:
        """Throw a switch; answers when nothing in its scope can be on its way any more."""
        switch = self._switch(request)

        async def throw(connection: Connection) -> pb.ThrowSwitchResponse:
            return pb.ThrowSwitchResponse(switch_id=await self._controls.throw(connection, switch))

        response = await self._once(request.request_id, "ThrowSwitch", pb.ThrowSwitchResponse, throw)
        await self._controls.wait_for_flight(switch)
        return response

    async def LiftSwitch(self, request: pb.LiftSwitchRequest, context: object) -> pb.LiftSwitchResponse:
        """Lift a switch."""
        tenant = uuid_of(request.tenant_id, "tenant_id") if request.tenant_id else None
        reason = constant(request.reason, "reason")

        async def lift(connection: Connection) -> pb.LiftSwitchResponse:
            lifted = await self._controls.lift(connection, request.switch_id, tenant, reason)
            return pb.LiftSwitchResponse(lifted=lifted)

        return await self._once(request.request_id, "LiftSwitch", pb.LiftSwitchResponse, lift)

    async def ListSwitches(self, request: pb.ListSwitchesRequest, context: object) -> pb.ListSwitchesResponse:
        """List the switches that are thrown."""
        tenant = uuid_of(request.tenant_id, "tenant_id") if request.tenant_id else None
        found = await switches.in_force(self._pool)
        return pb.ListSwitchesResponse(switches=[_switch_wire(one) for one in found if tenant in (None, one.tenant_id)])

    async def PutLimit(self, request: pb.PutLimitRequest, context: object) -> pb.PutLimitResponse:
        """Put a limit in force."""
        rule = self._rule(request.limit)

        async def put(connection: Connection) -> pb.PutLimitResponse:
            return pb.PutLimitResponse(limit_id=await self._controls.put_limit(connection, rule))

        return await self._once(request.request_id, "PutLimit", pb.PutLimitResponse, put)

    async def LiftLimit(self, request: pb.LiftLimitRequest, context: object) -> pb.LiftLimitResponse:
        """Lift a limit."""
        reason = constant(request.reason, "reason")

        async def lift(connection: Connection) -> pb.LiftLimitResponse:
            return pb.LiftLimitResponse(lifted=await self._controls.lift_limit(connection, request.limit_id, reason))

        return await self._once(request.request_id, "LiftLimit", pb.LiftLimitResponse, lift)

    async def ListLimits(self, request: pb.ListLimitsRequest, context: object) -> pb.ListLimitsResponse:
        """List the limits that were put in force."""
        return pb.ListLimitsResponse(limits=[_limit_wire(one) for one in await limit_rules.in_force(self._pool)])

    async def PutTolerance(self, request: pb.PutToleranceRequest, context: object) -> pb.PutToleranceResponse:
        """Set what the brake tolerates for a tenant or a campaign of it, or go back to what holds otherwise."""
        tenant, reason = uuid_of(request.tenant_id, "tenant_id"), constant(request.reason, "reason")
        campaign = uuid_of(request.campaign_id, "campaign_id") if request.campaign_id else None
        signal = _SIGNALS.get(request.signal)
        if signal is None:
            raise bad("signal", "give a signal that this version knows")
        if request.tolerated and not signal.least <= request.tolerated <= signal.most:
            raise bad("tolerated", f"give a share from {signal.least:g} to {signal.most:g}, or nothing")

        async def put(connection: Connection) -> pb.PutToleranceResponse:
            if request.tolerated:
                tolerance = Tolerance(tenant, campaign, signal, request.tolerated, reason, self._clock.now())
                await self._controls.set_tolerance(connection, tolerance)
            else:
                await self._controls.reset_tolerance(connection, tenant, campaign, signal, reason)
            return pb.PutToleranceResponse()

        return await self._once(request.request_id, "PutTolerance", pb.PutToleranceResponse, put)

    async def ListTolerances(self, request: pb.ListTolerancesRequest, context: object) -> pb.ListTolerancesResponse:
        """List what the brake tolerates for a tenant, or for a campaign of it."""
        tenant = uuid_of(request.tenant_id, "tenant_id")
        campaign = uuid_of(request.campaign_id, "campaign_id") if request.campaign_id else None
        set_by = await tolerances.of_tenants(self._pool, [tenant])
        response = pb.ListTolerancesResponse()
        for number, signal in _SIGNALS.items():
            own = set_by.own(tenant, campaign, signal) or set_by.own(tenant, None, signal)
            response.tolerances.add(
                signal=pb.BrakeSignal.ValueType(number),
                tolerated=own.tolerated if own else signal.tolerated,
                least=signal.least,
                most=signal.most,
                reason=own.reason if own else "",
                campaign_id=own.campaign_id.bytes if own and own.campaign_id else b"",
            )
        return response

    def _switch(self, request: pb.ThrowSwitchRequest) -> Switch:
        wire, at = request.kill_switch, "kill_switch."
        cell = None
        if wire.HasField("cell"):
            cell = Cell(wire.cell.template, wire.cell.sender, wire.cell.segment)
            if not all(cell):
                raise bad(at + "cell", "give template, sender and segment")
        if wire.channel not in (0, *(int(channel) for channel in Channel)):
            raise bad(at + "channel", "give a channel that this version knows")
        if wire.provider and (wire.tenant_id or wire.campaign_id):
            raise bad(at + "provider", "an account is stopped for everybody: give no tenant and no campaign with it")
        if wire.provider and wire.provider not in self._accounts:
            raise bad(at + "provider", f"give one of {', '.join(sorted(self._accounts)) or 'no accounts'}")
        switch = Switch(
            0,
            uuid_of(wire.tenant_id, at + "tenant_id") if wire.tenant_id else None,
            uuid_of(wire.campaign_id, at + "campaign_id") if wire.campaign_id else None,
            wire.channel or None,
            wire.provider or None,
            cell,
            constant(wire.reason, at + "reason"),
            "person",
            self._clock.now(),
        )
        if request.everything == any(one is not None for one in switch[1:6]):
            raise bad(
                "everything",
                "say so to stop everything, and only then; else name a tenant, campaign, channel or provider",
            )
        return switch

    def _rule(self, wire: pb.Limit) -> LimitRule:
        scope = _SCOPES.get(wire.scope)
        if scope is None:
            raise bad("limit.scope", "give a scope that this version knows")
        if not 1 <= wire.length_s <= LENGTH_MAX_S:
            raise bad("limit.length_s", f"give 1 to {LENGTH_MAX_S} seconds")
        if not 1 <= wire.tokens <= TOKENS_MAX:
            raise bad("limit.tokens", f"give 1 to {TOKENS_MAX}; to send nothing throw a switch")
        if not (wire.growth == 0 or 1 <= wire.growth <= GROWTH_MAX):
            raise bad("limit.growth", f"give a factor from 1 to {GROWTH_MAX:g} a day, or nothing")
        if wire.tokens_max and not (wire.growth > 1 and wire.tokens < wire.tokens_max <= TOKENS_MAX):
            raise bad("limit.tokens_max", "give more than tokens, and a growth above 1")
        return LimitRule(
            0,
            scope,
            self._key(scope, wire.key),
            wire.length_s,
            wire.tokens,
            wire.growth or 1.0,
            wire.tokens_max or None,
            instant_of(wire.start_time) if wire.HasField("start_time") else self._clock.now(),
            constant(wire.reason, "limit.reason"),
        )

    def _key(self, scope: Scope, key: str) -> str:
        if not 0 < len(key) <= KEY_CHARS_MAX or not key.isprintable():
            raise bad("limit.key", "say which one of the scope")
        if scope is Scope.ACCOUNT and key not in self._accounts:
            raise bad("limit.key", f"give one of {', '.join(sorted(self._accounts)) or 'no accounts'}")
        if scope in (Scope.TENANT, Scope.CAMPAIGN):
            try:
                return str(UUID(key))
            except ValueError:
                raise bad("limit.key", "give the UUID in text form") from None
        return key.lower() if scope in (Scope.DOMAIN, Scope.NETWORK) else key


def _switch_wire(switch: Switch) -> pb.KillSwitch:
    wire = pb.KillSwitch(
        switch_id=switch.switch_id,
        tenant_id=switch.tenant_id.bytes if switch.tenant_id else b"",
        campaign_id=switch.campaign_id.bytes if switch.campaign_id else b"",
        channel=types_pb2.Channel.ValueType(switch.channel or 0),
        provider=switch.provider or "",
        reason=switch.reason,
        source=switch.source,
        slowed=switch.is_slow,
    )
    if switch.cell:
        wire.cell.template, wire.cell.sender, wire.cell.segment = switch.cell
    set_time(wire.throw_time, switch.thrown_at)
    return wire


def _limit_wire(rule: LimitRule) -> pb.Limit:
    wire = pb.Limit(
        limit_id=rule.rule_id,
        scope=pb.LimitScope.ValueType(_NUMBERS[rule.scope]),
        key=rule.key,
        length_s=rule.length_s,
        tokens=rule.tokens,
        growth=rule.growth,
        tokens_max=rule.tokens_max or 0,
        reason=rule.reason,
    )
    set_time(wire.start_time, rule.start_at)
    return wire
