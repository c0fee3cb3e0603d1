"""A tenant's own, stricter rules: one text of the form of our packs, in force for all of the tenant's borrowers.

    policy = read_tenant_policy(text, 3, packs)              # PackError names the line and how to mend it
    rules = with_tenant_policy(rules, policy)                # cached; every verdict names policy.label

Law cannot be loosened by it: its rules are added to those of the law, none can allow anything, and none can take the
name of a rule or a pack that ships. What the gate could not hold (it remembers a month) is refused as well.
"""

import re
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import lru_cache
from hashlib import sha256

from forbear_domain.policy.checks import check_of
from forbear_domain.policy.checks.counts import Cap, CoolingOff, Window
from forbear_domain.policy.checks.rest import RestDays
from forbear_domain.policy.pack_cases import failing_cases
from forbear_domain.policy.pack_format import parse_pack
from forbear_domain.policy.pack_lines import PackError, line_of
from forbear_domain.policy.packs import Packs
from forbear_domain.policy.rules import Pack, Rule, RuleSet

FILE = "policy.toml"  # what errors call a text that came without a name
TEXT_BYTES_MAX = 64 * 1024
RULES_MAX = 50
CASES_MAX = 200
REMEMBERED = timedelta(days=31)  # the longest window: the gate reads the contacts of the last month
LIMIT_MAX = 100  # the gate reads that many contacts of one borrower
_NAME = re.compile(r"[A-Z][A-Z0-9-]{1,39}")


@dataclass(frozen=True, slots=True, eq=False)
class TenantPolicy:
    """One version of a tenant's own rules, from 1."""

    version: int
    text: str
    pack: Pack

    @property
    def label(self) -> str:
        """Name, version and the beginning of the text's digest, as recorded with every verdict."""
        return self.pack.label

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules, none of them law."""
        return self.pack.rules


def policy_digest(text: str) -> str:
    """SHA-256 of a policy's text, in hex."""
    return sha256(text.encode()).hexdigest()


@lru_cache(maxsize=1_024)
def read_tenant_policy(text: str, version: int, packs: Packs, name: str = FILE) -> TenantPolicy:
    """A tenant's policy from its text, checked, with its worked cases run. Raises PackError.

    The same arguments give the same object, so that what is derived from it is found again.
    """
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise PackError(name, f"it is longer than {TEXT_BYTES_MAX} bytes")
    pack = parse_pack(text, name, law=False)
    _refuse_foreign_names(pack, packs, text)
    for rule in pack.rules:
        _refuse_unholdable(rule, name)
        _refuse_unknown_regions(rule, packs, name)
    label = f"{pack.jurisdiction}@{version}#{policy_digest(text)[:12]}"
    pack = replace(pack, version=label.partition("@")[2], rules=tuple(_own(one, label) for one in pack.rules))
    for line, failure in failing_cases(pack, RuleSet(frozenset({pack.jurisdiction}), pack.rules, (label,))):
        raise PackError(name, failure, line)
    return TenantPolicy(version, text, pack)


@lru_cache(maxsize=4_096)
def with_tenant_policy(rules: RuleSet, policy: TenantPolicy) -> RuleSet:
    """The same rules and a tenant's own on top; adding can only make verdicts stricter."""
    return RuleSet(rules.jurisdictions, (*rules.rules, *policy.rules), (*rules.packs, policy.label), rules.known)


def _own(rule: Rule, label: str) -> Rule:
    """The rule under the policy's label; a limit on contact never holds a crisis line back."""
    return replace(rule, pack=label).sparing_care()


def _refuse_foreign_names(pack: Pack, packs: Packs, text: str) -> None:
    if not _NAME.fullmatch(pack.jurisdiction) or pack.jurisdiction in packs:
        what = "must be a name of your own in capitals, such as HARBOR, not that of a place or pack that we know"
        raise PackError(pack.name, f"jurisdiction {what}", line_of(text, field="jurisdiction"))
    for field, names in (("parents", pack.parents), ("covers", pack.covers)):
        if names:
            what = f"{field} is not for policies of your own: they hold for all of your borrowers"
            raise PackError(pack.name, what, line_of(text, field=field))
    if len(pack.rules) > RULES_MAX or len(pack.cases) > CASES_MAX:
        raise PackError(pack.name, f"at most {RULES_MAX} rules and {CASES_MAX} cases are taken")
    for rule in pack.rules:
        if not _NAME.fullmatch(rule.id) or rule.id in packs.rule_ids:
            what = "the id must be one of your own: capitals, digits and hyphens, and no id of a rule that ships"
            raise PackError(pack.name, f"{rule.id}: {what}", rule.line)
        if rule.grade != "policy":
            raise PackError(pack.name, f'{rule.id}: the grade of your own rules is "policy"', rule.line)


def _refuse_unholdable(rule: Rule, name: str) -> None:
    """What looks back further than the gate does would count too little, so nobody may rely on it."""
    check = check_of(rule)
    if isinstance(check, (Cap, CoolingOff)) and _reach(check.window) > REMEMBERED:
        what = f"{rule.id}: the window reaches back further than {REMEMBERED.days} days"
        raise PackError(name, what, rule.line)
    if isinstance(check, Cap) and check.limit > LIMIT_MAX:
        raise PackError(name, f"{rule.id}: limit is at most {LIMIT_MAX}", rule.line)


def _refuse_unknown_regions(rule: Rule, packs: Packs, name: str) -> None:
    """A region that is misspelt would bind nobody, and nobody would see it."""
    check = check_of(rule)
    lost = sorted(set(check.regions) - set(packs)) if isinstance(check, RestDays) else []
    if lost:
        what = (
            f"{rule.id}: no pack knows the region {', '.join(lost)}; `forbear policy packs` lists those that there are"
        )
        raise PackError(name, what, rule.line)


def _reach(window: Window) -> timedelta:
    return window.duration or timedelta(days=window.days)
