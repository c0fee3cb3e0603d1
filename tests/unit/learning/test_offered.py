"""What groups would be offered: nobody is lost, the few are not judged, chance seldom flags, a difference is named."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from contact_scheduler.learning.offered import offered_by_group
from contact_scheduler.learning.treatment import Treatment
from contact_scheduler.tell_offered import tell_offered

SHARES = (0.4, 0.1, 0.15, 0.2, 0.15)


def draw(lots: np.random.Generator, count: int, shares: tuple[float, ...] = SHARES) -> NDArray[np.int8]:
    """Draw treatments in the order of `Treatment`."""
    return lots.choice(len(Treatment), size=count, p=shares).astype(np.int8)


def members(**sizes: int) -> NDArray[np.str_]:
    """Name the group of each loan."""
    return np.repeat(list(sizes), list(sizes.values()))


@pytest.mark.parametrize("sizes", [{"f": 400, "m": 300}, {"a": 300, "b": 200, "c": 80, "d": 40}])
def test_equal_groups_are_flagged_no_more_often_than_chance_allows(sizes: dict[str, int]) -> None:
    """300 reports without any difference: 15 may be flagged, and three more."""
    lots, group = np.random.default_rng(1), members(**sizes)
    flagged = sum(
        any(one.flagged() for one in offered_by_group(draw(lots, len(group)), group).groups) for _ in range(300)
    )

    assert flagged <= 18


def test_a_group_handed_to_people_more_often_is_named_with_both_shares() -> None:
    """Forty of a hundred beside twenty; the shares of a group add up, and all loans are counted."""
    lots, group = np.random.default_rng(2), members(f=500, m=500)
    treatment = np.concatenate((draw(lots, 500), draw(lots, 500, (0.2, 0.1, 0.15, 0.4, 0.15))))
    found = offered_by_group(treatment, group)
    told = tell_offered(treatment, {"sex": group})

    for one in found.groups:
        assert one.loans == sum(offered.share.positives for offered in one.by_treatment.values())
        assert {Treatment.REMIND_GENTLY, Treatment.HAND_TO_PERSON} == {kind for kind, _ in one.flagged()}
    assert "Beyond chance, so this deserves an answer before use:" in told
    mine = found.groups[1].by_treatment[Treatment.HAND_TO_PERSON]
    assert f"- **sex m: hand to person {mine.share.value:.1%}, the others {mine.others.value:.1%}** (+" in told


def test_the_few_are_not_judged_and_the_fewest_not_shown() -> None:
    """Twelve loans stand nowhere; forty of which hardly any is expected elsewhere are shown without a verdict."""
    group = members(a=1_000, b=40, c=12)
    treatment = np.zeros(len(group), dtype=np.int8)
    treatment[:40] = Treatment.LEAVE_IN_PEACE
    found = offered_by_group(treatment, group)
    told = tell_offered(treatment, {"town": group})

    assert ("c",) == found.left_out
    assert [True, False] == [one.is_judged or one.name == "a" for one in found.groups]
    assert "Not shown, under 30 loans: c." in told
    assert "| b | 40 |" in told
    assert "| c |" not in told


def test_one_group_alone_is_compared_with_nobody() -> None:
    """Its shares are shown, and the words say that nothing can be compared."""
    told = tell_offered(draw(np.random.default_rng(3), 200), {"sex": members(f=200)})

    assert "only one group, so that nothing can be compared." in told
    assert "| f | 200 |" in told
