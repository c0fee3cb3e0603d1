"""Finds and reads the packs of rules, one reviewable TOML file per jurisdiction.

A file that drops into the folder is found by itself. Anything doubtful in it stops the start, with file and rule:
an unknown kind or parameter, a missing source or grade, a rule id twice at the same time, a worked case that fails.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from forbear_domain.policy.pack_cases import failing_cases
from forbear_domain.policy.pack_format import parse_pack
from forbear_domain.policy.pack_lines import PackError
from forbear_domain.policy.rules import Pack, RuleSet

__all__ = ["HOUSE", "PackError", "Packs", "load_packs", "rules_for"]

HOUSE = "HOUSE"  # our own defaults, on top of every jurisdiction


class Packs(Mapping[str, Pack]):
    """Packs by jurisdiction: under its own name and under every further one it covers."""

    def __init__(self, packs: Iterable[Pack]) -> None:
        self.all = tuple(packs)
        self._by_name: dict[str, Pack] = {}
        for pack in self.all:
            for name in (pack.jurisdiction, *pack.covers):
                if name in self._by_name:
                    raise PackError(pack.name, f"{name} is covered by {self._by_name[name].name} already")
                self._by_name[name] = pack
        self.rule_ids = frozenset(rule.id for pack in self.all for rule in pack.rules)
        self._refuse_dangling()

    def _refuse_dangling(self) -> None:
        owners: dict[str, Pack] = {}
        for pack in self.all:
            lost = [parent for parent in pack.parents if parent not in self._by_name]
            if lost:
                raise PackError(pack.name, f"no pack for parent {', '.join(lost)}")
            for rule in pack.rules:
                if owners.setdefault(rule.id, pack) is not pack:
                    raise PackError(pack.name, f"{rule.id} belongs to {owners[rule.id].name} already", rule.line)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other

    def __getitem__(self, jurisdiction: str) -> Pack:
        return self._by_name[jurisdiction]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_name)

    def __len__(self) -> int:
        return len(self._by_name)

    def with_parents(self, jurisdiction: str) -> dict[str, Pack]:
        """The pack of a jurisdiction and of all under whose law it stands."""
        pack = self._by_name[jurisdiction]
        found = {pack.jurisdiction: pack}
        for parent in pack.parents:
            found |= self.with_parents(parent)
        return found


@lru_cache(maxsize=8)
def load_packs(directory: Traversable | None = None) -> Packs:
    """Every pack in `directory` (by default the ones that ship), checked, by jurisdiction."""
    folder = directory if directory is not None else files("forbear_domain.jurisdictions")
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".toml")]
    packs = Packs(_read(entry) for entry in sorted(found, key=lambda entry: entry.name))
    for pack in packs.all:
        for line, failure in failing_cases(pack, rules_for(packs, [pack.jurisdiction], date.min, house=False)):
            raise PackError(pack.name, failure, line)
    return packs


@lru_cache(maxsize=4_096)
def _chosen(packs: Packs, jurisdictions: frozenset[str], on_date: date, house: bool) -> RuleSet:
    wanted = set(jurisdictions) | ({HOUSE} if house and HOUSE in packs else set())
    found: dict[str, Pack] = {}
    for name in sorted(wanted & set(packs)):
        found |= packs.with_parents(name)
    rules = tuple(rule for pack in found.values() for rule in pack.rules if rule.effective_to >= on_date)
    labels = tuple(sorted(pack.label for pack in found.values()))
    return RuleSet(jurisdictions, rules, labels, known=bool(jurisdictions) and wanted <= set(packs))


def rules_for(packs: Packs, jurisdictions: Iterable[str], on_date: date, *, house: bool = True) -> RuleSet:
    """The rules that hold in all of `jurisdictions` on or after `on_date`, with parents and house defaults."""
    return _chosen(packs, frozenset(jurisdictions), on_date, house)


def _read(entry: Traversable) -> Pack:
    return parse_pack(entry.read_text(encoding="utf-8"), entry.name)
