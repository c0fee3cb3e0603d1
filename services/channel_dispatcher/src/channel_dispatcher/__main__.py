"""Composition root of the dispatcher: `python -m channel_dispatcher [serve|migrate]`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import structlog

from channel_dispatcher import metrics, outbox
from channel_dispatcher.accounts import open_outlets
from channel_dispatcher.capacity import Capacities
from channel_dispatcher.change import Changes
from channel_dispatcher.compose import Composer, Links
from channel_dispatcher.control_rpc import ControlRpc
from channel_dispatcher.controls import Controls
from channel_dispatcher.dispatch import Dispatch, Means
from channel_dispatcher.drift import Drift
from channel_dispatcher.erase import Erasure
from channel_dispatcher.health import Health
from channel_dispatcher.hearing import Hearing
from channel_dispatcher.housekeeping import Housekeeping
from channel_dispatcher.limit_memory import LimitMemory
from channel_dispatcher.limits import Limiter
from channel_dispatcher.margins import Margins
from channel_dispatcher.outlets import Outlets, TenantLimit
from channel_dispatcher.owner import Owner
from channel_dispatcher.reconcile import Reconciliation
from channel_dispatcher.rpc_service import DispatcherRpc
from channel_dispatcher.sending import Watch
from channel_dispatcher.settings import Settings
from channel_dispatcher.settle import Settlement
from channel_dispatcher.signing import KeyFileError, Notary, Signer
from channel_dispatcher.store import ledger
from channel_dispatcher.store.policies import Policies
from channel_dispatcher.switches import Switchboard
from forbear.dispatcher.v1 import control_service_pb2 as control_pb
from forbear.dispatcher.v1 import control_service_pb2_grpc as control_grpc
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.dispatcher.v1 import dispatcher_service_pb2_grpc as pb_grpc
from forbear.scheduler.v1 import scheduler_service_pb2_grpc as scheduler_grpc
from forbear.tracker.v1 import tracker_service_pb2_grpc as tracker_grpc
from forbear_chassis import process, rpc
from forbear_chassis.clock import Clock
from forbear_chassis.command import Service, make_group
from forbear_chassis.http import HttpServer, admin_app
from forbear_chassis.law import packs_at_start
from forbear_chassis.outbox import relay
from forbear_chassis.postgres import Pool, open_pool
from forbear_chassis.redis import open_redis
from forbear_chassis.settings import EXIT_BAD_SETTINGS
from forbear_chassis.worker import Pass, WorkerLoop, wake_all
from forbear_domain.messages import Catalogue
from forbear_providers.accounts import AccountError

NAME = "channel-dispatcher"
log = structlog.get_logger(__name__)

Worker = Callable[[], Awaitable[Pass]]


def make_signer(settings: Settings, clock: Clock) -> Signer:
    """Read the signing key. Without one only a simulation may run, with a key that dies with the process."""
    if settings.signing_key_file is not None:
        try:
            return Signer.from_file(settings.signing_key_file)
        except KeyFileError as error:
            sys.stderr.write(f"setting FORBEAR_DISPATCHER_SIGNING_KEY_FILE: {error}\n")
            raise SystemExit(EXIT_BAD_SETTINGS) from None
    if not clock.is_simulated:
        sys.stderr.write("setting FORBEAR_DISPATCHER_SIGNING_KEY_FILE: name the key that signs the ledger\n")
        raise SystemExit(EXIT_BAD_SETTINGS)
    log.warning("signing_key_generated", use="simulation only")
    return Signer.generate()


def make_outlets(settings: Settings, clock: Clock) -> Outlets:
    """Open the accounts at providers; one that cannot be opened stops the start."""
    try:
        return open_outlets(settings, clock)
    except AccountError as error:
        sys.stderr.write(f"setting FORBEAR_DISPATCHER_ACCOUNTS_FILE: {error}\n")
        raise SystemExit(EXIT_BAD_SETTINGS) from None


async def serve(settings: Settings) -> None:
    """Build the dispatcher and run it until it is stopped."""
    packs = packs_at_start()
    service = process.Process(settings, NAME)
    clock = await service.open_clock()
    signer = make_signer(settings, clock)
    await SERVICE.migrate_when_told(settings)
    database_url = settings.database_url.get_secret_value()
    pool = await open_pool(database_url)
    service.on_close(pool.close)
    switchboard = Switchboard()
    loops: list[WorkerLoop] = []
    hearing = Hearing(pool, switchboard, partial(wake_all, loops))
    owner = Owner(database_url, hearing.notice)
    service.on_close(hearing.close)
    service.on_close(owner.close)
    await ledger.publish_key(pool, signer, clock.now())

    outlets = make_outlets(settings, clock)
    for outlet in (one for each in outlets.values() for one in each):
        service.on_close(outlet.provider.close)
        metrics.start_accounts([outlet.label])
    tenant_limit = TenantLimit(settings.limit_tenant_per_s, settings.limit_tenant_per_minute)
    relay_loops = _relays(service, settings, clock, pool)
    drift_loop = service.worker("drift", Drift(pool, clock).run_once, clock)
    redis = open_redis(settings.redis_url.get_secret_value())
    service.on_close(redis.aclose)
    margins = Margins()
    health = Health(redis, "forbear", clock.now if clock.is_simulated else None)
    limiter = Limiter(redis, "forbear", clock.now if clock.is_simulated else None)
    means = Means(
        pool=pool,
        clock=clock,
        packs=packs,
        policies=Policies(packs),
        composer=Composer(Catalogue.load(), tenant_limit, _links(settings), margins),
        margins=margins,
        limiter=limiter,
        limit_memory=LimitMemory(pool, limiter),
        watch=Watch(Notary(), owner, health, switchboard),
        capacities=Capacities(pool, clock, outlets, tenant_limit, health),
        settlement=Settlement(pool, signer, drift_loop.wake),
        signer=signer,
        slowed_to=settings.slowed_to(),
        tell=partial(wake_all, relay_loops),
        claiming=asyncio.Lock(),
    )
    dispatches = [Dispatch(each, means, settings.batch_size) for each in outlets.values()]
    loops += [service.worker(f"dispatch_{one.channel.label}", one.run_once, clock) for one in dispatches] + relay_loops
    reconciliation = Reconciliation(pool, clock, outlets, signer, partial(wake_all, loops))
    # The death of another dispatcher, which leaves claims behind, is announced by nobody.
    service.worker("reconcile", reconciliation.run_once, clock, every_step=True)
    erasure = Erasure(clock, Changes(pool, clock, signer), signer, packs)
    service.worker("housekeeping", Housekeeping(pool, clock, erasure).run_once, clock)

    service.serve(_make_server(settings, service, means, erasure, outlets, partial(wake_all, loops)))
    service.serve(HttpServer(admin_app(lambda: _is_ready(pool)), settings.admin_listen))
    await service.run()


def _make_server(  # what the two gRPC services share
    settings: Settings,
    service: process.Process,
    by: Means,
    erasure: Erasure,
    outlets: Outlets,
    wake: Callable[[], None],
) -> rpc.RpcServer:
    """Make the gRPC server: contacts and evidence for the services, switches and limits for people."""
    server = rpc.RpcServer(settings.rpc_listen, by.clock, service.activity, reflect=settings.reflection)
    pb_grpc.add_DispatcherServiceServicer_to_server(
        DispatcherRpc(by.pool, by.clock, erasure, by.capacities, wake), server.server
    )
    server.add(pb.DESCRIPTOR.services_by_name["DispatcherService"].full_name)
    accounts = frozenset(outlet.label for each in outlets.values() for outlet in each)
    control_grpc.add_ControlServiceServicer_to_server(
        ControlRpc(by.pool, by.clock, Controls(by.pool, by.clock, by.signer), accounts), server.server
    )
    server.add(control_pb.DESCRIPTOR.services_by_name["ControlService"].full_name)
    return server


def _links(settings: Settings) -> Links:
    return Links(settings.callback_url, settings.link_secret.get_secret_value(), settings.reply_domain)


def _relays(service: process.Process, settings: Settings, clock: Clock, pool: Pool) -> list[WorkerLoop]:
    """Add the workers that tell the neighbours."""
    return [
        service.worker("relay_attempts", _relay_attempts(service, settings, clock, pool), clock),
        service.worker("relay_outcomes", _relay_outcomes(service, settings, clock, pool), clock),
    ]


def _relay_attempts(service: process.Process, settings: Settings, clock: Clock, pool: Pool) -> Worker:
    channel = rpc.connect(settings.tracker_target, clock)
    service.on_close(channel.close)
    call: Any = tracker_grpc.TrackerServiceStub(channel).RecordAttempts
    return lambda: relay(pool, outbox.TRACKER, call, outbox.attempts_request)


def _relay_outcomes(service: process.Process, settings: Settings, clock: Clock, pool: Pool) -> Worker:
    channel = rpc.connect(settings.scheduler_target, clock)
    service.on_close(channel.close)
    call: Any = scheduler_grpc.SchedulerServiceStub(channel).ReportOutcomes
    return lambda: relay(pool, outbox.SCHEDULER, call, outbox.outcomes_request)


async def _is_ready(pool: Pool) -> bool:
    """Without the database nothing works; without Redis contacts are still taken and stops are still obeyed."""
    return bool(await pool.fetchval("SELECT true"))


SERVICE = Service(
    NAME,
    "Send what is due, once, under the law and the limits, and keep the evidence.",
    Settings,
    serve,
    "dispatcher",
    "channel_dispatcher.store.migrations",
)
main = make_group(SERVICE)

if __name__ == "__main__":
    main(prog_name="python -m channel_dispatcher")
