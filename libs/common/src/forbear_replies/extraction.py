"""The facts that belong to the labels of a reply. Pure; reads the folded text, where spellings are one."""

import re
from datetime import date, datetime

from forbear_replies.amounts import Money, find_money, is_paying, without_paid
from forbear_replies.days import DayFound, Frame, find_days
from forbear_replies.hours import Welcome, find_welcome
from forbear_replies.labels import Label, Lang
from forbear_replies.numerals import spell_digits
from forbear_replies.reading import Extract
from forbear_replies.wishes import find_channel, find_language

_PAYMENT = frozenset({Label.PROMISE_TO_PAY, Label.ALREADY_PAID})


def extract(
    folded: str, labels: frozenset[Label], *, lang: Lang, channel: str, received_at: datetime, is_cantonese: bool
) -> Extract:
    """The extract of a folded reply: nothing is filled that its labels do not call for."""
    text = spell_digits(folded, lang.family)
    today = received_at.date()
    money, day = _payment(text, labels, today, lang, is_cantonese=is_cantonese)
    wish = _without_payment_day(text, day, today, lang) if labels & _PAYMENT else text
    welcome = find_welcome(wish, family=lang.family, today=today) if Label.TIME_PREFERENCE in labels else Welcome()
    return Extract(
        amount=money.amount if money else None,
        currency=money.currency if money else None,
        date=day.day if day else None,
        not_before=welcome.not_before,
        not_after=welcome.not_after,
        days=welcome.days,
        channel=find_channel(text, own_channel=channel) if Label.CHANNEL_PREFERENCE in labels else None,
        language=find_language(text, written_in=lang) if Label.LANGUAGE_REQUEST in labels else None,
    )


def _payment(
    text: str, labels: frozenset[Label], today: date, lang: Lang, *, is_cantonese: bool
) -> tuple[Money | None, DayFound | None]:
    """Sum and day of the promise, or else of the payment made."""
    if not labels & _PAYMENT:
        return None, None
    is_past = Label.PROMISE_TO_PAY not in labels
    if labels >= _PAYMENT:
        text = without_paid(text)
    found = find_days(text, Frame(today, is_past, lang))
    taken = [(one.start, one.end) for one in found]
    gone = [] if is_past else [(one.start, one.end) for one in found if one.day < today]
    money = find_money(text, taken, lang=lang, is_cantonese=is_cantonese, gone=gone)
    found = _without_denied(found, text)
    beside = [one for one in found if money and not one.weak and money.clause[0] <= one.start < money.clause[1]]
    day = _best_day(beside, today, is_past=is_past) if beside else None
    return money, day or _best_day(_beside_paying(found, text), today, is_past=is_past)


_DENIED = re.compile(
    r"\b(?:not|cant|cannot|wont|couldnt|instead of|said|promised|no puedo|no podre|dije|prometi)\b[^.,;]{0,14}$"
    r"|(?:不是|不行|说好|本来|说的)[^,.;]{0,4}$"
)
_DENIED_AFTER = re.compile(
    r"^ (?:no|not|wont work|is not|isnt|ya no|no puedo)\b|^(?:不行|没法|不能|来不及)"
    # Taken back in the same breath: 'next Thursday? no, this Thursday'.
    r"|^[?,.; -]{1,3}(?:no[,.;]|no wait|wait|sorry|scratch that|i mean|digo|perdon|mejor dicho|no perdon)(?= |$)"
    r"|^[?,.; ]{0,2}(?:不是|不对|错了|说错)[,.; ]"
)


def _without_denied(found: list[DayFound], text: str) -> list[DayFound]:
    """The days without those that are taken back ('not today, tomorrow'), unless nothing would be left."""
    kept = [
        one
        for one in found
        if not _DENIED.search(text[max(0, one.start - 30) : one.start]) and not _DENIED_AFTER.match(text[one.end :])
    ]
    return kept or found


def _beside_paying(found: list[DayFound], text: str) -> list[DayFound]:
    """The days in a clause that speaks of paying, if there are any: 'let go on Monday, but Friday I pay'."""
    return [one for one in found if not one.weak and is_paying(text, one.start, one.end)] or found


def _without_payment_day(text: str, paid: DayFound | None, today: date, lang: Lang) -> str:
    """The text without the day of the payment and days gone by, which are no days to be called on."""
    past = [one for one in find_days(text, Frame(today, False, lang)) if one.day < today]
    for one in [*past, *([paid] if paid else [])]:
        text = text[: one.start] + "~" * (one.end - one.start) + text[one.end :]
    return text


def _best_day(found: list[DayFound], today: date, *, is_past: bool) -> DayFound | None:
    """The first day named on the right side of today; 'now' only where no other day is named."""
    fitting = [one for one in found if (one.day <= today if is_past else one.day >= today)]
    firm = [one for one in fitting if not one.weak]
    chosen = (firm or fitting)[:1]
    return chosen[0] if chosen else None
