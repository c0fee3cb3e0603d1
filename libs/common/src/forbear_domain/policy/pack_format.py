"""The form of a pack file: what each table must hold, checked while it is read."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from itertools import combinations
from types import MappingProxyType
from typing import Any

from forbear_domain.policy.checks import ParameterError, check_of
from forbear_domain.policy.checks.check import enum_members
from forbear_domain.policy.facts import Actor, AddressKind, Channel, Purpose, Recipient
from forbear_domain.policy.pack_lines import PackError, line_of
from forbear_domain.policy.rules import CareBasis, Pack, Rule, Scope, WorkedCase
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
_PACK_FIELDS = {"jurisdiction", "title", "version", "parents", "covers", "law", "care", "rule", "case"}
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


@dataclass(frozen=True, slots=True)
class _Table:
    """One table of the file, and where it stands."""

    values: Mapping[str, Any]
    text: str
    file: str
    kind: str = ""  # "rule", "case", or empty: the file itself
    number: int = 0
    about: str = ""

    def error(self, what: str, field: str = "") -> PackError:
        """What is wrong, with the line of the field."""
        line = line_of(self.text, self.kind, self.number, field)
        return PackError(self.file, f"{self.about}: {what}" if self.about else what, line)

    def text_of(self, field: str) -> str:
        """A text that must be there."""
        value = self.values.get(field)
        if not isinstance(value, str) or not value.strip():
            raise self.error(
                f"{field} is missing" if value is None else f"{field} must be a text, and not empty", field
            )
        return value

    def list_of(self, field: str, kind: type) -> list[Any]:
        """A list, empty where the field is missing."""
        value = self.values.get(field, [])
        if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
            form = f"[[{field}]] tables" if kind is dict else f"a list of texts, such as {field} = [...]"
            raise self.error(f"{field} must be {form}", field)
        return value

    def table_of(self, field: str) -> dict[str, Any]:
        """A table, empty where the field is missing."""
        value = self.values.get(field, {})
        if not isinstance(value, dict):
            raise self.error(f"{field} must be a table", field)
        return value

    def refuse_unknown(self, known: set[str]) -> None:
        """Names fields that nobody knows."""
        unknown = sorted(set(self.values) - known)
        if unknown:
            raise self.error(f"unknown field {', '.join(unknown)}; known are {', '.join(sorted(known))}", unknown[0])

    def below(self, kind: str, name: str) -> "list[_Table]":
        """Its tables of a kind; `name` is the field that each goes by in errors."""
        prefix = "case " if kind == "case" else ""
        return [
            _Table(one, self.text, self.file, kind, number, f"{prefix}{one.get(name, f'a {kind} without {name}')}")
            for number, one in enumerate(self.list_of(kind, dict))
        ]


def parse_pack(text: str, name: str, *, law: bool | None = None) -> Pack:
    """One pack from the text of its file; `name` is the file's, for the errors."""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PackError(name, str(error)) from error
    file = _Table(values, text, name)
    file.refuse_unknown(_PACK_FIELDS)
    jurisdiction, title, version = file.text_of("jurisdiction"), file.text_of("title"), file.text_of("version")
    is_law = bool(values.get("law", True)) if law is None else law
    rules = tuple(_rule(one, f"{jurisdiction}@{version}", is_law) for one in file.below("rule", "id"))
    _refuse_overlaps(rules, name)
    care = _care(file)
    if care is not None:
        rules = tuple(rule.sparing_care() for rule in rules)
    cases = tuple(_case(one, {rule.id for rule in rules}) for one in file.below("case", "name"))
    parents, covers = tuple(file.list_of("parents", str)), tuple(file.list_of("covers", str))
    return Pack(jurisdiction, name, title, version, parents, covers, rules, cases, care)


