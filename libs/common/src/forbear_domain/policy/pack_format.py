"""The form of a pack file: what each table must hold, checked while it is read."""

import tomllib
from collections.abc import Mapping
from datetime import date
from itertools import combinations
from types import MappingProxyType
from typing import Any

from forbear_domain.policy.checks import ParameterError, check_of
from forbear_domain.policy.checks.check import enum_members
from forbear_domain.policy.facts import Actor, AddressKind, Channel, Purpose, Recipient
from forbear_domain.policy.rules import Pack, Rule, Scope, WorkedCase
from forbear_domain.policy.verdict import Outcome

GRADES = (
    "primary",
    "quoted_primary",
    "official_summary",
    "press_report",
    "secondary",
    "vendor_doc",
    "memory",
    "policy",
)
_PACK_FIELDS = {"jurisdiction", "title", "version", "parents", "covers", "law", "rule", "case"}
_RULE_FIELDS = {
    "id", "variant", "kind", "outcome", "summary", "source", "grade", "effective_from", "effective_to", "scope",
    "parameters", "law",
}  # fmt: skip
_CASE_FIELDS = {"name", "rule", "at", "expect", "not_before", "facts"}
_SCOPE_ENUMS: dict[str, Any] = {
    "actors": Actor,
    "channels": Channel,
    "recipients": Recipient,
    "address_kinds": AddressKind,
    "purposes": Purpose,
    "except_purposes": Purpose,
    "debt_kinds": str,
    "except_debt_kinds": str,
}


class PackError(ValueError):
    """A pack that must not be used: says which file and which rule, so that the start stops there."""


def parse_pack(text: str, name: str, *, law: bool | None = None) -> Pack:
    """One pack from the text of its file; `name` is the file's, for the errors."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackError(f"{name}: {error}") from error
    _refuse_unknown(table, _PACK_FIELDS, name)
    jurisdiction, version = _text(table, "jurisdiction", name), _text(table, "version", name)
    is_law = bool(table.get("law", True)) if law is None else law
    label = f"{jurisdiction}@{version}"
    rules = tuple(
        _rule(one, f"{name}: {one.get('id', 'a rule without id')}", label, is_law) for one in table.get("rule", [])
    )
    _refuse_overlaps(rules, name)
    cases = tuple(_case(one, name, {rule.id for rule in rules}) for one in table.get("case", []))
    parents, covers = tuple(table.get("parents", ())), tuple(table.get("covers", ()))
    return Pack(jurisdiction, name, _text(table, "title", name), version, parents, covers, rules, cases)


def _rule(table: Mapping[str, Any], where: str, pack: str, law: bool) -> Rule:
    _refuse_unknown(table, _RULE_FIELDS, where)
    grade = _text(table, "grade", where)
    if grade not in GRADES:
        raise PackError(f"{where}: grade {grade!r} is none of {', '.join(GRADES)}")
    try:
        rule = Rule(
            id=_text(table, "id", where),
            kind=_text(table, "kind", where),
            outcome=_outcome(table.get("outcome", "not_before")),
            summary=_text(table, "summary", where),
            source=_text(table, "source", where),
            grade=grade,
            pack=pack,
            parameters=MappingProxyType(dict(table.get("parameters", {}))),
            scope=_scope(table.get("scope", {})),
            effective_from=_day(table.get("effective_from", date.min)),
            effective_to=_day(table.get("effective_to", date.max)),
            law=law and bool(table.get("law", True)),
            variant=table.get("variant", ""),
        )
        check_of(rule)
    except ParameterError as error:
        raise PackError(f"{where}: {error}") from error
    if rule.effective_from > rule.effective_to:
        raise PackError(f"{where}: ends on {rule.effective_to} before it starts on {rule.effective_from}")
    return rule


def _case(table: Mapping[str, Any], name: str, ids: set[str]) -> WorkedCase:
    where = f"{name}: case {table.get('name', 'without a name')!r}"
    _refuse_unknown(table, _CASE_FIELDS, where)
    if table.get("rule") not in ids:
        raise PackError(f"{where}: is about rule {table.get('rule')!r}, which this pack does not hold")
    try:
        expect = _outcome(_text(table, "expect", where))
    except ParameterError as error:
        raise PackError(f"{where}: {error}") from error
    if "at" not in table:
        raise PackError(f"{where}: at is missing")
    facts = MappingProxyType(dict(table.get("facts", {})))
    return WorkedCase(_text(table, "name", where), table["rule"], table["at"], expect, table.get("not_before"), facts)


def _scope(table: Mapping[str, Any]) -> Scope:
    unknown = sorted(set(table) - set(_SCOPE_ENUMS))
    if unknown:
        raise ParameterError(f"unknown scope {', '.join(unknown)}")
    return Scope(**{field: enum_members(_SCOPE_ENUMS[field], names) for field, names in table.items()})


def _outcome(name: str) -> Outcome:
    try:
        return Outcome[name.upper()]
    except KeyError as error:
        raise ParameterError(f"unknown outcome {name!r}") from error


def _day(value: Any) -> date:
    if type(value) is not date:
        raise ParameterError(f"a date is wanted, not {value!r}")
    return value


def _text(table: Mapping[str, Any], field: str, where: str) -> str:
    value = table.get(field)
    if not isinstance(value, str) or not value.strip():
        raise PackError(f"{where}: {field} is missing")
    return value


def _refuse_unknown(table: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(table) - known)
    if unknown:
        raise PackError(f"{where}: unknown field {', '.join(unknown)}")


def _refuse_overlaps(rules: tuple[Rule, ...], name: str) -> None:
    for one, other in combinations(rules, 2):
        same = (one.id, one.variant) == (other.id, other.variant)
        if same and one.effective_from <= other.effective_to and other.effective_from <= one.effective_to:
            raise PackError(f"{name}: {one.id} {one.variant}: two rules of this id are in force at the same time")
