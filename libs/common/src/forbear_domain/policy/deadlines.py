"""Dates that rules fix: by when something must be done, until when something holds or is kept."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from forbear_domain.policy.calendar import add_business_days, add_months, local_date, us_federal_holidays
from forbear_domain.policy.facts import Delinquency

LIVE_CONTACT_DAY = 36  # 12 CFR 1024.39(a)
WRITTEN_NOTICE_DAY = 45  # 12 CFR 1024.39(b), 1024.40(a)
NOTICE_INTERVAL_DAYS = 180  # 12 CFR 1024.39(b)(1), (d)(3)
FORECLOSURE_DAY = 120  # 12 CFR 1024.41(f): more than this many days delinquent
VALIDATION_DAYS = 30  # 12 CFR 1006.34(b)(5)
ASSUMED_RECEIPT_BUSINESS_DAYS = 5
INITIAL_NOTICE_DAYS = 5  # 12 CFR 1006.34(a)(1)(i)
FURNISHING_WAIT_DAYS = 14  # 12 CFR 1006.30(a), comment 30(a)(1)(ii)-2
REVOCATION_BUSINESS_DAYS = 10  # 47 CFR 64.1200(a)(10)


@dataclass(frozen=True, slots=True)
class Duty:
    """Something that must be done for one debt by the end of one day."""

    rule: str
    debt: str
    what: str
    by: date


def duties(delinquencies: Iterable[Delinquency], today: date) -> tuple[Duty, ...]:
    """The open duties of Regulation X, the most urgent first."""
    found: list[Duty] = []
    for one in delinquencies:
        if one.exempt:
            continue
        if one.live_contact_on is None or one.live_contact_on < one.due_on:
            found.append(Duty("REGX-39A-LIVE", one.debt, "live contact", live_contact_by(one.due_on)))
        found.append(Duty("REGX-39B-NOTICE", one.debt, "written notice", _next_notice_by(one, today)))
    return tuple(sorted(found, key=lambda duty: duty.by))


def live_contact_by(due: date) -> date:
    """The last day for live contact or a good-faith effort after a missed due date."""
    return due + timedelta(days=LIVE_CONTACT_DAY)


def written_notice_by(due: date) -> date:
    """The last day for the written early-intervention notice after a missed due date."""
    return due + timedelta(days=WRITTEN_NOTICE_DAY)


def repeated_notice_on(given: date, days_delinquent_then: int) -> date:
    """When the notice is due again: 180 days on if the delay is long enough by then, else on its 45th day."""
    again = given + timedelta(days=NOTICE_INTERVAL_DAYS)
    return again + timedelta(days=max(0, WRITTEN_NOTICE_DAY - days_delinquent_then))


def first_due_after(due: date, transfer: date) -> date:
    """The first monthly due date after a transfer of servicing."""
    months = 0
    while add_months(due, months) <= transfer:
        months += 1
    return add_months(due, months)


def assumed_receipt(sent: date) -> date:
    """When a validation notice counts as received: five business days after sending."""
    return add_business_days(sent, ASSUMED_RECEIPT_BUSINESS_DAYS, us_federal_holidays(sent.year))


def validation_period_end(received: date) -> date:
    """The last day of the validation period."""
    return received + timedelta(days=VALIDATION_DAYS)


def revocation_honoured_by(received: date, extra_holidays: Iterable[date] = ()) -> date:
    """The last day the TCPA allows for acting on a revocation; Regulation F allows none."""
    closed = us_federal_holidays(received.year) | us_federal_holidays(received.year + 1) | frozenset(extra_holidays)
    return add_business_days(received, REVOCATION_BUSINESS_DAYS, closed)


def collides(duty: Duty, not_before: datetime, zones: Iterable[ZoneInfo]) -> bool:
    """Whether waiting until `not_before` would miss the duty's day in some zone: a person must decide."""
    return any(local_date(not_before, zone) > duty.by for zone in zones)


def _next_notice_by(one: Delinquency, today: date) -> date:
    if one.notice_on is None:
        return written_notice_by(one.due_on)
    again = one.notice_on + timedelta(days=NOTICE_INTERVAL_DAYS)
    return repeated_notice_on(one.notice_on, max(0, (again - one.due_on).days)) if today >= one.due_on else again
