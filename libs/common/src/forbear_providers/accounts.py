"""Further accounts at providers, from a TOML file: the module that speaks to each is found by its name.

    [[account]]
    name = "vonage"                 # as the ledger, the limits and the metrics call it
    provider = "vonage_sms"         # NAME of a file of this package that has OPTIONS
    senders = ["+12125550100"]
    weight = 1.0                    # share of the contacts, beside the channel's other accounts
    price = 0.0079                  # of one part, mail or minute, in any currency, the same for the whole channel
    per_account_s = 30              # parts, mails or calls a second
    per_sender_s = 1                # 0: the account is limited only
    concurrency = 16
    [account.options]               # what the provider needs; see OPTIONS in its file
    api_key = "..."

A file that cannot be used raises `AccountError`, which names the account and the mend, and never a value.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import forbear_providers
from forbear_providers.contract import Option, Provider

ACCOUNT_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
ACCOUNTS_MAX = 32
CONCURRENCY_MAX = 512
RESERVED = frozenset({"twilio_sms", "twilio_voice", "smtp"})  # the accounts that are made from settings


class AccountError(ValueError):
    """The accounts cannot be used. The text names the account and how to mend it, and no value."""


@dataclass(frozen=True, slots=True)
class Account:
    """One account at a provider; `options` holds secrets and is never shown."""

    name: str
    provider: str
    senders: tuple[str, ...]
    weight: float
    price: float
    per_account_s: int
    per_sender_s: int
    concurrency: int
    options: Mapping[str, str] = field(repr=False)

    def open(self, now: Callable[[], datetime]) -> Provider:
        """Open the provider. `now` is the clock that the lawful window is measured by. Raises AccountError."""
        try:
            opened: Provider = module_of(self.provider).open_provider(self.options, now)
        except ValueError as error:
            raise AccountError(f"account {self.name}: {error}") from None
        return opened

    def hosts(self) -> list[str]:
        """Return the hosts that it talks to."""
        named = {**defaults_of(self.provider), **self.options}
        urls = [urlsplit(value).hostname or "" for name, value in named.items() if name.endswith("url") and value]
        return urls + [value for name, value in named.items() if name == "host"]


@cache
def modules() -> Mapping[str, ModuleType]:
    """Return every file of this package that speaks to a provider, by its NAME."""
    found = [importlib.import_module(f"forbear_providers.{one.name}") for one in pkgutil.iter_modules(
        forbear_providers.__path__) if one.name != "accounts"]  # fmt: skip
    return {module.NAME: module for module in found if hasattr(module, "NAME")}


def module_of(provider: str) -> ModuleType:
    """Return the module of a provider that accounts can be opened at. Raises KeyError."""
    module = modules()[provider]
    if not hasattr(module, "OPTIONS"):
        raise KeyError(provider)
    return module


def defaults_of(provider: str) -> dict[str, str]:
    """Return the options of a provider that have a default."""
    options: Mapping[str, Option] = module_of(provider).OPTIONS
    return {name: option.default for name, option in options.items() if option.default is not None}


def read_accounts(path: Path) -> tuple[Account, ...]:
    """Read the accounts of a file. Raises AccountError."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise AccountError(f"{path} cannot be read: {type(error).__name__}") from None
    except tomllib.TOMLDecodeError as error:
        where = re.search(r"\(at .*\)", str(error))
        raise AccountError(f"{path} is no TOML {where[0] if where else ''}") from None
    entries = document.get("account", [])
    if set(document) - {"account"} or not isinstance(entries, list) or len(entries) > ACCOUNTS_MAX:
        raise AccountError(f"{path}: write up to {ACCOUNTS_MAX} tables [[account]] and nothing else")
    accounts = tuple(_read(entry, number) for number, entry in enumerate(entries, start=1))
    names = [account.name for account in accounts]
    for name in sorted(set(names)):
        if names.count(name) > 1 or name in RESERVED:
            raise AccountError(f"{path}: the name {name} is taken; give each account its own")
    return accounts


def _read(entry: Mapping[str, Any], number: int) -> Account:
    name = entry.get("name")
    if not isinstance(name, str) or not ACCOUNT_NAME.fullmatch(name):
        raise AccountError(f"account {number}: name it with lower-case letters, digits and _")
    known = {
        "name",
        "provider",
        "senders",
        "weight",
        "price",
        "per_account_s",
        "per_sender_s",
        "concurrency",
        "options",
    }
    if unknown := sorted(set(entry) - known):
        raise AccountError(f"account {name}: {unknown[0]} is not known; one of {', '.join(sorted(known))}")
    try:
        options: Mapping[str, Option] = module_of(str(entry.get("provider"))).OPTIONS
    except KeyError:
        offered = sorted(one for one, module in modules().items() if hasattr(module, "OPTIONS"))
        raise AccountError(f"account {name}: provider must be one of {', '.join(offered)}") from None
    senders = entry.get("senders", [])
    if not isinstance(senders, list) or not senders or not all(isinstance(one, str) and one for one in senders):
        raise AccountError(f'account {name}: list its senders, such as ["+12125550100"]')
    return Account(
        name=name,
        provider=entry["provider"],
        senders=tuple(senders),
        weight=_number(entry, name, "weight", 1.0, low=0.0, high=1000.0),
        price=_number(entry, name, "price", 0.0, low=0.0, high=1000.0),
        per_account_s=int(_number(entry, name, "per_account_s", 1, low=1, high=1_000_000)),
        per_sender_s=int(_number(entry, name, "per_sender_s", 0, low=0, high=1_000_000)),
        concurrency=int(_number(entry, name, "concurrency", 16, low=1, high=CONCURRENCY_MAX)),
        options=_options(entry.get("options", {}), name, options),
    )


def _number(entry: Mapping[str, Any], name: str, key: str, default: float, *, low: float, high: float) -> float:
    value = entry.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise AccountError(f"account {name}: {key} must be a number from {low:g} to {high:g}")
    return value


def _options(given: Any, name: str, known: Mapping[str, Option]) -> dict[str, str]:
    if not isinstance(given, dict):
        raise AccountError(f"account {name}: write its options as a table [account.options]")
    for key in sorted(set(given) - set(known)):
        raise AccountError(f"account {name}: option {key} is not known; one of {', '.join(sorted(known))}")
    for key, option in known.items():
        if option.default is None and not given.get(key):
            raise AccountError(f"account {name}: option {key} is missing: {option.meaning}")
    for key, value in given.items():
        if value != known[key].default and not (isinstance(value, str) and re.fullmatch(known[key].form, value)):
            raise AccountError(f"account {name}: option {key}: give {known[key].meaning}, in quotes")
    return {**{key: option.default for key, option in known.items() if option.default is not None}, **given}
