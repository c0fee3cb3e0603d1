"""`forbear switch` and `forbear limit`: stop and slow sending while it runs, at every dispatcher, within seconds.

They speak to the dispatcher itself and are for operators; tenants use the campaign API. What they change is recorded in
the ledger. Exit code 0: done; 1: refused, and the message says how to mend it; 2: wrong usage.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import click
import grpc

from forbear.dispatcher.v1 import control_service_pb2 as pb
from forbear.dispatcher.v1.control_service_pb2_grpc import ControlServiceStub
from forbear.types.v1 import types_pb2
from forbear_chassis.clock import SystemClock
from forbear_chassis.rpc import connect
from forbear_domain.model import Channel

TIMEOUT_S = 60.0  # a switch waits for the calls of providers that are under way, each 30 s at most
SCOPES = {name.removeprefix("LIMIT_SCOPE_").lower(): number for name, number in pb.LimitScope.items() if number}
CHANNELS = {channel.label: channel.value for channel in Channel}

dispatcher = click.option(
    "--dispatcher",
    envvar="FORBEAR_DISPATCHER",
    default="127.0.0.1:9081",
    show_default=True,
    help="host:port of its gRPC",
)
because = click.option("--reason", required=True, help='Short constant for the ledger, such as "complaints".')


@click.group()
def switch() -> None:
    """Throw and lift kill switches.

    \b
    forbear switch throw --campaign CAMPAIGN_ID --reason complaints
    forbear switch throw --provider vonage --reason outage
    forbear switch throw --everything --reason incident
    forbear switch list
    forbear switch lift 7 --reason mended
    """


@switch.command("throw")
@dispatcher
@click.option("--tenant", type=click.UUID, help="Only this tenant.")
@click.option("--campaign", type=click.UUID, help="Only this campaign.")
@click.option("--channel", type=click.Choice(sorted(CHANNELS)), help="Only this channel.")
@click.option("--provider", default="", help="Only this account at a provider, by its name.")
@click.option("--everything", is_flag=True, help="Stop everything; needed when nothing narrows the switch.")
@because
def throw_switch(**given: Any) -> None:
    """Stop all sending in a scope; returns when nothing in it can be on its way to a provider any more."""
    named = pb.KillSwitch(
        tenant_id=given["tenant"].bytes if given["tenant"] else b"",
        campaign_id=given["campaign"].bytes if given["campaign"] else b"",
        channel=types_pb2.Channel.ValueType(CHANNELS.get(given["channel"], 0)),
        provider=given["provider"],
        reason=given["reason"],
    )
    request = pb.ThrowSwitchRequest(request_id=_fresh(), kill_switch=named, everything=given["everything"])
    answer = _ask(given["dispatcher"], lambda stub: stub.ThrowSwitch(request, timeout=TIMEOUT_S))
    click.echo(f"switch {answer.switch_id} is thrown; lift it with `forbear switch lift {answer.switch_id}`")


@switch.command("lift")
@click.argument("number", type=int)
@dispatcher
@because
def lift_switch(number: int, dispatcher: str, reason: str) -> None:
    """Let sending go on; contacts that are still lawful and in time are sent."""
    request = pb.LiftSwitchRequest(request_id=_fresh(), switch_id=number, reason=reason)
    answer = _ask(dispatcher, lambda stub: stub.LiftSwitch(request, timeout=TIMEOUT_S))
    click.echo(f"switch {number} {'is lifted' if answer.lifted else 'was not thrown'}")


@switch.command("list")
@dispatcher
def list_switches(dispatcher: str) -> None:
    """List the switches that are thrown, oldest first."""
    answer = _ask(dispatcher, lambda stub: stub.ListSwitches(pb.ListSwitchesRequest(), timeout=TIMEOUT_S))
    for one in answer.switches:
        click.echo(
            f"{one.switch_id:>5}  {_scope(one):50} {one.source:7} {one.reason:24} {one.throw_time.ToJsonString()}"
        )
    if not answer.switches:
        click.echo("no switch is thrown")


@click.group()
def limit() -> None:
    """Set and lift rate limits. They count SMS parts, mails and calls.

    \b
    forbear limit put account vonage --per 1 --tokens 20 --reason carrier
    forbear limit put network example.com --per 3600 --tokens 500 --reason complaints
    forbear limit put domain news.example.com --per 86400 --tokens 50 --growth 2 --until 20000 --reason warm_up
    forbear limit list
    """


@limit.command("put")
@click.argument("scope", type=click.Choice(sorted(SCOPES)))
@click.argument("key")
@click.option(
    "--per", "length_s", type=click.IntRange(1, 86_400), required=True, help="Length of the window in seconds."
)
@click.option("--tokens", type=click.IntRange(1), required=True, help="Parts, mails or calls in any such window.")
@click.option("--growth", type=click.FloatRange(1, 10), default=1.0, help="Factor a day: the warm-up of a new domain.")
@click.option("--until", "tokens_max", type=int, default=0, help="Where growth ends, and the limit with it.")
@dispatcher
@because
def put_limit(dispatcher: str, scope: str, **given: Any) -> None:
    """Put a limit in force, in place of the one of the same scope, key and window."""
    named = pb.Limit(scope=pb.LimitScope.ValueType(SCOPES[scope]), **given)
    request = pb.PutLimitRequest(request_id=_fresh(), limit=named)
    answer = _ask(dispatcher, lambda stub: stub.PutLimit(request, timeout=TIMEOUT_S))
    click.echo(f"limit {answer.limit_id} is in force")


@limit.command("lift")
@click.argument("number", type=int)
@dispatcher
@because
def lift_limit(number: int, dispatcher: str, reason: str) -> None:
    """Lift a limit that was put in force; those of the settings stay."""
    request = pb.LiftLimitRequest(request_id=_fresh(), limit_id=number, reason=reason)
    answer = _ask(dispatcher, lambda stub: stub.LiftLimit(request, timeout=TIMEOUT_S))
    click.echo(f"limit {number} {'is lifted' if answer.lifted else 'was not in force'}")


@limit.command("list")
@dispatcher
def list_limits(dispatcher: str) -> None:
    """List the limits that were put in force beside those of the settings."""
    answer = _ask(dispatcher, lambda stub: stub.ListLimits(pb.ListLimitsRequest(), timeout=TIMEOUT_S))
    names = {number: name for name, number in SCOPES.items()}
    for one in answer.limits:
        grows = f", x{one.growth:g} a day" if one.growth > 1 else ""
        click.echo(
            f"{one.limit_id:>5}  {names.get(one.scope, '?'):9} {one.key:40} {one.tokens} in {one.length_s} s{grows}"
            f"  {one.reason}"
        )
    if not answer.limits:
        click.echo("no limit beside those of the settings")


def _scope(one: pb.KillSwitch) -> str:
    channels = {number: name for name, number in CHANNELS.items()}
    parts = [f"tenant {uuid.UUID(bytes=one.tenant_id)}"] if one.tenant_id else []
    parts += [f"campaign {uuid.UUID(bytes=one.campaign_id)}"] if one.campaign_id else []
    parts += [f"channel {channels.get(one.channel, one.channel)}"] if one.channel else []
    parts += [f"provider {one.provider}"] if one.provider else []
    slowed = " (slowed)" if one.slowed else ""
    parts += [f"{one.cell.template} by {one.cell.sender} to {one.cell.segment}{slowed}"] if one.HasField("cell") else []
    return ", ".join(parts) or "everything"


def _fresh() -> str:
    return str(uuid.uuid4())


def _ask(target: str, call: Callable[[Any], Awaitable[Any]]) -> Any:
    """Make one call and turn what went wrong into a sentence."""

    async def ask() -> Any:
        channel = connect(target, SystemClock())
        try:
            return await call(ControlServiceStub(channel))
        finally:
            await channel.close()

    try:
        return asyncio.run(ask())
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNAVAILABLE:
            raise click.ClickException(f"no dispatcher answers at {target}") from None
        if error.code() is grpc.StatusCode.DEADLINE_EXCEEDED:
            raise click.ClickException(
                "it is in force, but calls of providers that were under way have not ended"
            ) from None
        raise click.ClickException(str(error.details())) from None
