"""Which hours of a window are lawful on which channel, and welcome, for every candidate.

The law is asked through `forbear_domain.policy.mask`, the vectorised twin of the engine that decides at the moment of
sending, with the same facts. Borrowers share few distinct answers (zones, rules, kind of address, kind of debt), so a
plan asks some hundreds of questions, not millions; what counts against a borrower's own past is added per borrower.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from math import ceil
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.campaigns import Campaign
from contact_scheduler.learning.slots import CHANNELS, HOURS_PER_WEEK, BoolArray, Horizon, LawfulSlots
from contact_scheduler.planning.candidates import HOUR, WEEK, Candidate, Conversations, History, Touch, Window
from forbear_domain import policy
from forbear_domain.model import Channel
from forbear_domain.policy.mask import Group, PastColumns, group_tables, releases
from forbear_domain.policy.notices import is_told_of_agency

HourArray = NDArray[np.int16]
IntArray = NDArray[np.int64]

# A text needs consent, or a check that the number still is the person's, within 60 days (12 CFR 1006.6(d)(5)); a plan
# reaches two days ahead. To the law a consent is either of RECENT or of STALE age, so that few questions serve all.
CONSENT_FRESH = timedelta(days=58)
RECENT, STALE = timedelta(days=30), timedelta(days=90)
CHANNEL_WORDS = {
    Channel.SMS: policy.Channel.SMS,
    Channel.EMAIL: policy.Channel.EMAIL,
    Channel.VOICE: policy.Channel.VOICE,
}
CONSENT_WORDS = {
    Channel.SMS: (policy.ConsentKind.SMS,),
    Channel.EMAIL: (policy.ConsentKind.EMAIL,),
    Channel.VOICE: (policy.ConsentKind.VOICE, policy.ConsentKind.ROBOCALL),
}
DEBT_WORDS = {"mortgage": "mortgage", "card": "credit_card"}
CHANNEL_CODES = {channel: list(policy.Channel).index(word) for channel, word in CHANNEL_WORDS.items()}
ADDRESS_KINDS = tuple(policy.AddressKind)
UNKNOWN_RESULT = list(policy.CallResult).index(policy.CallResult.UNKNOWN)  # counts as if the person had been reached
CONVERSATION = list(policy.CallResult).index(policy.CallResult.CONVERSATION)
ANY_KIND = -1  # a touch whose address is not known counts as one of every kind
PURPOSE_CODE = list(policy.Purpose).index(policy.Purpose.REMINDER)


class Place(NamedTuple):
    """Where somebody may be, as stored."""

    zones: tuple[str, ...]
    regions: tuple[str, ...]

    @property
    def is_known(self) -> bool:
        """Whether every piece of evidence names a zone."""
        return bool(self.zones) and "" not in self.zones


class Calendar:
    """Local hours of the window in every zone, computed once."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self._rows: dict[str, HourArray] = {}

    def local_hours(self, zone: str) -> HourArray:
        """Return the hour of the week that a zone's clock shows at each hour of the window."""
        if zone not in self._rows:
            info = ZoneInfo(zone)
            locals_ = [(self.window.starts_at + hour * HOUR).astimezone(info) for hour in range(self.window.hours)]
            self._rows[zone] = np.array([at.weekday() * 24 + at.hour for at in locals_], dtype=np.int16)
        return self._rows[zone]

    def horizon(self, zones: list[str]) -> Horizon:
        """Return the table that the decision core reads."""
        return Horizon(np.stack([self.local_hours(zone) for zone in zones]) % HOURS_PER_WEEK)


