"""A rolling restart in the middle of a campaign: every service drains, ends with 0, and leaves no open question."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from forbear_sandbox.stack import SERVICES
from tests.kit.stack_kit import Scene, assert_all_is_well, open_scene, quiet_hour

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.slow, pytest.mark.xdist_group("drain")]

BORROWERS = 100
CONTACTS_BETWEEN = 5
SLOW_ANSWERS = [{"kind": "slow", "share": 1.0, "seconds": 0.1}]  # so that a signal meets sends in flight


def drain(scene: Scene, service: str) -> int | None:
    """Ask a service to end when some more contacts have arrived, start it again, and return its exit code."""
    before = scene.world.state()["contacts"]
    scene.wait_for(
        lambda state: state["contacts"] >= before + CONTACTS_BETWEEN or state["is_reached"],
        f"{CONTACTS_BETWEEN} contacts",
    )
    scene.stack.kill(service, signal.SIGTERM)
    scene.wait_for(lambda _: not scene.stack.is_running(service), f"the end of {service}")
    code = scene.stack.exit_code(service)
    scene.stack.restart(service)
    return code


def test_a_rolling_restart_leaves_no_attempt_unknown(tmp_path: Path) -> None:
    """SIGTERM to each service in turn while contacts go out: calls in flight finish and are settled."""
    with open_scene(tmp_path, BORROWERS) as scene:
        scene.world.set_faults(SLOW_ANSWERS)
        scene.world.aim(quiet_hour(1))

        codes = {service: drain(scene, service) for service in SERVICES}
        scene.run_until(quiet_hour(1))

        assert dict.fromkeys(SERVICES, 0) == codes
        assert set() == assert_all_is_well(scene).unknown
        assert 0 == scene.count("SELECT count(*) FROM dispatcher.attempt WHERE reason = 'orphaned'")
