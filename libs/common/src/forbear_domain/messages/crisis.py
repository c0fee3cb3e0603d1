"""Whom somebody in danger can call, in the words of a message: by the country that all evidence of their place names.

The numbers stand in `crisis_lines.toml` with their sources. Where the country is not known, or evidence names two that
differ, no number is given: a wrong one is worse than none. Pure.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any

from forbear_domain.model import Channel

CARE = "care.distress"  # the approved text, the only one of purpose "care"
DISTRESS = "distress"  # code of the receipt of words that were read as despair: what a message of care answers


@dataclass(frozen=True, slots=True)
class Help:
    """Numbers of one country, as people write them; empty where none is known."""

    line: str = ""
    takes_texts: bool = False
    is_always_open: bool = False
    emergency: str = ""


UNKNOWN = Help()


@lru_cache(maxsize=1)
def help_by_country() -> Mapping[str, Help]:
    """Return the reviewed table by ISO 3166-1 code of the country."""
    text = files("forbear_domain.messages").joinpath("crisis_lines.toml").read_text(encoding="utf-8")
    rows: dict[str, dict[str, Any]] = tomllib.loads(text)
    return {
        country: Help(row.get("line", ""), row.get("text", False), row.get("always", False), row.get("emergency", ""))
        for name, row in rows.items()
        for country in row.get("countries", [name])
    }


def help_in(regions: Iterable[str]) -> Help:
    """Return the help of the country that regions such as "US-NY" or "US" name, or that all of these share.

    A region that is empty names none, and speaks against none.
    """
    found = {help_by_country().get(region[:2], UNKNOWN) for region in regions if region}
    return found.pop() if len(found) == 1 else UNKNOWN


# "Please ..." is in the text already. {line} is called, or called and texted; {emergency} is always there.
_CALL = {"en": "call {line}", "es": "llame al {line}", "zh-Hans": "拨打{line}", "zh-Hant": "撥打{line}"}
_CALL_OR_TEXT = {
    "en": "call or text {line}", "es": "llame o escriba al {line}",
    "zh-Hans": "拨打或发短信至{line}", "zh-Hant": "撥打或傳簡訊至{line}",
}  # fmt: skip
_AT_ANY_HOUR = {
    "en": "{call}, at any hour", "es": "{call}, a cualquier hora", "zh-Hans": "随时{call}", "zh-Hant": "隨時{call}",
}  # fmt: skip
_EMERGENCY = {
    "en": "{call}. In an emergency, call {emergency}", "es": "{call}. En una emergencia, llame al {emergency}",
    "zh-Hans": "{call}。情况危急时，请拨打{emergency}", "zh-Hant": "{call}。情況危急時，請撥打{emergency}",
}  # fmt: skip
_LOCAL = {
    "en": "your local emergency number", "es": "número de emergencias de su país",
    "zh-Hans": "当地紧急电话", "zh-Hant": "當地緊急電話",
}  # fmt: skip


def crisis_help(regions: Iterable[str], channel: Channel, language: str) -> str:
    """Say whom to call: a few words in an SMS, digit by digit in a call, with the emergency services in a mail."""
    to = help_in(regions)
    line, emergency = to.line, to.emergency or _LOCAL[language]
    if channel is Channel.VOICE:
        line, emergency = _spoken(line), _spoken(emergency) if to.emergency else emergency
    if not line:
        return _CALL[language].format(line=emergency)
    call = (_CALL_OR_TEXT if to.takes_texts else _CALL)[language].format(line=line)
    if channel is Channel.SMS:
        return call
    if to.is_always_open:
        call = _AT_ANY_HOUR[language].format(call=call)
    return call if channel is Channel.VOICE else _EMERGENCY[language].format(call=call, emergency=emergency)


def _spoken(number: str) -> str:
    return " ".join(number.replace(" ", ""))
