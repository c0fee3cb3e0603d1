"""The slots of our templates: what each may hold, how a value is made harmless, and how the usual ones are filled.

Values come from files and from people, so none is trusted: control and direction characters go away, a name cannot
carry a link or a new line, money and days hold only what money and days are written with, and a link is a link or
nothing. What cannot be made harmless stops the message.
"""

import re
from collections.abc import Callable, Iterable
from enum import Enum
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from forbear_domain.messages.compiled import TemplateError
from forbear_domain.messages.crisis import crisis_help
from forbear_domain.messages.plain import money
from forbear_domain.model import Channel


class SlotType(Enum):
    """What a slot may hold."""

    TEXT = "text"
    NAME = "name"
    MONEY = "money"
    DAY = "day"
    URL = "url"
    ADDRESS = "address"
    DIGITS = "digits"


SLOT_TYPES: dict[str, SlotType] = {
    "given_name": SlotType.NAME,
    "brand": SlotType.NAME,
    "contact_person": SlotType.NAME,
    "disclosure": SlotType.TEXT,
    "crisis_help": SlotType.TEXT,
    "option_1": SlotType.TEXT,
    "option_2": SlotType.TEXT,
    "past_due": SlotType.MONEY,
    "balance": SlotType.MONEY,
    "instalment": SlotType.MONEY,
    "promise_amount": SlotType.MONEY,
    "next_amount": SlotType.MONEY,
    "promise_date": SlotType.DAY,
    "due_date": SlotType.DAY,
    "page_url": SlotType.URL,
    "unsubscribe_url": SlotType.URL,
    "sender": SlotType.ADDRESS,
}
OPTIONAL_SLOTS = frozenset({"contact_person"})  # empty is allowed: then no voicemail is left

NAME_CHARS_MAX = 60
TEXT_CHARS_MAX = 300
URL_CHARS_MAX = 500

# What stands in a greeting where the given name is not known.
_NEUTRAL_NAME = {"en": "valued customer", "es": "cliente", "zh-Hans": "客户", "zh-Hant": "客戶"}

# Words and the marks of sentences; a full stop only where it cannot make a domain. Most values pass by this at once.
_WORDS = r"[\w ,'’!?:;()&+%$£€¥#，；：？！（）、“”「」-]*"
_STOP = r"(?:\.(?![^\W\d_]{2})|。(?![A-Za-z]))"
_PLAIN = re.compile(f"{_WORDS}(?:{_STOP}{_WORDS})*")
_MONEY = re.compile(r"-?[A-Z]{0,3}[ $£€¥]{0,2}\d[\d., ]{0,20}")
_DAY = re.compile(r"[^\W_][\w ,.]{0,39}")
_URL = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/[A-Za-z0-9._~/?#@!$&*+,;=%:-]*)?")
_ADDRESS = re.compile(r"[+\w][\w .()@+-]{0,253}")
_DIGITS = re.compile(r"\d{1,20}")

# Control characters, line separators, surrogates, and the invisible marks that change the direction or hide in a word.
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\xad\u061c\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff\ud800-\udfff]+")
_LINK_MARKS = re.compile(r"[a-z][a-z0-9+.-]*://|[<>{}\[\]\\/@|^`\"【】=]+", re.IGNORECASE)
_INNER_DOT = re.compile(r"[.\uff0e\uff61](?=[^\W\d_]{2})|\u3002(?=[A-Za-z])")  # could make a domain: "pay.example"
_SPACES = re.compile(r" {2,}")


def sanitise(name: str, value: str, language: str) -> str:
    """Return `value` as slot `name` may show it. Raises TemplateError, naming the slot only, where it cannot be."""
    check = _CHECKS.get(name)
    if check is None:
        raise TemplateError(f"slot {name!r} is not known; known are {', '.join(sorted(SLOT_TYPES))}")
    return check(name, value, language)


def _harmless(value: str, chars_max: int) -> str:
    """Take out what is invisible and what could become a link; words stay."""
    value = _INVISIBLE.sub(" ", value)
    value = _LINK_MARKS.sub(" ", value)
    value = _INNER_DOT.sub(". ", value)
    return _SPACES.sub(" ", value).strip()[:chars_max]


def _name(name: str, value: str, language: str) -> str:
    if len(value) > NAME_CHARS_MAX or not _PLAIN.fullmatch(value):
        value = _harmless(value, NAME_CHARS_MAX)
    if value or name in OPTIONAL_SLOTS:
        return value
    if name == "given_name":
        return _NEUTRAL_NAME[language]
    raise TemplateError(f"slot {name!r} is empty")


@lru_cache(maxsize=4096)  # a disclosure is the same for a tenant's every borrower
def _text(name: str, value: str, language: str) -> str:
    if len(value) > TEXT_CHARS_MAX or not _PLAIN.fullmatch(value):
        value = _harmless(value, TEXT_CHARS_MAX)
    if value or name == "disclosure":  # a lender that collects its own loans discloses nothing in Chinese SMS
        return value
    raise TemplateError(f"slot {name!r} is empty")


