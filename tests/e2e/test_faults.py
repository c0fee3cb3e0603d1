"""Faults that leave every process alive: a Redis that forgets, a disk that is full. Judged by the world's own count."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from forbear_sandbox.child import ChildError
from forbear_sandbox.stack import SERVICES
from tests.kit.stack_kit import Scene, assert_all_is_well, open_scene

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.slow, pytest.mark.xdist_group("faults")]

BORROWERS = 60
DISK_MIB = 48
CONTACTS_BETWEEN = 8
FILL = """
CREATE TABLE ballast (filler text);
DO $$ BEGIN LOOP
    INSERT INTO ballast SELECT repeat('x', 1000) FROM generate_series(1, 7);
    COMMIT;
END LOOP; END $$;
"""


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A campaign that goes on from test to test, a day for each, with its tables on a small disk."""
    with open_scene(tmp_path_factory.mktemp("faults"), BORROWERS, disk_mib=DISK_MIB) as made:
        yield made


def wait_for_contacts(scene: Scene, count: int) -> None:
    """Return when so many more contacts have arrived, or the day is over."""
    before = scene.world.state()["contacts"]
    scene.wait_for(lambda state: state["contacts"] >= before + count or state["is_reached"], f"{count} contacts")


def test_a_redis_that_forgets_everything_costs_no_contact(scene: Scene) -> None:
    """FLUSHALL three times in a day: limits count as full until their windows have passed, then contacts go on."""
    until = scene.next_quiet_hour()
    scene.world.aim(until)
    for _ in range(3):
        wait_for_contacts(scene, CONTACTS_BETWEEN)
        assert "+OK" == scene.stack.valkey.command("FLUSHALL")
    after_the_last = scene.world.state()["contacts"]
    scene.run_until(until)

    assert scene.world.state()["contacts"] > after_the_last
    assert_all_is_well(scene)


def test_a_full_disk_holds_the_day_and_loses_nothing(scene: Scene) -> None:
    """The tables cannot grow in the middle of a day: no service ends, nobody is contacted twice, and it goes on."""
    until = scene.next_quiet_hour()
    scene.world.aim(until)
    wait_for_contacts(scene, CONTACTS_BETWEEN)
    with pytest.raises(ChildError, match="No space left on device"):
        scene.stack.postgres.run_sql(FILL, "forbear")
    scene.wait_for(lambda state: state["is_reached"] or state["clock"]["still_s"] > 1, "the time to stand still")
    held = scene.world.state()

    assert not held["is_reached"], "the disk was not full"
    assert [] == [name for name in SERVICES if not scene.stack.is_running(name)]
    scene.stack.postgres.run_sql("DROP TABLE ballast", "forbear")
    scene.run_until(until)

    assert scene.world.state()["contacts"] > held["contacts"]
    assert_all_is_well(scene)
