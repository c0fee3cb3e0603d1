"""What borrowers write, put into words: the texts are in `replies_text.toml`."""

from __future__ import annotations

import tomllib
from datetime import date
from importlib import resources

from forbear_sandbox.lots import Lots

# Meaning -> language -> ways to say it.
TEXTS: dict[str, dict[str, list[str]]] = tomllib.loads(
    resources.files(__package__).joinpath("replies_text.toml").read_text(encoding="utf-8")
)

WEEKDAYS = {
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    "zh-Hans": ("周一", "周二", "周三", "周四", "周五", "周六", "周日"),
    "zh-Hant": ("週一", "週二", "週三", "週四", "週五", "週六", "週日"),
}
MONTHS = {
    "en": "January February March April May June July August September October November December".split(),  # noqa: SIM905
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split(),  # noqa: SIM905
}


def write(meaning: str, language: str, lots: Lots, key: object, **slots: str) -> str:
    """Return one way to say something; the key decides which. A slot that was not given is left out with its braces."""
    texts = TEXTS[meaning].get(language) or TEXTS[meaning]["en"]
    return lots.pick(texts, "words", meaning, key).format(**{"day": "", "amount": "", "name": "", **slots}).strip()


def say_day(day: date, today: date, language: str, lots: Lots) -> str:
    """Return a day as people write it: the weekday when it is near, else day and month in one of several ways."""
    is_near = 1 < (day - today).days < 7
    if is_near and lots.happens(0.6, "weekday", day):
        return WEEKDAYS[language][day.weekday()]
    if language == "en":
        month = MONTHS["en"][day.month - 1]
        ways = (f"{month} {day.day}", f"{day.day} {month[:3]}", f"{day.month}/{day.day}", f"the {ordinal(day.day)}")
        return lots.pick(ways, "way", day)
    if language == "es":
        return f"{day.day} de {MONTHS['es'][day.month - 1]}"
    return lots.pick(
        (f"{day.month}月{day.day}日", f"{day.month}月{day.day}號" if language == "zh-Hant" else f"{day.day}号"), day
    )


def say_amount(minor: int, language: str, lots: Lots, key: object) -> str:
    """Return an amount of dollars as people write it."""
    whole, cents = divmod(minor, 100)
    text = f"{whole:,}.{cents:02d}" if cents else str(whole)
    if language.startswith("zh"):
        return lots.pick(
            (f"{text}美元", f"${text}", f"{text}块" if language == "zh-Hans" else f"{text}元"), "amount", key
        )
    if language == "es":
        return lots.pick((f"${text}", f"{text} dólares"), "amount", key)
    return lots.pick((f"${text}", f"${text}", f"{text} dollars"), "amount", key)


def ordinal(number: int) -> str:
    """Return 1st, 2nd, 3rd, 4th ..."""
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"
