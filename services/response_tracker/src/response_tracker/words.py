"""The few words that fill slots: options and amounts in the borrower's language. Pure.

Texts themselves are approved templates; only what differs from loan to loan is put together here, from fixed phrases,
amounts and days. No figure is ever written that was not computed by `forbear_domain.arrangements`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from forbear_domain.arrangements import Offer, Option
from forbear_domain.messages import day, money

LANGUAGES = ("en", "es", "zh-Hans", "zh-Hant")

_PHRASES: Mapping[str, Mapping[Option, str]] = {
    "en": {
        Option.DEFERRAL: "your next payment of {amount} moves to {day}",
        Option.INSTALMENTS: "{count} payments of about {amount}, two weeks apart, from {day}",
    },
    "es": {
        Option.DEFERRAL: "su próximo pago de {amount} pasa al {day}",
        Option.INSTALMENTS: "{count} pagos de unos {amount}, cada dos semanas, desde el {day}",
    },
    "zh-Hans": {
        Option.DEFERRAL: "下一笔付款{amount}延至{day}",
        Option.INSTALMENTS: "分{count}笔付款,每笔约{amount},每两周一次,{day}开始",
    },
    "zh-Hant": {
        Option.DEFERRAL: "下一筆付款{amount}延至{day}",
        Option.INSTALMENTS: "分{count}筆付款,每筆約{amount},每兩週一次,{day}開始",
    },
}


def speak(language: str) -> str:
    """Return the nearest language that we write: "zh-HK" gives "zh-Hant", an unknown one English."""
    if language in LANGUAGES:
        return language
    if language.startswith("zh"):
        return "zh-Hant" if any(part in language for part in ("Hant", "TW", "HK", "MO")) else "zh-Hans"
    return "es" if language.startswith("es") else "en"


def option_slots(offers: Sequence[Offer], language: str) -> dict[str, str]:
    """Return the slots of `options.offered`, one for each option by its number."""
    return {f"option_{int(offer.option)}": describe(offer, language) for offer in offers}


def describe(offer: Offer, language: str) -> str:
    """Say one option in a few words."""
    first = offer.schedule[0]
    return _PHRASES[language][offer.option].format(
        amount=money(first.amount_minor, offer.currency, language),
        day=day(first.due_on, language),
        count=len(offer.schedule),
    )


def instalment_slots(amount_minor: int, currency: str, due_on: date, language: str) -> dict[str, str]:
    """Return the slots that name the next payment of an arrangement."""
    return {"next_amount": money(amount_minor, currency, language), "due_date": day(due_on, language)}


def promise_slots(amount_minor: int, currency: str, due_on: date, language: str) -> dict[str, str]:
    """Return the slots that name a promise."""
    return {"promise_amount": money(amount_minor, currency, language), "promise_date": day(due_on, language)}