class LawfulHours:
    """Answers for one campaign and window."""

    def __init__(
        self, calendar: Calendar, campaign: Campaign, actor: str, own: policy.TenantPolicy | None = None
    ) -> None:
        self._own = own
        self.calendar = calendar
        self.campaign = campaign
        self._actor = policy.Actor(actor)
        self._packs = policy.load_packs()

    def patterns(
        self, candidates: list[Candidate], places: dict[int, Place], history: History, conversations: Conversations
    ) -> tuple[LawfulSlots, BoolArray]:
        """Return the lawful and welcome cells of each candidate, and whether it has any."""
        groups, group_of = self._groups(candidates, places)
        window = self.calendar.window
        tables = group_tables(groups, window.starts_at, window.hours)
        opens = releases(groups, group_of, past_columns(candidates, history, conversations), window.starts_at)
        first = (
            np.ceil((opens - window.starts_at.timestamp()) / HOUR.total_seconds())
            .clip(0, window.hours)
            .astype(np.int64)
        )
        for row, one in enumerate(candidates):
            first[row] = np.maximum(first[row], self.week_opens(places[one.place_id], history.get(one.borrower_id, [])))

        found: dict[tuple[object, ...], int] = {}
        patterns = [np.zeros((CHANNELS, window.hours), dtype=np.bool_)]
        pattern_of = np.zeros(len(candidates), dtype=np.int32)
        for row, one in enumerate(candidates):
            place, group = places[one.place_id], int(group_of[row])
            wish = (one.asked_channel, one.wished_hours, one.wished_days)
            key = (group, place, one.consented, wish, tuple(first[row]))
            if key not in found:
                found[key] = len(patterns)
                patterns.append(self._pattern(one, place, tables[group], first[row]))
            pattern_of[row] = found[key]
        has_any = np.array([pattern.any() for pattern in patterns])
        return LawfulSlots(np.stack(patterns), pattern_of), has_any[pattern_of]

    def _pattern(self, one: Candidate, place: Place, table: BoolArray, first: IntArray) -> BoolArray:
        pattern = np.zeros_like(table)
        for channel in open_channels(one, self.campaign.channels):
            column = channel - 1
            pattern[column, first[column] :] = table[column, first[column] :]
        pattern &= self.used(place) & self.welcome(place, one)
        if self.campaign.ends_at is not None:
            hours_left = int((self.campaign.ends_at - self.calendar.window.starts_at) / HOUR)
            pattern[:, max(0, hours_left) :] = False
        return pattern

    def week_opens(self, place: Place, touches: list[Touch]) -> int:
        """Return the first hour of the window that the campaign's weekly cap leaves open.

        The cap counts seven days of the borrower's calendar, the first included, in every zone they may be in.
        """
        week_max, window = self.campaign.contacts_a_week_max, self.calendar.window
        if len(touches) < week_max or not place.is_known:
            return 0
        opens = max(week_after(touches[-week_max].at, zone) for zone in place.zones)
        return min(max(0, ceil((opens - window.starts_at) / HOUR)), window.hours)

    def used(self, place: Place) -> BoolArray:
        """Return the hours that the campaign uses, in all zones."""
        used = np.ones(self.calendar.window.hours, dtype=np.bool_)
        for zone in place.zones if place.is_known else ():
            hour = self.calendar.local_hours(zone) % 24
            used &= (hour >= self.campaign.hour_start) & (hour < self.campaign.hour_end)
        return used

    def welcome(self, place: Place, one: Candidate) -> BoolArray:
        """Return the hours of the days that the borrower asked for, in all zones; all where nothing was asked."""
        welcome = np.ones(self.calendar.window.hours, dtype=np.bool_)
        for zone in place.zones if place.is_known else ():
            day, hour = np.divmod(self.calendar.local_hours(zone), 24)
            if one.wished_hours is not None:
                welcome &= (hour >= one.wished_hours[0]) & (hour < one.wished_hours[1])
            if one.wished_days:
                welcome &= (one.wished_days >> day & 1).astype(np.bool_)
        return welcome

    def rules(self, place: Place) -> policy.RuleSet:
        """Return the rules that hold where somebody may be, the tenant's own among them."""
        rules = policy.rules_for(self._packs, place.regions, self.calendar.window.starts_at.date())
        return rules if self._own is None else policy.with_tenant_policy(rules, self._own)

    def facts(self, one: Candidate, place: Place) -> tuple[policy.Facts, policy.Facts, policy.Facts]:
        """Return what the law is asked with for each channel, but for what was tried before."""
        zones = frozenset(place.zones) if place.is_known else frozenset[str]()
        where = policy.Place(zones, frozenset(place.regions))
        sms, email, voice = (self._facts(channel, one, where) for channel in Channel)
        return sms, email, voice

    def _groups(self, candidates: list[Candidate], places: dict[int, Place]) -> tuple[list[Group], NDArray[np.int32]]:
        """Return what is to be asked, once per zones, rules, kinds of address and of debt; and who asks what."""
        found: dict[tuple[object, ...], int] = {}
        groups: list[Group] = []
        group_of = np.empty(len(candidates), dtype=np.int32)
        for row, one in enumerate(candidates):
            place = places[one.place_id]
            rules = self.rules(place)
            zones = frozenset(place.zones) if place.is_known else frozenset[str]()
            key = (zones, rules.packs, rules.known, one.product, one.kinds, one.fresh, one.notices)
            if key not in found:
                found[key] = len(groups)
                groups.append(Group(self.facts(one, place), rules))
            group_of[row] = found[key]
        return groups, group_of

    def _facts(self, channel: Channel, one: Candidate, place: policy.Place) -> policy.Facts:
        agreed_at = self.calendar.window.tick_at - (RECENT if one.fresh & 1 << channel else STALE)
        is_call = channel is Channel.VOICE
        return policy.Facts(
            actor=self._actor,
            channel=CHANNEL_WORDS[channel],
            place=place,
            debts=(policy.Debt("loan", DEBT_WORDS.get(one.product, "other")),),
            address=policy.Address("address", ADDRESS_KINDS[one.kinds[channel - 1]]),
            consents=tuple(policy.Consent(word, agreed_at, fresh_at=agreed_at) for word in CONSENT_WORDS[channel]),
            message=policy.MessageMarks(artificial_voice=is_call, autodialled=is_call),
            told_of_agency=is_told_of_agency(self._actor, one.notices),
            notices=frozenset(one.notices),
        )


