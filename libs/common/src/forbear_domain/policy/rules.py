"""Rules as values, and the set of rules that holds for one borrower on one day."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from forbear_domain.policy.facts import Actor, AddressKind, Channel, Purpose, Recipient
from forbear_domain.policy.verdict import Outcome


@dataclass(frozen=True, slots=True)
class Scope:
    """To which proposed contacts a rule applies; an empty field means all."""

    actors: frozenset[Actor] = frozenset()
    channels: frozenset[Channel] = frozenset()
    recipients: frozenset[Recipient] = frozenset()
    address_kinds: frozenset[AddressKind] = frozenset()
    debt_kinds: frozenset[str] = frozenset()
    except_debt_kinds: frozenset[str] = frozenset()
    purposes: frozenset[Purpose] = frozenset()
    except_purposes: frozenset[Purpose] = frozenset()


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """One rule of a pack: what kind of limit, its parameters, whom it binds, since when, and who says so."""

    id: str
    kind: str
    outcome: Outcome
    summary: str
    source: str
    grade: str
    pack: str
    parameters: Mapping[str, Any]
    scope: Scope = field(default_factory=Scope)
    effective_from: date = date.min
    effective_to: date = date.max
    law: bool = True  # False: our own or a tenant's policy
    variant: str = ""  # tells apart two rules that implement one rule id
    line: int = 0  # of the file of the pack, from 1

    def sparing_care(self) -> "Rule":
        """The same rule, silent about a message of care unless it names that purpose or speaks of what messages say.

        A rule that limits contact about a debt has nothing to say of one that conveys nothing about any.
        """
        if Purpose.CARE in self.scope.purposes or self.kind == "message":
            return self
        return replace(self, scope=replace(self.scope, except_purposes=self.scope.except_purposes | {Purpose.CARE}))


@dataclass(frozen=True, slots=True)
class CareBasis:
    """Why the rules of a pack do not speak of a message of care, and how good that source is."""

    source: str
    grade: str


@dataclass(frozen=True, slots=True, eq=False)
class WorkedCase:
    """An example inside a pack: what one rule must say about some facts at some instant."""

    name: str
    rule: str
    at: datetime
    expect: Outcome
    not_before: datetime | None
    facts: Mapping[str, Any]
    line: int = 0  # of the file of the pack, from 1


@dataclass(frozen=True, slots=True, eq=False)
class Pack:
    """All rules of one jurisdiction, from one file."""

    jurisdiction: str
    name: str  # of the file
    title: str
    version: str
    parents: tuple[str, ...]  # jurisdictions whose rules hold here too
    covers: tuple[str, ...]  # further jurisdictions this pack speaks for
    rules: tuple[Rule, ...]
    cases: tuple[WorkedCase, ...] = ()
    care: CareBasis | None = None  # None: its rules bind a message of care as any other

    @property
    def label(self) -> str:
        """The pack and its version, as recorded with every verdict."""
        return f"{self.jurisdiction}@{self.version}"


@dataclass(frozen=True, slots=True, eq=False)
class RuleSet:
    """The rules in force for a set of jurisdictions. `known` is False when any of them has no pack."""

    jurisdictions: frozenset[str]
    rules: tuple[Rule, ...]
    packs: tuple[str, ...]
    known: bool = True
