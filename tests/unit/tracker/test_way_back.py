"""What a person may lift: every kind of bar has its rule, and what the borrower decided has no ground."""

from __future__ import annotations

import re

import pytest

from forbear_domain.model import SuppressionKind
from response_tracker.way_back import LIFTS

THE_BORROWERS_OWN = frozenset(
    {
        SuppressionKind.OPT_OUT, SuppressionKind.CEASE, SuppressionKind.CHANNEL_REFUSED, SuppressionKind.WRONG_PARTY,
        SuppressionKind.INCONVENIENT_TIME, SuppressionKind.INCONVENIENT_PLACE, SuppressionKind.WORK_BARRED,
        SuppressionKind.PROMISE, SuppressionKind.ARRANGEMENT,
    }
)  # fmt: skip


@pytest.mark.parametrize("kind", SuppressionKind)
def test_every_bar_has_a_rule_and_grounds_that_the_ledger_takes(kind: SuppressionKind) -> None:
    """A ground travels as the reason of the lift: a short constant."""
    lift = LIFTS[kind]

    assert lift.rule.endswith(".")
    assert all(re.fullmatch("[a-z_]{1,64}", basis) for basis in lift.bases)


def test_only_the_borrower_takes_back_what_the_borrower_decided() -> None:
    """And an agreement ends by itself."""
    assert THE_BORROWERS_OWN == {kind for kind, lift in LIFTS.items() if not lift.bases}
