"""Which hours of a window are lawful on which channel: the compliance engine asked once per kind of question.

The engine that decides at the moment of sending is asked here too, with the same facts except what is personal
(earlier contacts and suppressions, which the plan knows from its own books). Borrowers share few distinct answers
(zones, rules, channel, kind of address, kind of debt), so a plan asks some hundreds of questions, not millions.
"""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.campaigns import Campaign
from contact_scheduler.learning.slots import CHANNELS, HOURS_PER_WEEK, BoolArray, Horizon, LawfulSlots
from contact_scheduler.planning.candidates import HOUR, Candidate, Window
from forbear_domain import policy
from forbear_domain.model import Channel

HourArray = NDArray[np.int16]

LAST_MINUTE = timedelta(minutes=59)  # an hour is lawful when its first and last minute are
DAYLIGHT = (7, 22)  # hours outside of which no rule allows a contact: not asked
CONSENT_AGE = timedelta(days=30)
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
    """Answers for one campaign and window, remembered."""

    def __init__(self, calendar: Calendar, campaign: Campaign, actor: str) -> None:
        self._calendar = calendar
        self._campaign = campaign
        self._actor = policy.Actor(actor)
        self._packs = policy.load_packs()
        self._known: dict[tuple[object, ...], BoolArray] = {}

    def patterns(
        self, candidates: list[Candidate], places: dict[int, Place], free_from: list[int]
    ) -> tuple[LawfulSlots, BoolArray]:
        """Return the lawful cells of each candidate, and whether each has any."""
        found: dict[tuple[object, ...], int] = {}
        patterns: list[BoolArray] = []
        pattern_of = np.empty(len(candidates), dtype=np.int32)
        for row, one in enumerate(candidates):
            key = (
                places[one.place_id], one.product, one.consented, one.landline_voice, one.wished_channel,
                one.wished_hours, free_from[row],
            )  # fmt: skip
            if key not in found:
                found[key] = len(patterns)
                patterns.append(self._pattern(one, places[one.place_id], free_from[row]))
            pattern_of[row] = found[key]
        if not patterns:
            patterns.append(np.zeros((CHANNELS, self._calendar.window.hours), dtype=np.bool_))
        has_any = np.array([pattern.any() for pattern in patterns])
        return LawfulSlots(np.stack(patterns), pattern_of), has_any[pattern_of]

    def _pattern(self, one: Candidate, place: Place, free_from: int) -> BoolArray:
        pattern = np.zeros((CHANNELS, self._calendar.window.hours), dtype=np.bool_)
        if not place.is_known:
            return pattern
        for channel in _open_channels(one, self._campaign):
            kind = _address_kind(channel, one.landline_voice)
            pattern[channel - 1] = self._ask(channel, kind, one.product, place)
        pattern &= self._welcome(place, one.wished_hours)
        pattern[:, :free_from] = False
        if self._campaign.ends_at is not None:
            hours_left = int((self._campaign.ends_at - self._calendar.window.starts_at) / HOUR)
            pattern[:, max(0, hours_left) :] = False
        return pattern

    def _welcome(self, place: Place, wished: tuple[int, int] | None) -> BoolArray:
        """Return the hours that campaign and borrower agree to, in all zones."""
        welcome = np.ones(self._calendar.window.hours, dtype=np.bool_)
        for zone in place.zones:
            hour = self._calendar.local_hours(zone) % 24
            welcome &= (hour >= self._campaign.hour_start) & (hour < self._campaign.hour_end)
            if wished is not None:
                welcome &= (hour >= wished[0]) & (hour < wished[1])
        return welcome

    def _ask(self, channel: Channel, kind: policy.AddressKind, product: str, place: Place) -> BoolArray:
        """Ask the engine about each hour, once per zones, rules, channel, kind of address and of debt."""
        window = self._calendar.window
        rules = policy.rules_for(self._packs, place.regions, window.starts_at.date())
        key = (frozenset(place.zones), rules.packs, rules.known, channel, kind, product)
        if key not in self._known:
            facts = self._facts(channel, kind, product, place)
            lawful = np.zeros(window.hours, dtype=np.bool_)
            for hour in np.flatnonzero(self._daylight(place)):
                start = window.starts_at + int(hour) * HOUR
                lawful[hour] = all(policy.decide(facts, rules, at).allowed for at in (start, start + LAST_MINUTE))
            self._known[key] = lawful
        return self._known[key]

    def _daylight(self, place: Place) -> BoolArray:
        hours = [self._calendar.local_hours(zone) % 24 for zone in place.zones]
        result: BoolArray = np.all([(hour >= DAYLIGHT[0]) & (hour < DAYLIGHT[1]) for hour in hours], axis=0)
        return result

    def _facts(self, channel: Channel, kind: policy.AddressKind, product: str, place: Place) -> policy.Facts:
        agreed_at = self._calendar.window.tick_at - CONSENT_AGE
        is_call = channel is Channel.VOICE
        return policy.Facts(
            actor=self._actor,
            channel=CHANNEL_WORDS[channel],
            place=policy.Place(frozenset(place.zones), frozenset(place.regions)),
            debts=(policy.Debt("loan", DEBT_WORDS.get(product, "other")),),
            address=policy.Address("address", kind),
            consents=tuple(policy.Consent(word, agreed_at, fresh_at=agreed_at) for word in CONSENT_WORDS[channel]),
            message=policy.MessageMarks(artificial_voice=is_call, autodialled=is_call),
        )


def _open_channels(one: Candidate, campaign: Campaign) -> list[Channel]:
    """Return the channels with consent; a wish for one of them binds, a wish for another leaves them open."""
    consented = [channel for channel in campaign.channels if one.consented & 1 << channel]
    wished = [channel for channel in consented if channel == one.wished_channel]
    return wished or consented


def _address_kind(channel: Channel, landline_voice: bool) -> policy.AddressKind:
    if channel is Channel.EMAIL:
        return policy.AddressKind.EMAIL
    is_landline = channel is Channel.VOICE and landline_voice
    return policy.AddressKind.LANDLINE if is_landline else policy.AddressKind.MOBILE