def _rule(table: _Table, pack: str, law: bool) -> Rule:
    table.refuse_unknown(_RULE_FIELDS)
    values = table.values
    rule = Rule(
        id=table.text_of("id"),
        kind=table.text_of("kind"),
        outcome=_outcome(table, "outcome", table.values.get("outcome", "not_before")),
        summary=table.text_of("summary"),
        source=table.text_of("source"),
        grade=_grade(table),
        pack=pack,
        parameters=MappingProxyType(table.table_of("parameters")),
        scope=_scope(table),
        effective_from=_day(table, "effective_from", date.min),
        effective_to=_day(table, "effective_to", date.max),
        law=law and bool(values.get("law", True)),
        variant=str(values.get("variant", "")),
        line=line_of(table.text, table.kind, table.number),
    )
    _refuse_unreadable(rule, table)
    if rule.effective_from > rule.effective_to:
        what = f"ends on {rule.effective_to} before it starts on {rule.effective_from}"
        raise table.error(what, "effective_to")
    return rule


def _grade(table: _Table) -> str:
    grade = table.text_of("grade")
    if grade not in GRADES:
        raise table.error(f"grade {grade!r} is none of {', '.join(GRADES)}", "grade")
    return grade


def _care(file: _Table) -> CareBasis | None:
    """Why the pack's rules leave a message of care alone; None where the file does not say that they do."""
    if "care" not in file.values:
        return None
    table = _Table(file.table_of("care"), file.text, file.file, about="care")
    table.refuse_unknown({"source", "grade"})
    return CareBasis(table.text_of("source"), _grade(table))


def _refuse_unreadable(rule: Rule, table: _Table) -> None:
    """Read the parameters as the kind of limit does; whatever is of a wrong type there is an error of the file."""
    try:
        check_of(rule)
    except ParameterError as error:
        raise table.error(str(error), error.field or _to_blame(rule, str(error))) from error
    except (TypeError, AttributeError, OverflowError) as error:
        raise table.error(f"a parameter has a value of a wrong type or size: {error}", "parameters") from error


def _to_blame(rule: Rule, what: str) -> str:
    """The parameter whose value an error quotes."""
    named = (name for name, value in rule.parameters.items() if repr(value) in what)
    return next(named, "kind" if repr(rule.kind) in what else "parameters")


def _case(table: _Table, ids: set[str]) -> WorkedCase:
    table.refuse_unknown(_CASE_FIELDS)
    name, rule, values = table.text_of("name"), table.text_of("rule"), table.values
    if rule not in ids:
        raise table.error(f"is about rule {rule!r}, which this pack does not hold", "rule")
    expect = _outcome(table, "expect", table.text_of("expect"))
    at, not_before = values.get("at"), values.get("not_before")
    for field, instant in (("at", at), ("not_before", not_before)):
        if (instant is not None or field == "at") and not (isinstance(instant, datetime) and instant.tzinfo):
            raise table.error(f"{field} must be an instant with its offset, not {instant!r}", field)
    facts = MappingProxyType(table.table_of("facts"))
    line = line_of(table.text, table.kind, table.number)
    return WorkedCase(name, rule, at, expect, not_before, facts, line)  # type: ignore[arg-type]  # checked above


def _scope(table: _Table) -> Scope:
    scope = table.table_of("scope")
    unknown = sorted(set(scope) - set(_SCOPE_ENUMS))
    if unknown:
        raise table.error(f"unknown scope {', '.join(unknown)}", unknown[0])
    members = {}
    for field, names in scope.items():
        try:
            members[field] = enum_members(_SCOPE_ENUMS[field], names)
        except ParameterError as error:
            raise table.error(f"scope {field}: {error}", field) from error
    return Scope(**members)


def _outcome(table: _Table, field: str, name: object) -> Outcome:
    try:
        return Outcome[str(name).upper()]
    except KeyError as error:
        known = ", ".join(one.name.lower() for one in Outcome)
        raise table.error(f"unknown outcome {name!r}; known are {known}", field) from error


def _day(table: _Table, field: str, default: date) -> date:
    value = table.values.get(field, default)
    if type(value) is not date:
        raise table.error(f"{field}: a date is wanted, not {value!r}", field)
    return value


def _refuse_overlaps(rules: tuple[Rule, ...], name: str) -> None:
    for one, other in combinations(rules, 2):
        same = (one.id, one.variant) == (other.id, other.variant)
        if same and one.effective_from <= other.effective_to and other.effective_from <= one.effective_to:
            what = f"{one.id} {one.variant}: two rules of this id are in force at the same time"
            raise PackError(name, f"{what}; the other stands in line {one.line}", other.line)
