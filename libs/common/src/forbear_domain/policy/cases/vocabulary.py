"""The words of the case form, and what they are called in `Facts`."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from forbear_domain.policy.facts import (
    AddressKind,
    Channel,
    ConsentKind,
    Inconvenience,
    Purpose,
    Recipient,
    Route,
    SuppressionKind,
)

Table = Mapping[str, Any]
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

ADDRESS_KINDS = {
    "mobile": AddressKind.MOBILE,
    "mobile_phone": AddressKind.MOBILE,
    "cell": AddressKind.MOBILE,
    "cell_phone": AddressKind.MOBILE,
    "landline": AddressKind.LANDLINE,
    "home_landline": AddressKind.LANDLINE,
    "home_phone": AddressKind.LANDLINE,
    "home_address": AddressKind.HOME_ADDRESS,
    "home": AddressKind.HOME_ADDRESS,
    "email": AddressKind.EMAIL,
    "personal_email": AddressKind.EMAIL,
    "work_phone": AddressKind.WORK_PHONE,
    "workplace": AddressKind.WORK_PHONE,
    "work_email": AddressKind.WORK_EMAIL,
    "employer_email": AddressKind.WORK_EMAIL,
}
RECIPIENTS = {
    "guarantor": Recipient.GUARANTOR,
    "household": Recipient.HOUSEHOLD,
    "household_member": Recipient.HOUSEHOLD,
    "roommate": Recipient.HOUSEHOLD,
    "contact_person": Recipient.CONTACT_PERSON,
    "referee": Recipient.CONTACT_PERSON,
    "friend": Recipient.CONTACT_PERSON,
    "relative": Recipient.CONTACT_PERSON,
    "third_party": Recipient.THIRD_PARTY,
    "neighbor": Recipient.THIRD_PARTY,
    "neighbour": Recipient.THIRD_PARTY,
    "coworker": Recipient.THIRD_PARTY,
    "employer": Recipient.EMPLOYER,
    "consumers_attorney": Recipient.CONSUMERS_ATTORNEY,
    "attorney": Recipient.CONSUMERS_ATTORNEY,
    "creditors_attorney": Recipient.CREDITORS_ATTORNEY,
    "collectors_attorney": Recipient.CREDITORS_ATTORNEY,
    "debt_collectors_attorney": Recipient.CREDITORS_ATTORNEY,
    "creditor": Recipient.CREDITOR,
    "consumer_reporting_agency": Recipient.REPORTING_AGENCY,
}
# The first pattern found in a purpose's name decides.
PURPOSES: tuple[tuple[str, Purpose], ...] = (
    (r"efforts?_(?:are_)?(?:being_)?(?:terminated|ended)|terminat", Purpose.EFFORTS_ENDED),
    (r"early_intervention|39_?[bd]|39c", Purpose.DUTY_NOTICE),
    (r"39_?a|live_contact", Purpose.DUTY_LIVE_CONTACT),
    (r"remed|invoke", Purpose.REMEDY_NOTICE),
    (r"opt_out_confirm|confirm.*opt", Purpose.OPT_OUT_CONFIRMATION),
    (r"consent", Purpose.CONSENT_REQUEST),
    (r"solicit|promot|market|loan_offer|cross_sell|refinance_offer|telemarket", Purpose.SOLICITATION),
    (r"required_disclosure|validation_notice", Purpose.REQUIRED_DISCLOSURE),
    (r"statement|force_?placed|forced_placed|\barm\b|adjust", Purpose.STATEMENT),
    (r"required_by_(?:law|terms|contract)|legal_notice|statutory|notice_required", Purpose.LEGAL_NOTICE),
    (r"locat", Purpose.LOCATION),
    (r"court|litigation|lawsuit", Purpose.LITIGATION),
    (r"verif|dispute_response", Purpose.VERIFICATION),
    (r"offer|discount|expir|promotion", Purpose.REMINDER),  # a deadline of our own making is no reason to call again
    (r"asked_for|requested|information_consumer", Purpose.REQUESTED_INFORMATION),
    (r"grace|failed_payment|late_fee|avoid|harm|disaster|outage|unavailable", Purpose.URGENT_HARM),
    (r"law|regulation|complian", Purpose.DUTY_LIVE_CONTACT),
    (r"fraud|unrelated|security_alert", Purpose.UNRELATED_ALERT),
    (r"relay|pass_on|message_for_debtor", Purpose.LOCATION),
)  # fmt: skip
STATES_OF_FLAGS = (
    (r"bereave|death_of|funeral", SuppressionKind.BEREAVEMENT),
    (r"wedding|festival|calamit|disaster|hospital|surgery", SuppressionKind.DEFERRAL),
    (r"bankrupt", SuppressionKind.BANKRUPTCY),
    (r"deceased|died", SuppressionKind.DECEASED),
    (r"militar|service_?member|scra", SuppressionKind.MILITARY),
    (r"identity_theft", SuppressionKind.IDENTITY_THEFT),
    (r"vulnerab|distress|self_harm", SuppressionKind.DISTRESS),
)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def instant(text: Any, *, end_of_day: bool = False) -> datetime:
    """An instant in UTC; a bare date is its midnight, or the next one where it ends something."""
    parsed = datetime.fromisoformat(str(text))
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return parsed.astimezone(UTC) + (timedelta(days=1) if end_of_day and len(str(text)) == 10 else timedelta(0))


def day_instant(day: date) -> datetime:
    """The UTC midnight at which a calendar day of a case begins."""
    return datetime.combine(day, time(0), UTC)


def offset_zone(text: str) -> str:
    """A zone of fixed offset for an instant written with one; whole hours, which is what the cases use."""
    match = re.search(r"([+-])(\d{2}):(\d{2})$", text)
    if match is None or match[3] != "00":
        return "Asia/Kolkata" if match is not None and match[0] == "+05:30" else "UTC"
    hours = int(match[2])
    return "UTC" if hours == 0 else f"Etc/GMT{'+' if match[1] == '-' else '-'}{hours}"


def zones_of_evidence(one: Table) -> list[str]:
    """The zones one indication stands for."""
    zones = one.get("tz") or one.get("zones") or one.get("tzs") or ()
    return [zones] if isinstance(zones, str) else list(zones)


def recipient_of(to: Any) -> tuple[Recipient, str]:
    """Whom a contact is for, and which person where it is somebody else."""
    kind, _, person = str(to or "consumer").partition(":")
    return RECIPIENTS.get(kind, Recipient.CONSUMER), person


def address_key(one: Table) -> str:
    """The phone number or mailbox an event used, if the case names one."""
    to = str(one.get("to", ""))
    named = one.get("number") or one.get("address")
    return str(named) if named else to if "@" in to or to.startswith("+") else ""


def purpose_named(name: str) -> Purpose:
    """Our purpose for a purpose's name in a case."""
    for pattern, purpose in PURPOSES:
        if re.search(pattern, name):
            return purpose
    return Purpose.REMINDER


