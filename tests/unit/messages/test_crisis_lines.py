"""Whom somebody in danger is told to call: the line of their own country, and never that of another."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib.resources import files
from typing import Any

import pytest

from forbear_domain.messages import LANGUAGES, Catalogue
from forbear_domain.messages.crisis import crisis_help, help_by_country, help_in
from forbear_domain.messages.lint import sample
from forbear_domain.model import Channel

CATALOGUE = Catalogue.load()
TABLE: dict[str, dict[str, Any]] = tomllib.loads(
    files("forbear_domain.messages").joinpath("crisis_lines.toml").read_text(encoding="utf-8")
)
# Written a second time on purpose: one slip of a finger must not send somebody in danger to a stranger.
NUMBERS = {
    "US": ("988", "911"), "CA": ("988", "911"), "GB": ("116 123", "999"), "IE": ("116 123", "112"),
    "AU": ("13 11 14", "000"), "NZ": ("1737", "111"), "TW": ("1925", ""), "HK": ("18111", "999"),
    "CN": ("12356", "120"), "KR": ("109", "119"), "IN": ("14416", "112"), "SG": ("1767", "995"), "DE": ("", "112"),
    "ES": ("", "112"), "FR": ("", "112"),
}  # fmt: skip


@pytest.mark.parametrize(("country", "expected"), NUMBERS.items(), ids=NUMBERS)
def test_a_country_has_its_numbers(country: str, expected: tuple[str, str]) -> None:
    """Alone or as part of a subdivision's code."""
    for region in (country, f"{country}-X1"):
        found = help_in([region])

        assert expected == (found.line, found.emergency)


def test_every_row_says_where_it_comes_from_and_when_that_was_read() -> None:
    """A number without a source is not told to anybody."""
    assert all(row["source"] and isinstance(row["checked"], date) for row in TABLE.values())
    assert all(len(country) == 2 and country.isupper() for country in help_by_country())
    assert 12 + 26 == len(help_by_country())


@pytest.mark.parametrize("regions", [(), ("",), ("ZZ",), ("US-NY", "GB"), ("US-NY", "ZZ")], ids=str)
@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("language", LANGUAGES)
def test_where_the_country_is_not_sure_no_number_is_given(
    regions: tuple[str, ...], channel: Channel, language: str
) -> None:
    """Not known, not in the table, or two that differ: the emergency services of wherever they are."""
    words = crisis_help(regions, channel, language)

    assert not any(sign.isdigit() for sign in words)
    assert any(word in words for word in ("emergency", "emergencias", "紧急", "緊急"))


def test_evidence_that_names_the_same_numbers_or_none_leaves_them_sure() -> None:
    """A phone of Toronto and a home in New York; a stated zone beside an address."""
    assert "call or text 988" == crisis_help(("US-NY", "CA-ON"), Channel.SMS, "en")
    assert "call or text 988" == crisis_help(("", "US-NY"), Channel.SMS, "en")


@pytest.mark.parametrize(
    ("regions", "channel", "language", "expected"),
    [
        (("US-NY",), Channel.VOICE, "en", "call or text 9 8 8, at any hour"),
        (("US-NY",), Channel.EMAIL, "es", "llame o escriba al 988, a cualquier hora. En una emergencia, llame al 911"),
        (("GB",), Channel.EMAIL, "en", "call 116 123, at any hour. In an emergency, call 999"),
        (("TW",), Channel.EMAIL, "zh-Hant", "撥打1925。情況危急時，請撥打當地緊急電話"),
        (("HK",), Channel.SMS, "zh-Hant", "撥打18111"),
        (("CN",), Channel.EMAIL, "zh-Hans", "拨打12356。情况危急时，请拨打120"),
        (("DE",), Channel.SMS, "en", "call 112"),
    ],
)
def test_it_is_said_as_the_channel_asks(
    regions: tuple[str, ...], channel: Channel, language: str, expected: str
) -> None:
    """Few words in an SMS, digit by digit in a call; "at any hour" only where somebody answers at any hour."""
    assert expected == crisis_help(regions, channel, language)


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_countrys_line_makes_the_text_long_or_unsendable(channel: Channel, language: str) -> None:
    """Every country and none, two parts at most, and the words arrive as they are: nothing is taken out as a link."""
    version = CATALOGUE.find("care.distress", channel, language)
    for country in (*help_by_country(), ""):
        words = crisis_help([country], channel, language)
        slots = sample(version, "collector", is_first=False) | {"crisis_help": words}
        rendered = CATALOGUE.render("care.distress", channel, language, slots)

        assert rendered.parts <= 2
        assert channel is Channel.SMS or words in rendered.text
