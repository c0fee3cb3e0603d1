"""Parts are killed in the middle of a campaign, again and again: nobody is contacted twice, and nothing is lost.

Whoever is to be left alone from then on, or may not be met by lot, is told of while contacts go out, right before a
kill.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import cycle

import numpy
import pytest

from forbear_sandbox.stack import SERVICES
from tests.kit.stack_kit import Scene, assert_all_is_well, open_scene

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.slow, pytest.mark.xdist_group("kill")]

BORROWERS = 100
KILLS = 3
TOLD = 4
CONTACTS_BETWEEN_MAX = 8
PARTS = (*SERVICES, "valkey", "postgres")
WORDS = ("represented", "vulnerable", "deceased", "hardship", "disputed", "bankrupt")
SLOW_ANSWERS = [{"kind": "slow", "share": 0.5, "seconds": 0.05}]  # so that a kill meets sends in flight


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A campaign that goes on from test to test, a day for each. Its Valkey forgets everything when it is killed."""
    with open_scene(tmp_path_factory.mktemp("kill"), BORROWERS) as made:
        made.world.set_faults(SLOW_ANSWERS)
        yield made


def tell_of(scene: Scene, refs: Sequence[str], turn: int = 0) -> list[str]:
    """Say a word of each, in turns; return of whom."""
    words = cycle(WORDS[turn % len(WORDS) :] + WORDS[: turn % len(WORDS)])
    scene.tell(dict(zip(refs, words, strict=False)))
    return list(refs)


def not_told_of(scene: Scene) -> list[str]:
    """Return the borrowers of whom no file said a word: those with a planned contact first, by lot before all."""
    rows = scene.select(
        "SELECT b.ref, min(c.propensity) FROM scheduler.borrower b LEFT JOIN scheduler.contact c "
        "ON c.borrower_id = b.borrower_id AND c.state = 0 WHERE NOT EXISTS (SELECT FROM scheduler.circumstance e "
        "WHERE e.borrower_id = b.borrower_id) GROUP BY 1 ORDER BY 2 NULLS LAST, 1"
    )
    return [ref for ref, _ in rows]


def kill_in_the_middle(scene: Scene, part: str, contacts: int, before: Callable[[], object] = lambda: None) -> None:
    """Kill a part when so many more contacts have arrived, and start it again once it has been missed."""
    arrived = scene.world.state()["contacts"]
    scene.wait_for(lambda state: state["contacts"] >= arrived + contacts or state["is_reached"], f"{contacts} contacts")
    before()
    scene.stack.kill(part)
    scene.wait_for(lambda state: state["is_reached"] or state["clock"]["still_s"] > 1, "the time to stand still")
    scene.stack.restart(part)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_killed_loses_no_contact_and_sends_none_twice(scene: Scene, part: str) -> None:
    """kill -9 at three seeded moments of a day of the campaign; judged by the census, the ledger and the tables."""
    lots = numpy.random.default_rng(PARTS.index(part))
    until = scene.next_quiet_hour()
    arrived = scene.world.state()["contacts"]

    told: list[str] = []

    def tell() -> None:
        told.extend(tell_of(scene, not_told_of(scene)[:TOLD], PARTS.index(part)))

    scene.world.aim(until)
    for turn, contacts in enumerate(lots.integers(1, CONTACTS_BETWEEN_MAX, KILLS)):
        kill_in_the_middle(scene, part, int(contacts), tell if turn == 1 else lambda: None)
    scene.run_until(until)

    assert TOLD == len(told)
    assert scene.world.state()["contacts"] > arrived
    assert_all_is_well(scene)
