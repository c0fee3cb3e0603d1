"""Asks the tenant what only the tenant knows: whose phone it is, and where somebody lives.

Nothing is kept: a question is there while the facts are, so the import that answers it also closes it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from contact_scheduler.store import questions
from contact_scheduler.store.questions import PlaceRow, QuestionRow
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import UUID, Pool
from forbear_domain import policy
from forbear_domain.model import Channel
from forbear_domain.policy.mask import Group, group_tables

WEEK_HOURS = 168
# Every pack leaves at least this much of a day; zones that are closer always have an hour in common.
NARROWEST_WINDOW = timedelta(hours=6)
WORDS = {
    Channel.SMS: (policy.Channel.SMS, policy.ConsentKind.SMS),
    Channel.EMAIL: (policy.Channel.EMAIL, policy.ConsentKind.EMAIL),
    Channel.VOICE: (policy.Channel.VOICE, policy.ConsentKind.VOICE),
}


class Reason(StrEnum):
    """Why nobody may contact a borrower, or use one address."""

    PLACE_UNKNOWN = "place_unknown"
    PHONE_REGION_UNKNOWN = "phone_region_unknown"
    NO_COMMON_HOUR = "no_common_hour"
    ADDRESS_SHARED = "address_shared"
    ADDRESS_MOVED = "address_moved"


SUPPLY = {
    Reason.PLACE_UNKNOWN: "give `region` and `postal_code`, or `time_zone` if the borrower stated it",
    Reason.PHONE_REGION_UNKNOWN: "correct `mobile` or `landline`: the area code belongs to no known place",
    Reason.NO_COMMON_HOUR: "correct `region`, `postal_code`, `time_zone` or the phone: no hour is lawful in all",
    Reason.ADDRESS_SHARED: "another borrower has the same one: leave the column empty for whom it does not belong to",
    Reason.ADDRESS_MOVED: "it was another borrower's a week ago: nothing, if it changed hands, and it is used again "
    "after `rests_until`; else leave the column empty for whom it does not belong to",
}


class Question(NamedTuple):
    """One thing that only the tenant can say."""

    borrower_ref: str
    reason: Reason
    channel: Channel | None  # None: it is about the place
    is_unreachable: bool  # nobody may contact the borrower at all
    rests_until: datetime | None = None  # when an address that changed hands is used again without an answer


class AskTenant:
    """The use case behind `GET /v1/questions`."""

    def __init__(self, pool: Pool, clock: Clock) -> None:
        self._pool = pool
        self._clock = clock

    async def run(self, tenant_id: UUID, after_ref: str = "") -> tuple[list[Question], str]:
        """Return open questions by borrower, and after whom the next page begins (empty: none is left)."""
        places = await questions.doubtful_places(self._pool, tenant_id)
        now = self._clock.now()
        reasons = await asyncio.to_thread(find_reasons, places, now)
        rows, following = await questions.open_questions(self._pool, tenant_id, list(reasons), after_ref, now)
        return [_question(row, reasons) for row in rows], following


def _question(row: QuestionRow, reasons: Mapping[int, Reason]) -> Question:
    if not row.channel:
        return Question(row.borrower_ref, reasons[row.place_id], None, is_unreachable=True)
    reason = Reason.ADDRESS_SHARED if row.rests_until is None else Reason.ADDRESS_MOVED
    return Question(row.borrower_ref, reason, Channel(row.channel), row.is_unreachable, row.rests_until)


def find_reasons(places: list[PlaceRow], now: datetime) -> dict[int, Reason]:
    """Return why nobody at these places may be contacted; places where somebody may are left out."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    found = {place.place_id: _reason(tuple(place.zones), tuple(place.regions), hour) for place in places}
    return {place_id: reason for place_id, reason in found.items() if reason is not None}


@lru_cache(maxsize=10_000)
def _reason(zones: tuple[str, ...], regions: tuple[str, ...], hour: datetime) -> Reason | None:
    if not zones or not zones[0] or not regions:  # the firmest evidence stands first; a place without a law has none
        return Reason.PLACE_UNKNOWN
    if "" in zones:
        return Reason.PHONE_REGION_UNKNOWN
    return None if has_common_hour(zones, regions, hour) else Reason.NO_COMMON_HOUR


def has_common_hour(zones: tuple[str, ...], regions: tuple[str, ...], starts_at: datetime) -> bool:
    """Whether the law leaves an hour of the week from a full hour on, on some channel, in all zones at once."""
    offsets = [starts_at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta() for zone in zones]
    if max(offsets) - min(offsets) <= NARROWEST_WINDOW:
        return True
    rules = policy.rules_for(policy.load_packs(), regions, starts_at.date())
    place = policy.Place(frozenset(zones), frozenset(regions))
    sms, email, voice = (
        policy.Facts(
            actor=policy.Actor.COLLECTING_SERVICER,
            channel=word,
            place=place,
            debts=(policy.Debt("loan", "mortgage"),),
            consents=(policy.Consent(consent, starts_at, fresh_at=starts_at),),
        )
        for word, consent in WORDS.values()
    )
    return bool(group_tables([Group((sms, email, voice), rules)], starts_at, WEEK_HOURS).any())
