"""Which contacts can be taken: each field that is wrong is named, with the way to mend it and without its value.

Checks read the wire message, because what fails here never becomes a domain object. A check costs a fraction of a
microsecond; the whole table runs once for each contact.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from channel_dispatcher.model import Purpose
from forbear.types.v1 import types_pb2

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


class Violation(NamedTuple):
    """The first thing that is wrong with a contact."""

    field: str
    description: str


class _Check(NamedTuple):
    field: str
    description: str
    holds: Callable[[types_pb2.Contact], bool]


def _is_text(value: str) -> bool:
    return len(value) <= TEXT_CHARS_MAX and value.isprintable()


def _is_address(contact: types_pb2.Contact) -> bool:
    form = MAIL if contact.channel == types_pb2.CHANNEL_EMAIL else PHONE
    return form.fullmatch(contact.recipient.address) is not None


def _has_sound_amounts(contact: types_pb2.Contact) -> bool:
    loan = contact.recipient.loan
    return min(loan.balance_minor, loan.past_due_minor, loan.instalment_minor, loan.past_due_days) >= 0


def _has_sound_slots(contact: types_pb2.Contact) -> bool:
    slots = contact.slots
    return not slots or (len(slots) <= SLOTS_MAX and all(_is_text(key + value) for key, value in slots.items()))


def _ends_after_it_starts(contact: types_pb2.Contact) -> bool:
    start, end = contact.not_before_time, contact.expire_time
    return (start.seconds, start.nanos) < (end.seconds, end.nanos)


CHECKS = (
    _Check("contact_id", "give 16 bytes of a UUID", lambda c: len(c.contact_id) == 16),
    _Check("tenant_id", "give 16 bytes of a UUID", lambda c: len(c.tenant_id) == 16),
    _Check("campaign_id", "give 16 bytes of a UUID, or leave it empty", lambda c: len(c.campaign_id) in (0, 16)),
    _Check("borrower_id", "give 16 bytes of a UUID", lambda c: len(c.borrower_id) == 16),
    _Check("loan_id", "give 16 bytes of a UUID", lambda c: len(c.loan_id) == 16),
    _Check("channel", "give SMS, EMAIL or VOICE", lambda c: c.channel in ADDRESS_KINDS),
    _Check("purpose", "give a purpose that this version knows", lambda c: c.purpose in PURPOSES),
    _Check("template", 'give the id of an approved template, such as "reminder.gentle"',
           lambda c: NAME.fullmatch(c.template) is not None),
    _Check("slots", f"give at most {SLOTS_MAX} slots of printable text", _has_sound_slots),
    _Check("not_before_time", "give the earliest instant of sending", lambda c: c.HasField("not_before_time")),
    _Check("expire_time", "give an instant after not_before_time", _ends_after_it_starts),
    _Check("recipient.address", "give an E.164 number for SMS and VOICE, a mail address for EMAIL", _is_address),
    _Check("recipient.address_kind", "give a kind of address that the channel can reach",
           lambda c: c.recipient.address_kind in ADDRESS_KINDS[c.channel]),
    _Check("recipient.language", "give en, es, zh-Hans or zh-Hant", lambda c: c.recipient.language in LANGUAGES),
    _Check("recipient.given_name", "give printable text on one line, or leave it empty",
           lambda c: _is_text(c.recipient.given_name)),
    _Check("recipient.brand", "give the name under which the lender is known, printable and on one line",
           lambda c: c.recipient.brand != "" and _is_text(c.recipient.brand)),
    _Check("recipient.actor", "give collector, creditor, servicer or collecting_servicer",
           lambda c: c.recipient.actor in ACTORS),
    _Check("recipient.places", f"give at most {PLACES_MAX}", lambda c: len(c.recipient.places) <= PLACES_MAX),
    _Check("recipient.loan", "give amounts and days of 0 or more", _has_sound_amounts),
    _Check("recipient.loan.currency", "give an ISO 4217 code",
           lambda c: CURRENCY.fullmatch(c.recipient.loan.currency) is not None),
)  # fmt: skip


def violation_of(contact: types_pb2.Contact) -> Violation | None:
    """Return the first thing wrong with a contact, or None when it can be taken."""
    for field, description, holds in CHECKS:
        if not holds(contact):
            return Violation(field, description)
    return None
