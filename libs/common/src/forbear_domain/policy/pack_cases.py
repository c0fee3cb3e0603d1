"""Runs the worked cases inside a pack: a pack whose own examples fail is not used."""

from collections.abc import Iterator
from datetime import UTC
from typing import Any

from forbear_domain.policy.decide import decide
from forbear_domain.policy.plain import PlainError, facts_from_plain
from forbear_domain.policy.rules import Pack, RuleSet, WorkedCase

DEFAULTS: dict[str, Any] = {"actor": "collector", "debts": [{"id": "D1"}]}


def failing_cases(pack: Pack, rules: RuleSet) -> Iterator[tuple[int, str]]:
    """The line of each failing case of the pack and what is wrong with it; a case is judged by its own rule alone."""
    for case in pack.cases:
        failure = _failure(case, pack, rules)
        if failure:
            yield case.line, f"case {case.name!r} of {case.rule}: {failure}"


def _failure(case: WorkedCase, pack: Pack, rules: RuleSet) -> str:
    table = DEFAULTS | dict(case.facts)
    where = [pack.jurisdiction, *table.pop("regions", [])]
    place = {"zones": table.pop("zones", ["America/New_York"]), "jurisdictions": where}
    try:
        facts = facts_from_plain({"place": place} | table)
    except PlainError as error:
        return str(error)
    only = tuple(rule for rule in rules.rules if rule.id == case.rule)
    verdict = decide(facts, RuleSet(rules.jurisdictions | set(where), only, rules.packs), case.at)
    if verdict.outcome is not case.expect:
        return f"expected {case.expect.name}, decided {verdict.outcome.name}: {verdict.why}"
    if case.not_before is not None and verdict.not_before != case.not_before.astimezone(UTC):
        return f"expected not before {case.not_before}, decided {verdict.not_before}"
    return ""