def _matching(pattern: re.Pattern[str], what: str) -> Callable[[str, str, str], str]:
    def check(name: str, value: str, language: str) -> str:
        if len(value) <= URL_CHARS_MAX and pattern.fullmatch(value):
            return value
        raise TemplateError(f"slot {name!r} must hold {what}")

    return check


_SANITISERS: dict[SlotType, Callable[[str, str, str], str]] = {
    SlotType.TEXT: _text,
    SlotType.NAME: _name,
    SlotType.MONEY: _matching(_MONEY, "an amount, as messages.money() writes it"),
    SlotType.DAY: _matching(_DAY, "a day, as messages.day() writes it"),
    SlotType.URL: _matching(_URL, "an absolute http or https link"),
    SlotType.ADDRESS: _matching(_ADDRESS, "a phone number or an e-mail address"),
    SlotType.DIGITS: _matching(_DIGITS, "digits only"),
}

_CHECKS = {name: _SANITISERS[kind] for name, kind in SLOT_TYPES.items()}  # an enum takes long to look up

_DISCLOSURES = {
    "en": (
        "This is {brand}.",
        "This is {brand}, a debt collector.",
        "This is {brand}, a debt collector. This is an attempt to collect a debt and any information obtained will be "
        "used for that purpose.",
    ),
    "es": (
        "Somos {brand}.",
        "Somos {brand}, cobrador de deudas.",
        "Somos {brand}, cobrador de deudas. Intentamos cobrar una deuda y la información que se obtenga se usará para "
        "ese fin.",
    ),
    "zh-Hans": (
        "我们是{brand}。",
        "我们是{brand}，债务催收机构。",
        "我们是{brand}，债务催收机构。本次联系旨在催收欠款，所获信息将用于该目的。",
    ),
    "zh-Hant": (
        "我們是{brand}。",
        "我們是{brand}，債務催收機構。",
        "我們是{brand}，債務催收機構。本次聯絡旨在催收欠款，所獲資訊將用於該目的。",
    ),
}
NOT_COLLECTING = frozenset({"creditor", "servicer"})


@lru_cache(maxsize=4096)
def disclosure(actor: str, brand: str, language: str, *, is_first: bool) -> str:
    """Say who we are as the law wants it: a collector adds that it is one, at first also why it collects information.

    `actor` is "collector", "creditor", "servicer" or "collecting_servicer"; any other is taken as a collector.
    Source: 12 CFR 1006.18(e)(1) and (2), in every language used (comment 18(e)-1).
    """
    plain, later, first = _DISCLOSURES[language]
    if actor in NOT_COLLECTING:
        return plain.format(brand=brand)
    return (first if is_first else later).format(brand=brand)


class Addressee(NamedTuple):
    """What the slots of a message need to know of a contact's recipient, of the sender, and of the links we made.

    `is_first` says that nothing was yet communicated to this borrower about this debt; when in doubt leave it True.
    `contact_person` is the natural person named in a voicemail; empty means that no voicemail is left. `regions` are
    those of all evidence of the recipient's place, such as "US-NY"; "" for one that is not known.
    """

    given_name: str
    brand: str
    actor: str
    language: str
    channel: Channel
    currency: str
    past_due_minor: int
    balance_minor: int
    instalment_minor: int
    page_url: str
    unsubscribe_url: str
    sender: str
    is_first: bool = True
    contact_person: str = ""
    regions: tuple[str, ...] = ()


def recipient_slots(to: Addressee, wanted: Iterable[str] = SLOT_TYPES) -> dict[str, str]:
    """Return the slots that follow from the recipient; add those of the contact itself to them with `|`.

    `wanted` names those that a text uses, where it is known; others are not made. Raises TemplateError for a language
    that we do not write.
    """
    if to.language not in _DISCLOSURES:
        raise TemplateError(f"language {to.language!r} is not one of {', '.join(_DISCLOSURES)}")
    return {name: _MAKERS[name](to) for name in wanted if name in _MAKERS}


def _disclosure_for(to: Addressee) -> str:
    """Leave the name out of a Chinese SMS: its signature already says it, and each character counts."""
    if to.channel is Channel.SMS and to.language.startswith("zh"):
        if to.actor in NOT_COLLECTING:
            return ""
        return disclosure(to.actor, "", to.language, is_first=to.is_first).replace("，", "", 1)
    return disclosure(to.actor, to.brand, to.language, is_first=to.is_first)


_MAKERS: dict[str, Callable[[Addressee], str]] = {
    "given_name": attrgetter("given_name"),
    "brand": attrgetter("brand"),
    "contact_person": attrgetter("contact_person"),
    "disclosure": _disclosure_for,
    "crisis_help": lambda to: crisis_help(to.regions, to.channel, to.language),
    "past_due": lambda to: money(to.past_due_minor, to.currency, to.language),
    "balance": lambda to: money(to.balance_minor, to.currency, to.language),
    "instalment": lambda to: money(to.instalment_minor, to.currency, to.language),
    "page_url": attrgetter("page_url"),
    "unsubscribe_url": attrgetter("unsubscribe_url"),
    "sender": attrgetter("sender"),
}
