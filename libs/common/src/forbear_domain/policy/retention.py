"""How long the evidence about a borrower is kept, and from when on it may be erased.

Packs say it in rules of the kind "retention": `years` after the last activity. Those that are law put off an erasure
that the borrower asks for (GDPR art. 17(3)(b) and its likes); all of them together say when evidence is erased unasked.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from forbear_domain.policy.calendar import add_months
from forbear_domain.policy.checks import RETENTION, retention_years
from forbear_domain.policy.facts import Actor
from forbear_domain.policy.rules import Rule


def kept_until(rules: Iterable[Rule], last_at: datetime, actors: Collection[Actor], *, law_only: bool) -> datetime:
    """The instant from which nothing keeps evidence any more whose last activity was at `last_at` (UTC).

    `actors`: in which roles the evidence was made; a rule about other roles keeps nothing. Empty: not known, so that
    every rule keeps.
    """
    years = [
        retention_years(rule)
        for rule in rules
        if rule.kind == RETENTION and (rule.law or not law_only) and _binds(rule, actors)
    ]
    last_day = add_months(last_at.date(), 12 * max(years, default=0))
    return last_at.replace(year=last_day.year, month=last_day.month, day=last_day.day)


def _binds(rule: Rule, actors: Collection[Actor]) -> bool:
    return not rule.scope.actors or not actors or not rule.scope.actors.isdisjoint(actors)
