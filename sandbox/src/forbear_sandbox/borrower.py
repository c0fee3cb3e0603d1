"""One borrower: the hidden habits, what has happened so far, and what they make of the next contact.

Everything is decided by lots keyed with the borrower, the channel and the instant, and by what happened at earlier
instants only: two contacts of one instant never see each other, so their order does not matter.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from forbear_sandbox import reading, replies_text
from forbear_sandbox.habits import MEMORY_DAYS, PATIENCE, Habits, make_habits
from forbear_sandbox.lots import Lots
from forbear_sandbox.places import zone_of

FALLBACK_ZONE = "America/New_York"
TALKING = timedelta(hours=3)  # an answer that comes within this time of one's own words is read

# What an engaged borrower wants to say, by situation.
WISHES: Mapping[str, Mapping[str, float]] = {
    "able": {
        "promise": 0.44, "pay": 0.14, "thanks": 0.11, "how_to_pay": 0.08, "balance": 0.07, "paid": 0.05, "later": 0.06,
        "who": 0.05,
    },
    "strained": {
        "cannot_pay": 0.52, "promise": 0.22, "balance": 0.07, "later": 0.06, "thanks": 0.05, "who": 0.04,
        "lost_job": 0.04,
    },
    "unable": {"lost_job": 0.44, "cannot_pay": 0.42, "who": 0.05, "thanks": 0.05, "later": 0.02, "distress": 0.02},
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """What a borrower does about a contact: a meaning of `replies_text`, or "pay", and the words for it."""

    meaning: str
    text: str = ""
    pays_on: date | None = None
    pays: int = 0


@dataclass(slots=True)
class Borrower:
    """A row of the portfolio and the person behind it. Amounts are in cents."""

    ref: str
    loan_ref: str
    name: str
    language: str
    currency: str
    past_due: int
    instalment: int
    mobile: str
    landline: str
    email: str
    habits: Habits
    lots: Lots
    contacts: list[datetime] = field(default_factory=list)
    wrote_at: datetime | None = None
    stopped_at: datetime | None = None
    has_disputed: bool = False
    # Waits to hear when to pay how much: after keying a promise, or choosing a way out.
    listens_for_terms: bool = False
    promised_until: date | None = None
    payment_days: set[date] = field(default_factory=set)
    payments: list[tuple[datetime, int]] = field(default_factory=list)
    to_pay: dict[datetime, int] = field(default_factory=dict)  # whoever promised twice for one day pays once, the more

    @property
    def zone(self) -> ZoneInfo:
        """Where the borrower really lives."""
        return ZoneInfo(self.habits.zone)

    def load(self, now: datetime) -> float:
        """Return how many contacts came before this instant, each fading over days."""
        earlier = (now - at for at in reversed(self.contacts[-40:]) if at < now)
        return sum(math.exp(-age.total_seconds() / 86_400 / MEMORY_DAYS) for age in earlier)

    def is_talking(self, now: datetime) -> bool:
        """Return whether the borrower has just written or called, so that an answer is expected."""
        return self.wrote_at is not None and now - self.wrote_at <= TALKING

    def engages(self, channel: str, now: datetime, text: str) -> bool:
        """Count a contact and return whether the borrower does anything about it."""
        load = self.load(now)
        self.contacts.append(now)
        if self.stopped_at is not None and self.stopped_at < now:
            return False
        if self.is_talking(now) and channel != "voice":
            chance = 0.85 if reading.offers_two_ways(text) else 0.12
        else:
            chance = self.habits.chance(channel, now, load)
        return self.lots.happens(chance, "engages", channel, now)

    def wish(self, channel: str, now: datetime, text: str) -> Wish:
        """Return what an engaged borrower wants to say to a text."""
        meaning = self._meaning(channel, now, text)
        if meaning == "stop":
            self.stopped_at = now
        if meaning == "dispute":
            self.has_disputed = True
        if meaning in ("option_1", "option_2"):
            self.listens_for_terms = True
        if meaning == "promise":
            return self._promise(channel, now)
        if meaning == "pay" or (meaning == "paid" and self.lots.happens(0.8, "really", now)):
            paid_on = (now + timedelta(hours=self.lots.between(1, 20, "pays", now))).astimezone(self.zone).date()
            return Wish(meaning, self._words(meaning, now) if meaning == "paid" else "", paid_on, self.owes(now))
        return Wish(meaning, self._words(meaning, now))

    def choose(self, now: datetime) -> str:
        """Return the way out a borrower prefers: "1" to pay later at once, "2" to pay in parts."""
        later = {"able": 0.4, "strained": 0.3, "unable": 0.7}[self.habits.situation]
        return "1" if self.lots.happens(later, "option", now) else "2"

    def take_terms(self, text: str, now: datetime) -> tuple[date, int] | None:
        """Return the day and the sum that a text says are due, when the borrower waits for them and means to pay."""
        if not self.listens_for_terms:
            return None
        found, sums = reading.days(text, self.today(now)), reading.amounts(text)
        if not found or found[0] in self.payment_days:
            return None
        self.payment_days.add(found[0])
        if not self.lots.happens(self.habits.keeps_word, "keeps terms", found[0]):
            return None
        return found[0], min(sums[0] if sums else self.past_due, self.owes(now))

    def today(self, now: datetime) -> date:
        """Return the day where the borrower lives."""
        return now.astimezone(self.zone).date()

    def owes(self, now: datetime) -> int:
        """Return what is past due after the payments of earlier instants."""
        return max(0, self.past_due - sum(amount for at, amount in self.payments if at < now))

    def _meaning(self, channel: str, now: datetime, text: str) -> str:
        habits, lots = self.habits, self.lots.under("meaning", channel, now)
        temper = 1.0 + 0.6 * max(0.0, self.load(now) - PATIENCE)
        if habits.is_wrong_person:
            return "wrong_number"
        if lots.happens(habits.opts_out * temper, "stop"):
            return "stop"
        if reading.offers_two_ways(text):
            return "option_" + self.choose(now)
        if habits.disputes and not self.has_disputed:
            return "dispute"
        is_promised = self.promised_until is not None and self.promised_until >= self.today(now)
        if is_promised or self.listens_for_terms or self.owes(now) == 0:
            return "thanks"
        if self.language != "en" and lots.happens(0.01, "language"):
            return "language"
        return lots.weighted(WISHES[habits.situation], "wish")

    def _promise(self, channel: str, now: datetime) -> Wish:
        lots = self.lots.under("promise", now)
        today = self.today(now)
        day = today + timedelta(days=2 + int(lots.uniform("days") ** 1.5 * 12))
        owed = self.owes(now)
        part = self.instalment if 0 < self.instalment < owed and lots.happens(0.25, "part") else owed
        amount = replies_text.say_amount(part, self.language, lots, day)
        said_day = replies_text.say_day(day, today, self.language, lots)
        text = replies_text.write("promise", self.language, self.lots, now, amount=amount, day=said_day)
        self.promised_until = day
        pays = part if amount in text else owed
        keeps = lots.happens(self.habits.keeps_word, "keeps")
        if not keeps:
            # A broken promise may still be made good some days later.
            late = day + timedelta(days=3 + int(lots.uniform("late") * 9))
            return Wish("promise", text, late if lots.happens(0.35, "late at all") else None, pays)
        return Wish("promise", text, day, pays)

    def _words(self, meaning: str, now: datetime) -> str:
        return replies_text.write(meaning, self.language, self.lots, now, name=self.name)


def make_borrower(columns: Mapping[str, str], lots: Lots) -> Borrower:
    """Make the person behind a row of the portfolio; `lots` are those of the whole population.

    Raises ArithmeticError, ValueError or ZoneInfoNotFoundError for a row that makes no sense.
    """
    own = lots.under(columns["borrower_ref"])
    known = zone_of(columns.get("postal_code", ""), columns.get("mobile", ""))
    zone = ZoneInfo(known or columns.get("time_zone") or FALLBACK_ZONE).key  # one that is none is found here
    return Borrower(
        ref=columns["borrower_ref"],
        loan_ref=columns["loan_ref"],
        name=columns.get("given_name", ""),
        language=columns.get("language") or "en",
        currency=columns.get("currency") or "USD",
        past_due=_cents(columns.get("past_due", "")),
        instalment=_cents(columns.get("instalment", "")),
        mobile=columns.get("mobile", ""),
        landline=columns.get("landline", ""),
        email=columns.get("email", "").lower(),
        habits=make_habits(own, zone, columns),
        lots=own,
    )


def _cents(text: str) -> int:
    return int(Decimal(text or "0") * 100)
