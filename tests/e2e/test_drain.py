"""A rolling restart in the middle of a campaign: no caller sees an error, and nothing is left open."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from time import sleep

import grpc
import httpx
import pytest

from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.dispatcher.v1.dispatcher_service_pb2_grpc import DispatcherServiceStub
from forbear_sandbox.stack import SERVICES
from tests.kit.stack_kit import Scene, assert_all_is_well, open_scene, quiet_hour

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.slow, pytest.mark.xdist_group("drain")]

BORROWERS = 100
CONTACTS_BETWEEN = 5
SLOW_ANSWERS = [{"kind": "slow", "share": 1.0, "seconds": 0.1}]  # so that a signal meets sends in flight
DRAIN_S = 1.0
NOTICED_S = 0.6  # after which a load balancer sends nobody any more
CALLS_MIN = 1


class Caller(Thread):
    """Calls without a pause until it is stopped, and counts the answers by name."""

    def __init__(self, call: Callable[[], str]) -> None:
        super().__init__(daemon=True)
        self.answers: Counter[str] = Counter()
        self._call = call
        self._stopped = Event()

    def run(self) -> None:
        """Call."""
        while not self._stopped.is_set():
            try:
                self.answers[self._call()] += 1
            except (httpx.HTTPError, grpc.RpcError) as error:
                self.answers[type(error).__name__] += 1

    def stop(self) -> None:
        """Let the last call be answered."""
        self._stopped.set()
        self.join(10)


def caller_of(scene: Scene, service: str) -> Callable[[], str]:
    """Return a call of a service from outside and what it answers, each on a connection of its own."""
    stack = scene.stack
    headers = {"Authorization": f"Bearer {stack.api_key}"}
    if service == "channel-dispatcher":

        def capacity() -> str:
            with grpc.insecure_channel(f"127.0.0.1:{stack.ports.dispatcher_rpc}") as channel:
                DispatcherServiceStub(channel).GetCapacity(pb.GetCapacityRequest(tenant_id=bytes(16)), timeout=5)
            return "answered"

        return capacity
    url = f"{stack.scheduler_url}/v1/campaigns" if service == "contact-scheduler" else f"{stack.tracker_url}/p/unknown"
    expected = {200} if service == "contact-scheduler" else {404}

    def get() -> str:
        status = httpx.get(url, headers=headers, timeout=5).status_code
        return "answered" if status in expected else str(status)

    return get


def drain(scene: Scene, service: str) -> tuple[int | None, Counter[str]]:
    """Ask a service to end when some more contacts have arrived, start it again; return exit code and answers."""
    before = scene.world.state()["contacts"]
    scene.wait_for(
        lambda state: state["contacts"] >= before + CONTACTS_BETWEEN or state["is_reached"],
        f"{CONTACTS_BETWEEN} contacts",
    )
    caller = Caller(caller_of(scene, service))
    caller.start()
    scene.stack.kill(service, signal.SIGTERM)
    sleep(NOTICED_S)
    caller.stop()
    scene.wait_for(lambda _: not scene.stack.is_running(service), f"the end of {service}")
    code = scene.stack.exit_code(service)
    scene.stack.restart(service)
    return code, caller.answers


def test_a_rolling_restart_shows_no_error_and_leaves_no_attempt_unknown(tmp_path: Path) -> None:
    """SIGTERM to each service while contacts go out: whoever still comes is answered, what is in flight finishes."""
    settings = {f"FORBEAR_{part}_DRAIN_S": str(DRAIN_S) for part in ("SCHEDULER", "DISPATCHER", "TRACKER")}
    with open_scene(tmp_path, BORROWERS, env=settings) as scene:
        scene.world.set_faults(SLOW_ANSWERS)
        scene.world.aim(quiet_hour(1))

        drained = {service: drain(scene, service) for service in SERVICES}
        scene.run_until(quiet_hour(1))

        assert dict.fromkeys(SERVICES, 0) == {service: code for service, (code, _) in drained.items()}
        assert [{"answered"}] * 3 == [set(answers) for _, answers in drained.values()]
        assert CALLS_MIN <= min(answers.total() for _, answers in drained.values())
        assert set() == assert_all_is_well(scene).unknown
        assert 0 == scene.count("SELECT count(*) FROM dispatcher.attempt WHERE reason = 'orphaned'")
