"""A rolling restart in the middle of a campaign: no caller sees an error, and nothing is left open."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

import grpc
import httpx
import pytest

from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.dispatcher.v1.dispatcher_service_pb2_grpc import DispatcherServiceStub
from forbear_sandbox.stack import SERVICES
from tests.kit.stack_kit import Scene, assert_all_is_well, open_scene, quiet_hour, wait_until

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.slow, pytest.mark.xdist_group("drain")]

BORROWERS = 100
CONTACTS_BETWEEN = 5
SLOW_ANSWERS = [{"kind": "slow", "share": 1.0, "seconds": 0.1}]  # so that a signal meets sends in flight
DRAIN_S = 1.0
NOTICED_S = 0.6  # after which a load balancer sends nobody any more
CALLS_MIN = 1
ANSWERED = "answered"


class Caller(Thread):
    """Calls without a pause until it is stopped, and notes what came of each call, by name, and when."""

    def __init__(self, call: Callable[[], str]) -> None:
        super().__init__(daemon=True)
        self._came: list[tuple[str, float]] = []
        self._call = call
        self._stopped = Event()

    def run(self) -> None:
        """Call."""
        while not self._stopped.is_set():
            try:
                came = self._call()
            except (httpx.HTTPError, grpc.RpcError) as error:
                came = type(error).__name__
            self._came.append((came, monotonic()))

    def stop(self) -> None:
        """Let the last call be answered."""
        self._stopped.set()
        self.join()

    @property
    def is_at_it(self) -> bool:
        """Whether a call has come to its end."""
        return bool(self._came)

    def answers(self, since_s: float, until_s: float) -> Counter[str]:
        """Return what came of the calls that ended between two instants, and of those that were answered later."""
        return Counter(came for came, at_s in self._came if since_s <= at_s and (at_s < until_s or came == ANSWERED))


def caller_of(scene: Scene, service: str) -> Callable[[], str]:
    """Return a call of a service from outside and what it answers, each on a connection of its own."""
    stack = scene.stack
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    if service == "channel-dispatcher":

        def capacity() -> str:
            with grpc.insecure_channel(f"127.0.0.1:{stack.ports.dispatcher_rpc}") as channel:
                DispatcherServiceStub(channel).GetCapacity(pb.GetCapacityRequest(tenant_id=bytes(16)), timeout=5)
            return ANSWERED

        return capacity
    url = f"{stack.scheduler_url}/v1/campaigns" if service == "contact-scheduler" else f"{stack.tracker_url}/p/unknown"
    expected = {200} if service == "contact-scheduler" else {404}

    def get() -> str:
        status = httpx.get(url, headers=headers, timeout=5).status_code
        return ANSWERED if status in expected else str(status)

    return get


def drain(scene: Scene, service: str) -> tuple[int | None, Counter[str]]:
    """Ask a service to end when some more contacts have arrived, start it again; return exit code and answers.

    Only a call that fails before the drain can be over is an error: on a busy machine one that began in time may find
    nobody any more.
    """
    before = scene.world.state()["contacts"]
    scene.wait_for(
        lambda state: state["contacts"] >= before + CONTACTS_BETWEEN or state["is_reached"],
        f"{CONTACTS_BETWEEN} contacts",
    )
    caller = Caller(caller_of(scene, service))
    caller.start()
    wait_until(lambda: caller.is_at_it, "a first answer")
    signalled_s = monotonic()
    scene.stack.kill(service, signal.SIGTERM)
    sleep(NOTICED_S)
    caller.stop()
    scene.wait_for(lambda _: not scene.stack.is_running(service), f"the end of {service}")
    code = scene.stack.exit_code(service)
    scene.stack.restart(service)
    return code, caller.answers(signalled_s, signalled_s + DRAIN_S)


def test_a_rolling_restart_shows_no_error_and_leaves_no_attempt_unknown(tmp_path: Path) -> None:
    """SIGTERM to each service while contacts go out: whoever still comes is answered, what is in flight finishes."""
    settings = {f"FORBEAR_{part}_DRAIN_S": str(DRAIN_S) for part in ("SCHEDULER", "DISPATCHER", "TRACKER")}
    with open_scene(tmp_path, BORROWERS, env=settings) as scene:
        scene.world.set_faults(SLOW_ANSWERS)
        scene.world.aim(quiet_hour(1))

        drained = {service: drain(scene, service) for service in SERVICES}
        scene.run_until(quiet_hour(1))

        assert dict.fromkeys(SERVICES, 0) == {service: code for service, (code, _) in drained.items()}
        assert [{ANSWERED}] * 3 == [set(answers) for _, answers in drained.values()]
        assert CALLS_MIN <= min(answers.total() for _, answers in drained.values())
        assert set() == assert_all_is_well(scene).unknown
        assert 0 == scene.count("SELECT count(*) FROM dispatcher.attempt WHERE reason = 'orphaned'")
