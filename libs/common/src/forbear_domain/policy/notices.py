"""Written notices that must come before a contact: which ones rules ask for, and who counts as told."""

from collections.abc import Collection
from functools import lru_cache

from forbear_domain.policy.checks import PriorNotice, check_of
from forbear_domain.policy.facts import Actor
from forbear_domain.policy.packs import Packs

AGENCY = "agency"  # that an outside agency collects


@lru_cache(maxsize=8)
def notices_asked(packs: Packs) -> frozenset[str]:
    """The names of all notices that some rule of the packs asks for, as `Facts.notices` and "agency" name them."""
    checks = [check_of(rule) for pack in packs.all for rule in pack.rules if rule.kind == PriorNotice.kind]
    return frozenset(check.notice for check in checks if isinstance(check, PriorNotice))


def is_told_of_agency(actor: Actor, notices: Collection[str]) -> bool:
    """Whether the debtor knows of the agency: recorded, or no agency collects. Unknown counts as not told."""
    return actor is not Actor.COLLECTOR or AGENCY in notices