def consent_kinds(name: str, jurisdiction: str) -> list[ConsentKind]:
    """What a consent of the case covers; where only times can be agreed to, that is what is meant."""
    if "additional" in name or "more_calls" in name or "call_back" in name or "callback" in name:
        return [ConsentKind.ADDITIONAL_CALLS]
    kinds = [ConsentKind.SMS] if re.search(r"sms|text|electronic|e_?contact", name) else []
    kinds += [ConsentKind.EMAIL] if re.search(r"e_?mail|electronic|e_?contact", name) else []
    if re.search(r"time|hour|night|quiet|outside|late|early|evening|morning", name):
        return [ConsentKind.THIS_TIME]
    if kinds or jurisdiction.startswith("US"):
        return kinds
    return [ConsentKind.THIS_TIME]


def route_of(given_to: str) -> Route:
    """Whether a consent was given to us; a creditor's or an earlier collector's does not carry over."""
    return Route.TO_ANOTHER if re.search(r"creditor|prior|another|other|previous", given_to) else Route.DIRECT


def reassigned(check: Table) -> bool:
    """Whether a check of the database said that the number has changed hands."""
    return str(check.get("result", check.get("response", "no"))).casefold() in ("yes", "reassigned", "true")


def inconvenience(stated: Table) -> Inconvenience:
    """One stated time or place."""
    days = frozenset(WEEKDAYS.index(str(day)[:3].casefold()) for day in stated.get("weekdays") or WEEKDAYS)
    starts, ends = str(stated.get("from", "00:00")), str(stated.get("to", "24:00"))
    until = stated.get("until")
    return Inconvenience(
        weekdays=days,
        starts=time.fromisoformat(starts),
        ends=None if ends.startswith("24") else time.fromisoformat(ends),
        until_on=date.fromisoformat(until) if until else None,
        place=stated.get("place"),
        channel=Channel(stated["channel"]) if stated.get("channel") else None,
    )
