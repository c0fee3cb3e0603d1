"""Finds and reads the packs of rules, one reviewable TOML file per jurisdiction."""

from collections.abc import Iterable, Mapping
from datetime import date
from importlib.resources.abc import Traversable

from forbear_domain.policy.rules import Pack, Rule, RuleSet


class PackError(ValueError):
    """A pack that must not be used: says which file and which rule, so that the start stops there."""


def load_packs(directory: Traversable | None = None) -> Mapping[str, Pack]:
    """Every pack in `directory` (by default the ones that ship), checked, by jurisdiction."""
    raise NotImplementedError


def rules_for(packs: Mapping[str, Pack], jurisdictions: Iterable[str], on_date: date) -> RuleSet:
    """The rules that hold in all of `jurisdictions` on or after `on_date`, with parents and house defaults."""
    raise NotImplementedError


def with_house_rules(rules: RuleSet, tenant_rules: Iterable[Rule]) -> RuleSet:
    """The same rules and a tenant's own on top; adding can only make verdicts stricter."""
    raise NotImplementedError
