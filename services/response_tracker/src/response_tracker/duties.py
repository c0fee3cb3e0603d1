"""What people must do about each kind of case, by when, and where that is written. Pure.

A term that a law sets names the law; the others are this house's, and say so. Terms in business days leave out
weekends and the federal holidays of the United States, and end with the borrower's day.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from forbear_domain.policy.calendar import add_business_days, day_start, local_date, us_federal_holidays

HOUSE = "house rule"


class Reason(StrEnum):
    """Why a person must look; each has a time within which somebody must have looked."""

    DISTRESS = "distress"
    CEASE = "cease"
    WHO_WROTE = "who_wrote"
    DECEASED = "deceased"
    ATTORNEY = "attorney"
    BANKRUPTCY = "bankruptcy"
    BANKRUPTCY_NOTICE = "bankruptcy_notice"
    MILITARY = "military"
    DISPUTE = "dispute"
    VERIFICATION = "verification"
    HOSTILE = "hostile"
    HUMAN_REQUEST = "human_request"
    CALL_BACK = "call_back"
    CHECK_PAYMENT = "check_payment"
    LANGUAGE = "language"
    NO_OFFER = "no_offer"
    UNSURE = "unsure"
    UNCLEAR = "unclear"
    TALKED_TOO_MUCH = "talked_too_much"
    UNREADABLE = "unreadable"
    UNANSWERED = "unanswered"
    WROTE_AGAIN = "wrote_again"
    WITH_PEOPLE = "with_people"


@dataclass(frozen=True, slots=True)
class Duty:
    """What must be done, and within which time of the borrower's words: a span, or whole business or calendar days."""

    what: str
    source: str = HOUSE
    within: timedelta | None = None
    business_days: int = 0
    days: int = 0

    def due_at(self, at: datetime, zone: ZoneInfo) -> datetime:
        """Return the end of the time that begins at `at`; whole days end with the borrower's day."""
        if self.within is not None:
            return at + self.within
        today = local_date(at, zone)
        if self.business_days:
            holidays = us_federal_holidays(today.year) | us_federal_holidays(today.year + 1)
            last = add_business_days(today, self.business_days, holidays)
        else:
            last = today + timedelta(days=self.days)
        return day_start(zone, last + timedelta(days=1))


_LOOK = timedelta(days=1)
DUTIES: Mapping[Reason, Duty] = {
    Reason.DISTRESS: Duty(
        "Speak with the borrower yourself, now. No word of the debt. Stay until they are safe or with somebody.",
        within=timedelta(minutes=15),
    ),
    Reason.CEASE: Duty(
        "Contact has stopped. Confirm it once at most, in writing; notices that the law prescribes go on.",
        "12 CFR 1006.6(c); for a mortgage 12 CFR 1024.39(d)",
        business_days=5,
    ),
    Reason.WHO_WROTE: Duty(
        "Somebody says that they are not the borrower, and wants no contact ever. The address is barred for good, and "
        "contact rests. Find out who wrote: if it was not the borrower, lift the demand to cease and give them back.",
        "12 CFR 1006.6(c), a demand of the consumer; 12 CFR 1006.14(h)(1), of a person about a medium",
        within=_LOOK,
    ),
    Reason.DECEASED: Duty(
        "Say no more to anybody about the debt. Find out who handles the estate, and who succeeds to the home.",
        "12 CFR 1006.6(a)(4); 12 CFR 1024.38(b)(1)(vi)",
        business_days=5,
    ),
    Reason.ATTORNEY: Duty(
        "Ask once for the attorney's name and address if you do not have them, and write to the attorney from now on.",
        "12 CFR 1006.6(b)(2)",
        business_days=3,
    ),
    Reason.BANKRUPTCY: Duty(
        "Collection has stopped. Find the court, the case number and the chapter, and tell those who file claims.",
        "11 USC 362(a)(6)",
        business_days=2,
    ),
    Reason.BANKRUPTCY_NOTICE: Duty(
        "For a mortgage: send the one written notice of ways out that a case allows; it asks for no payment.",
        "12 CFR 1024.39(c)",
        days=45,
    ),
    Reason.MILITARY: Duty(
        "Check active duty, and tell the borrower of the 6 % cap and of the protection of the home.",
        "50 USC 3937 and 3953",
        business_days=5,
    ),
    Reason.DISPUTE: Duty(
        "Acknowledge the dispute in writing and say what you will look at; a collector's machine has not answered it.",
        "12 CFR 1024.35(d) for a mortgage; a house rule for other debts",
        business_days=5,
    ),
    Reason.VERIFICATION: Duty(
        "Send the verification of the debt, or correct it. Until it is sent nothing may be collected.",
        "12 CFR 1006.38(d)(2); 12 CFR 1024.35(e)(3)(i)(C) for a mortgage",
        business_days=30,
    ),
    Reason.HOSTILE: Duty("Read what was said, and decide who writes next and how.", within=_LOOK),
    Reason.HUMAN_REQUEST: Duty("The borrower asks for a person: be one.", within=timedelta(hours=4)),
    Reason.CALL_BACK: Duty("Call the borrower within the hour before the term: they chose it.", within=_LOOK),
    Reason.CHECK_PAYMENT: Duty("The borrower says that it is paid: look, and thank or explain.", within=_LOOK),
    Reason.LANGUAGE: Duty("The borrower wants a language that we do not write: find somebody.", within=_LOOK),
    Reason.NO_OFFER: Duty("The borrower needs a way out, and none could be computed: find one.", within=_LOOK),
    Reason.UNSURE: Duty("The reading is not sure: read the words yourself.", within=_LOOK),
    Reason.UNCLEAR: Duty("The words fit no label: read them yourself.", within=_LOOK),
    Reason.TALKED_TOO_MUCH: Duty("The assistant has said enough for now: go on yourself.", within=_LOOK),
    Reason.UNREADABLE: Duty("A message could not be read: look at it.", within=_LOOK),
    Reason.UNANSWERED: Duty("The one answer left open something that was asked: see to it.", within=_LOOK),
    Reason.WROTE_AGAIN: Duty(
        "The borrower wrote while people have the word, so the machine kept silent about money: read it, and answer.",
        within=_LOOK,
    ),
    Reason.WITH_PEOPLE: Duty(
        "A case was resolved, and the borrower hears nothing from the machine since: give them back, or keep them.",
        days=30,
    ),
}

# What a case brings with it: another duty, with a longer term, that can be done and closed by itself.
FOLLOWING: Mapping[Reason, Reason] = {
    Reason.DISPUTE: Reason.VERIFICATION,
    Reason.BANKRUPTCY: Reason.BANKRUPTCY_NOTICE,
}
