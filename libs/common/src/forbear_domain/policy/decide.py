"""The decision: strictest rule wins, and everything that fired is told."""

from datetime import datetime

from forbear_domain.policy.facts import Facts
from forbear_domain.policy.rules import RuleSet
from forbear_domain.policy.verdict import Verdict


def decide(facts: Facts, rules: RuleSet, now: datetime) -> Verdict:
    """Whether the contact may be made at `now`: allow, not before an instant, flag for a person, or refuse."""
    raise NotImplementedError
