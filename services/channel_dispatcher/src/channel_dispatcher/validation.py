"""Which contacts can be taken: each field that is wrong is named, with the way to mend it and without its value.

Checks read the wire message, because what fails here never becomes a domain object. What the contacts of a campaign
have in common is checked once for each distinct combination; the rest once for each contact.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from forbear.types.v1 import types_pb2
from forbear_domain.model import Purpose

PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
MAIL = re.compile(r"[^\s@<>()\[\],;:\\\"\x00-\x1f\x7f]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
NAME = re.compile(r"[a-z][a-z_]*(?:\.[a-z][a-z_]*)+")
CURRENCY = re.compile(r"[A-Z]{3}")
LANGUAGES = frozenset({"en", "es", "zh-Hans", "zh-Hant"})
ACTORS = frozenset({"collector", "creditor", "servicer", "collecting_servicer"})
ADDRESS_KINDS = {
    types_pb2.CHANNEL_SMS: frozenset({"mobile"}),
    types_pb2.CHANNEL_EMAIL: frozenset({"email", "work_email"}),
    types_pb2.CHANNEL_VOICE: frozenset({"mobile", "landline", "work_phone"}),
}
PURPOSES = frozenset(int(purpose) for purpose in Purpose)
TEXT_CHARS_MAX = 200
SLOTS_MAX = 20
PLACES_MAX = 16
NOTICES_MAX = 20
COMBINATIONS_MAX = 4096  # of common fields that are remembered


class Violation(NamedTuple):
    """The first thing that is wrong with a contact."""

    field: str
    description: str


class Common(NamedTuple):
    """The fields of which many contacts have the same."""

    tenant_id: bytes
    campaign_id: bytes
    channel: int
    purpose: int
    template: str
    address_kind: str
    language: str
    brand: str
    actor: str
    currency: str


def _is_text(value: str) -> bool:
    return len(value) <= TEXT_CHARS_MAX and value.isprintable()


def _is_address(contact: types_pb2.Contact, who: types_pb2.Recipient) -> bool:
    form = MAIL if contact.channel == types_pb2.CHANNEL_EMAIL else PHONE
    return form.fullmatch(who.address) is not None


def _has_sound_amounts(_: types_pb2.Contact, who: types_pb2.Recipient) -> bool:
    loan = who.loan
    return (
        loan.balance_minor >= 0 and loan.past_due_minor >= 0 and loan.instalment_minor >= 0 and loan.past_due_days >= 0
    )


def _has_sound_slots(contact: types_pb2.Contact, _: types_pb2.Recipient) -> bool:
    slots = contact.slots
    return not slots or (len(slots) <= SLOTS_MAX and all(_is_text(key + value) for key, value in slots.items()))


def _ends_after_it_starts(contact: types_pb2.Contact, _: types_pb2.Recipient) -> bool:
    start, end = contact.not_before_time, contact.expire_time
    return start.seconds < end.seconds or (start.seconds == end.seconds and start.nanos < end.nanos)


COMMON_CHECKS: tuple[tuple[str, str, Callable[[Common], bool]], ...] = (
    ("tenant_id", "give 16 bytes of a UUID", lambda c: len(c.tenant_id) == 16),
    ("campaign_id", "give 16 bytes of a UUID, or leave it empty", lambda c: len(c.campaign_id) in (0, 16)),
    ("channel", "give SMS, EMAIL or VOICE", lambda c: c.channel in ADDRESS_KINDS),
    ("purpose", "give a purpose that this version knows", lambda c: c.purpose in PURPOSES),
    ("template", 'give the id of an approved template, such as "reminder.gentle"',
     lambda c: NAME.fullmatch(c.template) is not None),
    ("recipient.address_kind", "give a kind of address that the channel can reach",
     lambda c: c.address_kind in ADDRESS_KINDS[c.channel]),  # type: ignore[index]  # numbers of the enum
    ("recipient.language", "give en, es, zh-Hans or zh-Hant", lambda c: c.language in LANGUAGES),
    ("recipient.brand", "give the name under which the lender is known, printable and on one line",
     lambda c: c.brand != "" and _is_text(c.brand)),
    ("recipient.actor", "give collector, creditor, servicer or collecting_servicer", lambda c: c.actor in ACTORS),
    ("recipient.loan.currency", "give an ISO 4217 code", lambda c: CURRENCY.fullmatch(c.currency) is not None),
)  # fmt: skip

CHECKS: tuple[tuple[str, str, Callable[[types_pb2.Contact, types_pb2.Recipient], bool]], ...] = (
    ("contact_id", "give 16 bytes of a UUID", lambda c, _: len(c.contact_id) == 16),
    ("borrower_id", "give 16 bytes of a UUID", lambda c, _: len(c.borrower_id) == 16),
    ("loan_id", "give 16 bytes of a UUID", lambda c, _: len(c.loan_id) == 16),
    ("slots", f"give at most {SLOTS_MAX} slots of printable text", _has_sound_slots),
    ("not_before_time", "give the earliest instant of sending", lambda c, _: c.HasField("not_before_time")),
    ("expire_time", "give an instant after not_before_time", _ends_after_it_starts),
    ("recipient.address", "give an E.164 number for SMS and VOICE, a mail address for EMAIL", _is_address),
    ("recipient.given_name", "give printable text on one line, or leave it empty",
     lambda _, who: _is_text(who.given_name)),
    ("recipient.places", f"give at most {PLACES_MAX}", lambda _, who: len(who.places) <= PLACES_MAX),
    ("recipient.notices", f"give at most {NOTICES_MAX}", lambda _, who: len(who.notices) <= NOTICES_MAX),
    ("recipient.loan", "give amounts and days of 0 or more", _has_sound_amounts),
)  # fmt: skip


def violation_of(contact: types_pb2.Contact) -> Violation | None:
    """Return the first thing wrong with a contact, or None when it can be taken."""
    who = contact.recipient
    common = _common_violation(
        contact.tenant_id, contact.campaign_id, contact.channel, contact.purpose, contact.template,
        who.address_kind, who.language, who.brand, who.actor, who.loan.currency,
    )  # fmt: skip
    if common is not None:
        return common
    for field, description, holds in CHECKS:
        if not holds(contact, who):
            return Violation(field, description)
    return None


@lru_cache(maxsize=COMBINATIONS_MAX)
def _common_violation(*fields: Any) -> Violation | None:
    common = Common(*fields)
    for field, description, holds in COMMON_CHECKS:
        if not holds(common):
            return Violation(field, description)
    return None
