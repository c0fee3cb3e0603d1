"""How long evidence is kept: the longest rule that binds the role in which it was made."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forbear_domain.policy import Actor, rules_for
from forbear_domain.policy.retention import kept_until
from forbear_domain.policy.rules import Rule, Scope
from tests.unit.policy.policy_facts import PACKS

LAST_AT = datetime(2024, 2, 29, 15, tzinfo=UTC)
[COLLECTORS] = [one for one in PACKS["US"].rules if one.id == "REGF-100-RETAIN"]


def years(rules: list[Rule], *actors: Actor, law_only: bool = True) -> int:
    """How many years the rules keep."""
    return kept_until(rules, LAST_AT, actors, law_only=law_only).year - LAST_AT.year


@pytest.mark.parametrize(
    ("actors", "kept"),
    [((Actor.COLLECTOR,), 3), ((Actor.COLLECTING_SERVICER,), 3), ((Actor.CREDITOR,), 0), ((Actor.SERVICER,), 0),
     ((Actor.CREDITOR, Actor.COLLECTOR), 3), ((), 3)],
)  # fmt: skip
def test_a_rule_about_collectors_keeps_what_a_collector_did(actors: tuple[Actor, ...], kept: int) -> None:
    """12 CFR 1006.100 alone: other roles are not bound by it; one of several is enough; unknown keeps."""
    assert kept == years([COLLECTORS], *actors)


@pytest.mark.parametrize("actor", list(Actor))
def test_nobody_in_the_us_erases_at_once(actor: Actor) -> None:
    """Collectors by Regulation F, servicers and creditors by Regulation X as far as its day is known."""
    rules = list(rules_for(PACKS, ["US"], date(2026, 6, 1)).rules)

    assert (3, 5) == (years(rules, actor), years(rules, actor, law_only=False))


@given(
    st.lists(st.tuples(st.sets(st.sampled_from(list(Actor))), st.integers(1, 9)), max_size=5),
    st.sets(st.sampled_from(list(Actor))),
    st.sets(st.sampled_from(list(Actor))),
)
def test_more_roles_never_keep_shorter_and_none_keeps_longest(
    scopes: list[tuple[set[Actor], int]], few: set[Actor], more: set[Actor]
) -> None:
    """Whatever the rules: what is not known never loosens."""
    rules = [
        replace(COLLECTORS, scope=Scope(actors=frozenset(actors)), parameters={"years": number})
        for actors, number in scopes
    ]

    assert years(rules) == max([number for _, number in scopes], default=0)
    assert years(rules, *few | more) <= years(rules)
    if few:
        assert years(rules, *few) <= years(rules, *few | more)
