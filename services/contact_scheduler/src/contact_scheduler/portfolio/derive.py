"""What is derived from a good row: database rows, with the wire bytes of the recipient prepared once.

Serialised messages of protobuf join by concatenation, so a contact's `Recipient` is put together at release from three
stored pieces (contact point, loan, tenant) without building it field by field for each contact.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from google.protobuf.timestamp_pb2 import Timestamp

from contact_scheduler.circumstances import Circumstance
from contact_scheduler.portfolio.check import Row, pick
from contact_scheduler.portfolio.columns import EMPLOYMENTS
from contact_scheduler.portfolio.places import Atlas
from forbear.types.v1 import types_pb2 as pb
from forbear_domain.model import Channel, address_key
from forbear_domain.policy import AddressKind

MINOR_DIGITS = {"JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "ISK": 0, "BHD": 3, "KWD": 3, "OMR": 3, "TND": 3, "JOD": 3}
EMPLOYMENT_CODES = {"day_shift": 0, "self_employed": 1, "night_shift": 2, "unemployed": 3, "retired": 4, "unknown": -1}
EMPLOYMENT_NAMES = {code: name for name, code in EMPLOYMENT_CODES.items()}
ADDRESS, STATED = pb.PLACE_EVIDENCE_KIND_ADDRESS, pb.PLACE_EVIDENCE_KIND_STATED
MOBILE, LANDLINE = pb.PLACE_EVIDENCE_KIND_MOBILE_AREA_CODE, pb.PLACE_EVIDENCE_KIND_LANDLINE_AREA_CODE
KIND_CODES = {kind.value: code for code, kind in enumerate(AddressKind)}

PLACE_VALUES = pick("time_zone", "region", "postal_code", "mobile", "landline")
POINT_VALUES = pick(
    "given_name", "language", "employment", "mobile", "landline", "email",
    "sms_consent_on", "voice_consent_on", "email_consent_on", "phone_checked_on",
    "landline_kind", "email_kind",
)  # fmt: skip
BORROWER_VALUES = pick(
    "borrower_ref", "language", "employment", "region", "monthly_income", "currency", "regional_unemployment",
    "preferred_channel", "reminder_promised",
)  # fmt: skip
CIRCUMSTANCES = pick("circumstances")
LOAN_VALUES = pick(
    "loan_ref", "product", "currency", "balance", "past_due", "instalment", "past_due_days", "due_on",
    "missed_payments_12m", "kept_promises", "broken_promises",
)  # fmt: skip

Evidence = tuple[pb.PlaceEvidenceKind.ValueType, str, str]  # kind, zone, region


class Place(NamedTuple):
    """All evidence for where a borrower is."""

    place_id: int
    zones: list[str]
    regions: list[str]
    wire: bytes


class Point(NamedTuple):
    """One row of `contact_point`, without its tenant and borrower."""

    channel: int
    consent_on: date | None
    recipient: bytes
    address_key: str
    address_kind: int  # position in AddressKind
    checked_on: date | None  # of a mobile: when it was last known not to be somebody else's


def to_minor(amount: str, currency: str) -> int:
    """Turn "1234.5" into minor units of a currency, exactly."""
    digits = MINOR_DIGITS.get(currency, 2)
    whole, _, fraction = amount.partition(".")
    return int(whole + fraction.ljust(digits, "0")[:digits])


def derive_place(row: Row, atlas: Atlas) -> Place:
    """Join the evidence of stated zone, address and area codes, the firmest first.

    Without a stated zone or an address nobody knows where the borrower is, whatever the area code says: an empty zone
    is added, which means that no contact is lawful.
    """
    zone, region, postal_code, mobile, landline = PLACE_VALUES(row.values)
    address = atlas.address(region or "", postal_code)
    evidence: list[Evidence] = [(STATED, zone, "")] if zone else []
    evidence += [(ADDRESS, zone, f"US-{state}") for zone, state in address]
    if not evidence:
        evidence.append((ADDRESS, "", ""))
    for number, kind in ((mobile, MOBILE), (landline, LANDLINE)):
        if number:
            evidence += _phone_evidence(kind, *atlas.phone(number))
    return _make_place(tuple(evidence))


@lru_cache(maxsize=2_000)
def _phone_evidence(
    kind: pb.PlaceEvidenceKind.ValueType, zones: tuple[str, ...], states: tuple[str, ...]
) -> tuple[Evidence, ...]:
    """Pair zones and states of an area code; the shorter list is repeated, since every place stated must allow.

    An area code that belongs to no place leaves an empty zone, as an unknown address does: no contact is lawful.
    """
    if not zones:
        return ((kind, "", ""),)
    count = max(len(zones), len(states))
    return tuple(
        (kind, zones[min(i, len(zones) - 1)], f"US-{states[min(i, len(states) - 1)]}" if states else "")
        for i in range(count)
    )


@lru_cache(maxsize=10_000)
def _make_place(evidence: tuple[Evidence, ...]) -> Place:
    zones = list(dict.fromkeys(zone for _, zone, _ in evidence))
    regions = list(dict.fromkeys(region for _, _, region in evidence if region))
    wire = pb.Recipient(
        places=[pb.PlaceEvidence(kind=kind, zone=zone, region=region) for kind, zone, region in evidence]
    )
    digest = hashlib.blake2b(repr((zones, regions)).encode(), digest_size=8).digest()
    return Place(int.from_bytes(digest, "big", signed=True), zones, regions, wire.SerializeToString())


def derive_points(row: Row, place: Place, tenant: bytes) -> list[Point]:
    """Return the contact points of a row: one for each channel that has an address."""
    (given_name, language, employment, mobile, landline, email, sms_on, voice_on, email_on, checked, landline_is,
     email_is) = POINT_VALUES(row.values)  # fmt: skip
    mail, fixed = "work_email" if email_is == "work" else "email", "work_phone" if landline_is == "work" else "landline"
    voice = mobile if mobile and (voice_on or not landline) else landline
    own = pb.Recipient(given_name=given_name or "")
    points = []
    for channel, address, kind, consent_on in (
        (Channel.SMS, mobile, "mobile", sms_on),
        (Channel.EMAIL, email, mail, email_on),
        (Channel.VOICE, voice, "mobile" if voice == mobile else fixed, voice_on),
    ):
        if address:
            own.address = address
            checked_on = checked if kind == "mobile" else None
            shared = _shared_fields(language, kind, employment or "", consent_on, checked_on)
            recipient = own.SerializeToString() + shared + place.wire
            key = address_key(tenant, address)
            points.append(Point(channel, consent_on, recipient, key, KIND_CODES[kind], checked_on))
    return points


@lru_cache(maxsize=10_000)
def _shared_fields(language: str, kind: str, segment: str, consent_on: date | None, checked_on: date | None) -> bytes:
    recipient = pb.Recipient(
        language=language, address_kind=kind, segment=segment, consented=consent_on is not None,
        consent_time=None if consent_on is None else _at_midnight(consent_on),
        number_check_time=None if checked_on is None else _at_midnight(checked_on),
    )  # fmt: skip
    return recipient.SerializeToString()


def checked_fields(checked_on: date) -> bytes:
    """Return the wire fields of a recipient whose number was checked on a day; later ones take the place of earlier."""
    return pb.Recipient(number_check_time=_at_midnight(checked_on)).SerializeToString()


def _at_midnight(day: date) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(datetime.combine(day, time(0), tzinfo=UTC))
    return stamp


def derive_borrower(row: Row, place: Place) -> tuple[object, ...]:
    """Return the row of `borrower` without its tenant, in the order of `store.imports.BORROWER`."""
    ref, language, employment, region, income, currency, unemployment, channel, promised = BORROWER_VALUES(row.values)
    return (
        row.borrower_id, ref, place.place_id, language, EMPLOYMENT_CODES[employment or EMPLOYMENTS[-1]], region or "",
        None if income is None else to_minor(income, currency), unemployment, channel, promised or False,
        row.borrower_digest,
    )  # fmt: skip


def derive_circumstances(row: Row) -> tuple[Circumstance, ...] | None:
    """Return what the file says of the borrower that asks for care; None where it says nothing of it."""
    result: tuple[Circumstance, ...] | None = CIRCUMSTANCES(row.values)
    return result


def derive_loan(row: Row, today: date) -> tuple[object, ...]:
    """Return the row of `loan` without its tenant, in the order of `store.imports.LOAN`.

    A due date that the file does not give is as many days ago as it says: clocks run from it.
    """
    ref, product, currency, balance, past_due, instalment, days, due_on, missed, kept, broken = LOAN_VALUES(row.values)
    if due_on is None and days:
        due_on = today - timedelta(days=days)
    return (
        row.loan_id, row.borrower_id, ref, product, currency, to_minor(balance, currency), to_minor(past_due, currency),
        to_minor(instalment or "0", currency), days, due_on, missed or 0, kept or 0, broken or 0, row.loan_digest,
    )  # fmt: skip
