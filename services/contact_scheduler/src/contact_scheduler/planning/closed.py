"""What closes the hours in which a borrower is not contacted: consent, a wish, the campaign, or a rule of law by name.

The law is asked through the engine that the gate uses, hour by hour, with what the plan knows. It is for one borrower
whom somebody asks about; plans ask the vectorised twin.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

from contact_scheduler.planning.candidates import HOUR, Candidate, Touch
from contact_scheduler.planning.lawful import ADDRESS_KINDS, CHANNEL_WORDS, LawfulHours, Place, open_channels
from forbear_domain import policy
from forbear_domain.model import Channel

PROBES = (timedelta(seconds=1), timedelta(minutes=30), timedelta(minutes=59, seconds=59))  # those of the plan


class Closed(NamedTuple):
    """Hours on one channel that one thing closes: from `starts_at` up to `ends_at`, both full hours."""

    channel: Channel
    starts_at: datetime
    ends_at: datetime
    by: str  # id of a rule, or "consent", "wish", "campaign", "weekly cap"
    why: str


class _Cause(NamedTuple):
    by: str
    why: str


NO_CONSENT = _Cause("consent", "there is no consent on this channel")
NO_PLACE = _Cause("place", "nobody knows where the borrower is")
OTHER_CHANNEL = _Cause("wish", "the borrower asked for another channel")
OTHER_HOURS = _Cause("wish", "the borrower asked for other hours or days")
NOT_USED = _Cause("campaign", "the campaign does not use this channel")
CAMPAIGN_HOURS = _Cause("campaign", "the campaign contacts nobody at this hour")
WEEKLY_CAP = _Cause("weekly cap", "the campaign has made its contacts of seven days")

OURS = frozenset({NO_CONSENT, NO_PLACE, OTHER_CHANNEL, OTHER_HOURS, NOT_USED, CAMPAIGN_HOURS, WEEKLY_CAP})


def closed_hours(
    lawful: LawfulHours, one: Candidate, place: Place, touches: Sequence[Touch], spoken: Sequence[datetime]
) -> list[Closed]:
    """Return what closes which hours of the window, by channel and time; hours of one cause in a row are one.

    A rule's words are those of its first hour.
    """
    window = lawful.calendar.window
    hours = [window.starts_at + hour * HOUR for hour in range(window.hours)]
    found = []
    for channel in Channel:
        causes = list(_causes(lawful, one, place, channel, hours, _past(touches, spoken), list(touches)))
        for _, rows in groupby(range(len(hours)), key=lambda row: _kind(causes[row])):
            first, *rest = rows
            last = rest[-1] if rest else first
            cause = causes[first]
            if cause is not None:
                found.append(Closed(channel, hours[first], hours[last] + HOUR, cause.by, cause.why))
    return found


def _kind(cause: _Cause | None) -> object:
    """Return what tells causes apart: a rule of law by its name, for its words tell each hour anew."""
    return cause if cause is None or cause in OURS else cause.by


def _causes(
    lawful: LawfulHours, one: Candidate, place: Place, channel: Channel, hours: Sequence[datetime],
    past: tuple[policy.PastContact, ...], touches: list[Touch],
) -> Iterator[_Cause | None]:  # fmt: skip
    """Say for each hour what closes it, the firmest first; None: it is open."""
    whole = _closed_as_a_whole(lawful, one, place, channel)
    if whole is not None:
        yield from (whole for _ in hours)
        return
    rules = lawful.rules(place)
    facts = replace(lawful.facts(one, place)[channel - 1], past=past)
    is_used, is_welcome = lawful.used(place), lawful.welcome(place, one)
    cap_ends = lawful.week_opens(place, touches)
    for row, at in enumerate(hours):
        verdicts = (policy.decide(facts, rules, at + probe) for probe in PROBES)
        refusal = next((verdict for verdict in verdicts if not verdict.allowed), None)
        if refusal is not None:
            yield _Cause(refusal.rule or "law", refusal.why)
        elif row < cap_ends:
            yield WEEKLY_CAP
        elif not is_used[row]:
            yield CAMPAIGN_HOURS
        else:
            yield None if is_welcome[row] else OTHER_HOURS


def _closed_as_a_whole(lawful: LawfulHours, one: Candidate, place: Place, channel: Channel) -> _Cause | None:
    if not place.is_known:
        return NO_PLACE
    if not one.consented & 1 << channel:
        return NO_CONSENT
    if channel not in lawful.campaign.channels:
        return NOT_USED
    return None if channel in open_channels(one, lawful.campaign.channels) else OTHER_CHANNEL


def _past(touches: Sequence[Touch], spoken: Sequence[datetime]) -> tuple[policy.PastContact, ...]:
    """Return what was tried and said as the law counts it: about this debt, and to this address."""
    calls = (
        policy.PastContact(at, policy.Channel.VOICE, result=policy.CallResult.CONVERSATION, address="address")
        for at in spoken
    )
    tried = (
        policy.PastContact(
            touch.at, CHANNEL_WORDS[Channel(touch.channel)], address="address",
            result=policy.CallResult.CONVERSATION if touch.has_conversed else policy.CallResult.UNKNOWN,
            address_kind=ADDRESS_KINDS[touch.address_kind or 0],
        )
        for touch in touches
    )  # fmt: skip
    return tuple(sorted((*calls, *tried), key=lambda one: one.at))
