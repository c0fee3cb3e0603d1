"""Parts are killed in the middle of a campaign, again and again: nobody is contacted twice, and nothing is lost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy
import pytest

from forbear_sandbox.stack import SERVICES
from tests.kit.stack_kit import Scene, assert_all_is_well, open_scene

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.slow, pytest.mark.xdist_group("kill")]

BORROWERS = 100
KILLS = 3
CONTACTS_BETWEEN_MAX = 8
PARTS = (*SERVICES, "valkey", "postgres")
SLOW_ANSWERS = [{"kind": "slow", "share": 0.5, "seconds": 0.05}]  # so that a kill meets sends in flight


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A campaign that goes on from test to test, a day for each. Its Valkey forgets everything when it is killed."""
    with open_scene(tmp_path_factory.mktemp("kill"), BORROWERS) as made:
        made.world.set_faults(SLOW_ANSWERS)
        yield made


def kill_in_the_middle(scene: Scene, part: str, contacts: int) -> None:
    """Kill a part when so many more contacts have arrived, and start it again once it has been missed."""
    before = scene.world.state()["contacts"]
    scene.wait_for(lambda state: state["contacts"] >= before + contacts or state["is_reached"], f"{contacts} contacts")
    scene.stack.kill(part)
    scene.wait_for(lambda state: state["is_reached"] or state["clock"]["still_s"] > 1, "the time to stand still")
    scene.stack.restart(part)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_killed_loses_no_contact_and_sends_none_twice(scene: Scene, part: str) -> None:
    """kill -9 at three seeded moments of a day of the campaign; judged by the census, the ledger and the tables."""
    lots = numpy.random.default_rng(PARTS.index(part))
    until = scene.next_quiet_hour()
    arrived = scene.world.state()["contacts"]

    scene.world.aim(until)
    for contacts in lots.integers(1, CONTACTS_BETWEEN_MAX, KILLS):
        kill_in_the_middle(scene, part, int(contacts))
    scene.run_until(until)

    assert scene.world.state()["contacts"] > arrived
    assert_all_is_well(scene)