def week_after(instant: datetime, zone: str) -> datetime:
    """Return when the seventh day after an instant's day begins on a zone's clock."""
    info = ZoneInfo(zone)
    return datetime.combine(instant.astimezone(info).date() + WEEK, time(0), info)


def past_columns(candidates: list[Candidate], history: History, conversations: Conversations) -> PastColumns:
    """Return what was tried with the candidates, all of it about this debt and to this address, and what was said.

    A conversation that stands in no contact of the history is a call of its own.
    """
    rows = [
        _PastRow(
            row, touch.at, CHANNEL_CODES[Channel(touch.channel)],
            CONVERSATION if touch.has_conversed else UNKNOWN_RESULT,
            ANY_KIND if touch.address_kind is None else touch.address_kind,
        )
        for row, one in enumerate(candidates)
        for touch in history.get(one.borrower_id, [])
    ]  # fmt: skip
    rows += [
        _PastRow(row, at, CHANNEL_CODES[Channel.VOICE], CONVERSATION, ANY_KIND)
        for row, one in enumerate(candidates)
        for at in conversations.get(one.borrower_id, [])
    ]
    count = len(rows)
    return PastColumns(
        unit=np.array([one.unit for one in rows], dtype=np.int32),
        at_s=np.array([one.at.timestamp() for one in rows], dtype=np.float64),
        channel=np.array([one.channel for one in rows], dtype=np.int32),
        result=np.array([one.result for one in rows], dtype=np.int32),
        purpose=np.full(count, PURPOSE_CODE, dtype=np.int32),
        inbound=np.zeros(count, dtype=np.bool_),
        same_debt=np.ones(count, dtype=np.bool_),
        same_address=np.ones(count, dtype=np.bool_),
        by_us=np.ones(count, dtype=np.bool_),
        address_kind=np.array([one.address_kind for one in rows], dtype=np.int32),
    )


class _PastRow(NamedTuple):
    """One earlier contact of the candidate in row `unit`."""

    unit: int
    at: datetime
    channel: int
    result: int
    address_kind: int


def open_channels(one: Candidate, channels: Sequence[Channel]) -> list[Channel]:
    """Return those of some channels with consent; a wish for one of them binds, a wish for another leaves them open.

    Whatever the model would rather: what the borrower asked for is no feature to weigh. A wish for texts binds while
    law lets them be sent: bound to a number that was not confirmed for long, the borrower would hear nothing at all.
    """
    consented = [channel for channel in channels if one.consented & 1 << channel]
    can_bind = one.consented if one.fresh & 1 << Channel.SMS else one.consented & ~(1 << Channel.SMS)
    wished = [channel for channel in consented if channel == one.asked_channel and can_bind & 1 << channel]
    return wished or consented
