"""The kinds of limit a rule can be: each reads its parameters once and then judges situations.

A new kind is a new class with `kind`, `from_rule` and `judge`, and one line in `KINDS`.
"""

from forbear_domain.policy.checks.care import Care
from forbear_domain.policy.checks.check import OPTIONAL_FACTS, Check, ParameterError, Parameters, Situation
from forbear_domain.policy.checks.clock import ClockWindow, StatedInconvenience
from forbear_domain.policy.checks.content import Bar, Basis, MessageContent, PriorNotice, ThirdParty
from forbear_domain.policy.checks.counts import Cap, CoolingOff
from forbear_domain.policy.checks.rest import RestDays
from forbear_domain.policy.checks.states import State
from forbear_domain.policy.rules import Rule

KINDS: dict[str, type[Check]] = {
    check.kind: check
    for check in (
        ClockWindow,
        StatedInconvenience,
        RestDays,
        Cap,
        CoolingOff,
        State,
        Care,
        Basis,
        MessageContent,
        Bar,
        ThirdParty,
        PriorNotice,
    )
}
RECORD_ONLY = "record"  # a rule that no proposed contact can break: duties, arithmetic of dates
RETENTION = "retention"  # how many `years` after the last activity evidence is kept
RETENTION_YEARS_MAX = 30


def check_of(rule: Rule) -> Check | None:
    """The rule as something that judges; None for a rule that only records a duty or a retention."""
    if rule.kind == RECORD_ONLY:
        return None
    if rule.kind == RETENTION:
        retention_years(rule)
        return None
    kind = KINDS.get(rule.kind)
    if kind is None:
        raise ParameterError(
            f"unknown kind {rule.kind!r}; known are {', '.join(sorted(KINDS))}, {RECORD_ONLY}, {RETENTION}"
        )
    with Parameters(rule) as parameters:
        return kind.from_rule(rule, parameters)


def retention_years(rule: Rule) -> int:
    """The parameter of a rule of retention."""
    with Parameters(rule) as parameters:
        years = parameters.need("years")
    if type(years) is not int or not 0 < years <= RETENTION_YEARS_MAX:
        raise ParameterError(f"years must be a whole number from 1 to {RETENTION_YEARS_MAX}, not {years!r}", "years")
    return years


__all__ = [
    "KINDS",
    "OPTIONAL_FACTS",
    "RECORD_ONLY",
    "RETENTION",
    "Check",
    "ParameterError",
    "PriorNotice",
    "Situation",
    "check_of",
    "retention_years",
]
