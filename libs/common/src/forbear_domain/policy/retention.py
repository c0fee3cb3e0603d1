"""How long the evidence about a borrower is kept, and from when on it may be erased.

Packs say it in rules of the kind "retention": `years` after the last activity. Those that are law put off an erasure
that the borrower asks for (GDPR art. 17(3)(b) and its likes); all of them together say when evidence is erased unasked.
"""

from collections.abc import Iterable
from datetime import datetime

from forbear_domain.policy.calendar import add_months
from forbear_domain.policy.checks import RETENTION, retention_years
from forbear_domain.policy.rules import Rule


def kept_until(rules: Iterable[Rule], last_at: datetime, *, law_only: bool) -> datetime:
    """The instant from which nothing keeps evidence any more whose last activity was at `last_at` (UTC)."""
    years = [retention_years(rule) for rule in rules if rule.kind == RETENTION and (rule.law or not law_only)]
    last_day = add_months(last_at.date(), 12 * max(years, default=0))
    return last_at.replace(year=last_day.year, month=last_day.month, day=last_day.day)
