"""Borrowers say stop while a campaign runs: the address is not contacted again, but for the one confirmation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from forbear_sandbox.census import plain_id
from tests.kit.stack_kit import Scene, assert_all_is_well, open_scene, quiet_hour

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.slow, pytest.mark.xdist_group("stop")]

WORDS = ("STOP", "Unsubscribe", "退订", "退訂", "no me escriban más", "Please stop texting me")
BORROWERS = 60
REPLY, CONFIRMATION, CARE = "2", "3", "6"  # forbear.types.v1.Purpose
ANSWERS = {REPLY, CARE}
TEXTS_BEFORE = 2


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """A campaign by text alone, so that everybody would get a text every day."""
    with open_scene(tmp_path, BORROWERS, channels=["sms"]) as made:
        yield made


def about_to_be_texted_again(scene: Scene) -> list[str]:
    """Return the borrowers who have had a text and are to get another one later today."""
    rows = scene.select(
        "SELECT b.ref FROM scheduler.contact c JOIN scheduler.borrower b USING (tenant_id, borrower_id) "
        "GROUP BY b.ref HAVING bool_or(c.state = 0) AND bool_or(c.state = 1) ORDER BY b.ref"
    )
    return [ref for (ref,) in rows]


def attempts_at(scene: Scene, address: str, since: int = 0) -> list[str]:
    """Return the attempts that reached an address, of those that the world counted after the first `since`."""
    return [plain_id(one["attempt"]) for one in scene.world.contacts()[since:] if one["address"] == address]


def texts_from(scene: Scene, ref: str) -> int:
    """Return how many texts a borrower wrote today."""
    return scene.count(
        "SELECT count(*) FROM tracker.message m JOIN scheduler.borrower b USING (tenant_id, borrower_id) "
        f"WHERE m.is_inbound AND b.ref = '{ref}' AND m.at > '{quiet_hour(1).isoformat()}'"
    )


def test_a_borrower_who_says_stop_gets_one_confirmation_and_nothing_more(scene: Scene) -> None:
    """Said in three languages while texts go out; from then on the census has only the confirmation.

    Two things are no exceptions: the carrier, which knows the word itself, may refuse the confirmation; and a borrower
    who writes again is answered.
    """
    mobile = {row["borrower_ref"]: row["mobile"] for row in scene.rows}
    scene.run_until(scene.next_quiet_hour())
    scene.run_until(scene.next_daytime())
    end = scene.next_quiet_hour()
    leavers = about_to_be_texted_again(scene)[: len(WORDS)]
    assert len(WORDS) == len(leavers), "too few texts are planned for this test"

    before = scene.world.state()["contacts"]
    scene.world.aim(end)
    scene.wait_for(lambda state: state["contacts"] >= before + TEXTS_BEFORE or state["is_reached"], "texts going out")
    seen_before = {}
    for ref, words in zip(leavers, WORDS, strict=True):
        scene.world.say(ref, words)
        seen_before[ref] = len(scene.world.contacts())
    scene.run_until(end)
    scene.run_until(scene.next_quiet_hour())

    purpose_of = dict(scene.select("SELECT replace(attempt_id::text, '-', ''), purpose FROM dispatcher.attempt"))
    purposes = {ref: [purpose_of[one] for one in attempts_at(scene, mobile[ref])] for ref in leavers}
    later = {ref: [purpose_of[one] for one in attempts_at(scene, mobile[ref], seen_before[ref])] for ref in leavers}
    assert {CONFIRMATION} >= {one for ref in leavers for one in later[ref] if one not in ANSWERS}
    assert [] == [ref for ref in leavers if sum(one in ANSWERS for one in later[ref]) > texts_from(scene, ref) - 1]
    assert [] == [ref for ref in leavers if purposes[ref].count(CONFIRMATION) > 1]
    assert any(CONFIRMATION in purposes[ref] for ref in leavers)
    assert_all_is_well(scene)
