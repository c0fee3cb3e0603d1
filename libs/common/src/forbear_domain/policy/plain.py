"""Facts and verdicts as plain tables, as TOML and JSON hold them."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime, time
from enum import Enum, StrEnum
from functools import lru_cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from forbear_domain.policy.facts import Facts
from forbear_domain.policy.verdict import Verdict


class PlainError(ValueError):
    """A table that does not describe what it should; the message names the field."""


def facts_from_plain(table: Mapping[str, Any]) -> Facts:
    """Facts from nested tables whose names are those of the dataclasses."""
    facts: Facts = _dataclass_from(Facts, table, "facts")
    return facts


def plain(value: Any) -> Any:
    """Any value of the policy package as tables, lists, texts and numbers; sets come out sorted."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, Enum):
        return value.name.lower()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, frozenset):
        return sorted(plain(item) for item in value)
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def verdict_as_plain(verdict: Verdict) -> dict[str, Any]:
    """A verdict as a table for the ledger and for people who read JSON."""
    table: dict[str, Any] = plain(verdict)
    return table


def _dataclass_from(kind: Any, table: Any, path: str) -> Any:
    if not isinstance(table, Mapping):
        raise PlainError(f"{path}: a table is wanted, not {table!r}")
    hints = _hints(kind)
    unknown = sorted(set(table) - set(hints))
    if unknown:
        raise PlainError(f"{path}: unknown field {', '.join(unknown)}")
    missing = sorted(set(_required(kind)) - set(table))
    if missing:
        raise PlainError(f"{path}: missing field {', '.join(missing)}")
    return kind(**{name: _value_from(hints[name], value, f"{path}.{name}") for name, value in table.items()})


def _value_from(hint: Any, value: Any, path: str) -> Any:
    if get_origin(hint) in (Union, types.UnionType):
        if value is None:
            return None
        return _value_from(next(arg for arg in get_args(hint) if arg is not type(None)), value, path)
    if get_origin(hint) in (tuple, frozenset):
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise PlainError(f"{path}: a list is wanted, not {value!r}")
        items = (_value_from(get_args(hint)[0], item, f"{path}[{index}]") for index, item in enumerate(value))
        return get_origin(hint)(items)
    if is_dataclass(hint):
        return _dataclass_from(hint, value, path)
    return _scalar_from(hint, value, path)


def _scalar_from(hint: Any, value: Any, path: str) -> Any:
    try:
        if hint is datetime:
            return _instant(value)
        if hint in (date, time) and isinstance(value, str):
            return hint.fromisoformat(value)
        if isinstance(hint, type) and issubclass(hint, StrEnum):
            return _member(hint, value)
    except ValueError as error:
        raise PlainError(f"{path}: {error}") from error
    if not isinstance(value, hint):
        raise PlainError(f"{path}: {hint.__name__} is wanted, not {value!r}")
    return value


def _member(enum: type[StrEnum], value: Any) -> StrEnum:
    if value not in enum.__members__.values():
        raise ValueError(f"{value!r} is none of {', '.join(enum.__members__.values())}")
    return enum(value)


def instant_from_plain(value: Any, path: str) -> datetime:
    """An instant in UTC from its text; one without an offset could be anywhere and is refused by name of the field."""
    try:
        return _instant(value)
    except ValueError as error:
        raise PlainError(f"{path}: {error}; write it like 2026-06-09T22:00:00-04:00") from error


def _instant(value: Any) -> datetime:
    instant = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(instant, datetime) or instant.tzinfo is None:
        raise ValueError(f"an instant with its offset is wanted, not {value!r}")
    return instant.astimezone(UTC)


@lru_cache(maxsize=64)
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


@lru_cache(maxsize=64)
def _required(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind) if field.default is MISSING and field.default_factory is MISSING)
