"""Borrowers whose habits and reactions follow from the seed alone, never from the order of requests."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forbear_sandbox import reading, replies_text
from forbear_sandbox.borrower import Borrower
from forbear_sandbox.browser import Browser
from forbear_sandbox.callbacks import Callbacks
from forbear_sandbox.census import Census
from forbear_sandbox.habits import PATTERNS, best_chance, uniform_chance
from forbear_sandbox.lots import Lots
from forbear_sandbox.people import Gather
from forbear_sandbox.population import Outlets, Population, on_grid
from forbear_sandbox.portfolio import generate
from forbear_sandbox.telephone import Person
from forbear_sandbox.traffic import Agenda, WorldTime

AS_OF = date(2026, 3, 2)
STARTS_AT = datetime(2026, 3, 2, 5, tzinfo=UTC)
SENDER = "+18005550100"
REMINDER = "This is Harbor Home Loans. Your payment of $100.00 is past due. Reply STOP to opt out."
LANGUAGES = ("en", "es", "zh-Hans", "zh-Hant")


class Town:
    """A population whose reactions are written down instead of sent."""

    def __init__(self, count: int, seed: int = 1) -> None:
        self.time = WorldTime(STARTS_AT)
        self.agenda = Agenda()
        self.population = Population(self.time, self.agenda, Census(), seed)
        self.population.settle({k: str(v) for k, v in asdict(row).items()} for row in generate(count, 1, AS_OF))
        self.done: list[tuple[datetime, str, str]] = []
        self.population.connect(Outlets(self._text, self._mail, self._pay, Browser(Callbacks("token"))))

    async def _text(self, sender: str, to: str, body: str) -> None:
        self.done.append((self.time.now(), sender, body))

    async def _mail(self, message: EmailMessage, envelope_sender: str) -> None:
        self.done.append((self.time.now(), envelope_sender, str(message["Subject"])))

    async def _pay(self, borrower: Borrower, amount: int, at: datetime) -> None:
        self.done.append((at, borrower.ref, str(amount)))

    def run_until(self, instant: datetime) -> None:
        """Let the reactions up to an instant happen."""
        while (due := self.agenda.next_at) is not None and due <= instant:
            self.time.move_to(due)
            for entry in self.agenda.take_due(due):
                asyncio.run(entry.perform())
        self.time.move_to(instant)


@given(order=st.permutations(range(12)))
@settings(max_examples=8, deadline=None)
def test_reactions_do_not_depend_on_the_order_in_which_contacts_arrive(order: list[int]) -> None:
    """Twelve texts of one instant, sent in any order, bring the same replies and payments."""
    there, here = Town(12), Town(12)
    noon = STARTS_AT + timedelta(hours=13)
    for town, indices in ((there, range(12)), (here, order)):
        town.run_until(noon)
        people = list(town.population.by_ref.values())
        for index in indices:
            town.population.on_text(people[index].mobile, SENDER, REMINDER)
        town.run_until(noon + timedelta(days=20))

    assert sorted(there.done) == sorted(here.done)


def test_the_same_seed_gives_the_same_people_and_another_seed_others() -> None:
    """Habits follow from seed, reference and columns."""
    habits = [[b.habits for b in Town(60, seed).population.by_ref.values()] for seed in (1, 1, 2)]

    assert habits[0] == habits[1]
    assert habits[0] != habits[2]


def test_uniform_service_reaches_about_nine_per_cent_and_the_best_slot_a_third() -> None:
    """What there is to learn: the figures of the habits' documentation, over lawful hours and rested borrowers."""
    people = Town(1500).population.by_ref.values()

    assert 0.088 == pytest.approx(sum(uniform_chance(b.habits) for b in people) / len(people), abs=0.01)
    assert 0.335 == pytest.approx(sum(best_chance(b.habits) for b in people) / len(people), abs=0.03)


@pytest.mark.parametrize(
    ("employment", "channel", "good", "bad"),
    [("night_shift", "sms", 12, 19), ("retired", "voice", 10, 19), ("day_shift", "sms", 18, 10)],
)
def test_who_works_when_shows_in_when_they_answer(employment: str, channel: str, good: int, bad: int) -> None:
    """On a Tuesday, by the borrowers' own clocks."""
    people = [b for b in Town(800).population.by_ref.values() if b.habits.pattern == employment]

    def mean(hour: int) -> float:
        chances = [b.habits.chance(channel, datetime(2026, 3, 3, hour, 30, tzinfo=b.zone), 0.0) for b in people]
        return sum(chances) / len(chances)

    assert mean(good) > 3 * mean(bad)


def test_who_is_contacted_too_often_answers_less() -> None:
    """Each contact beyond two in recent days takes a quarter of the readiness."""
    borrower = next(iter(Town(1).population.by_ref.values()))
    at = STARTS_AT + timedelta(hours=12)
    chances = [borrower.habits.chance("sms", at, load) for load in (0.0, 2.0, 4.0, 8.0)]

    assert chances[0] == chances[1] > chances[2] > chances[3]


def test_who_said_stop_never_reacts_again() -> None:
    """Not to anything, for good; what was already under way may still come."""
    town = Town(1)
    borrower = next(iter(town.population.by_ref.values()))
    borrower.stopped_at = STARTS_AT
    town.run_until(STARTS_AT + timedelta(hours=10))
    quiet = len(town.agenda)
    for _ in range(200):
        town.run_until(town.time.now() + timedelta(minutes=15))
        town.population.on_text(borrower.mobile, SENDER, REMINDER)

    assert quiet >= len(town.agenda)
    assert [] == [line for line in town.done if line[1] == borrower.mobile]


def test_terms_that_were_heard_are_paid_on_their_day() -> None:
    """Whoever chose a way out pays the sum named in the confirmation, on the day named, once."""
    town = Town(1)
    borrower = next(iter(town.population.by_ref.values()))
    object.__setattr__(borrower.habits, "keeps_word", 1.0)
    borrower.listens_for_terms = True
    borrower.past_due = 50_000
    for _ in range(2):
        town.population.on_text(borrower.mobile, SENDER, "Done: your first payment of $150.00 is due on March 9.")
    town.run_until(STARTS_AT + timedelta(days=10))

    paid = [(at.astimezone(borrower.zone).date(), amount) for at, ref, amount in town.done if ref == borrower.ref]
    assert (date(2026, 3, 9), "15000") in paid
    assert 1 == paid.count((date(2026, 3, 9), "15000"))


def test_whoever_promised_twice_for_one_day_pays_the_larger_sum_once() -> None:
    """Both promises are kept at one hour, and a bank that hears of two payments in one minute reports one."""
    for sums in ((15_000, 40_000), (40_000, 15_000), (40_000, 40_000)):
        town = Town(1)
        borrower = next(iter(town.population.by_ref.values()))
        borrower.past_due = 50_000
        for amount in sums:
            town.population.plan_payment(borrower, date(2026, 3, 9), amount)
        town.run_until(STARTS_AT + timedelta(days=10))

        paid = [amount for at, ref, amount in town.done if ref == borrower.ref and at.date() == date(2026, 3, 9)]
        assert ["40000"] == paid


def test_a_person_on_the_phone_says_who_they_are_before_anything_else() -> None:
    """Identity first, then the menu; a wrong person says so."""
    town = Town(400)
    first: Counter[str] = Counter()
    town.run_until(STARTS_AT + timedelta(hours=13))
    for borrower in town.population.by_ref.values():
        object.__setattr__(borrower.habits, "readiness", {"sms": 99.0, "email": 99.0, "voice": 99.0})
        listener = town.population.pick_up(borrower.mobile, SENDER)
        if listener.outcome == "human":
            answer = listener.hear("Is this you? Press 1.", Gather(takes_digits=True, takes_speech=True))
            first[
                "wrong"
                if borrower.habits.is_wrong_person
                else answer.digits or ("hangs" if answer.hangs_up else "says")
            ] += 1

    assert first["1"] + first["says"] > 0.8 * sum(first.values())
    assert {"1", "says", "hangs", "wrong", "2"} >= set(first)


def test_a_person_on_the_phone_keys_what_they_want_once_they_hear_the_menu() -> None:
    """Of some hundred people about half promise, cannot pay, or ask for another time; who only listens keys nothing."""
    town = Town(600)
    answers = Counter[str]()
    for number, borrower in enumerate(town.population.by_ref.values()):
        person = Person(borrower, STARTS_AT + timedelta(hours=12, minutes=number), lambda _: None, lambda _: None)
        if person.hear("Is this you?", Gather(takes_digits=True, takes_speech=False)).digits == "1":
            answers[person.hear("The menu", Gather(takes_digits=True, takes_speech=True)).digits] += 1

    assert answers.total() > 400
    assert min(answers["1"], answers["2"]) > 80
    assert answers["3"] > 5


def test_every_meaning_can_be_said_in_every_language() -> None:
    """At least one way each, and most in several; every slot in a text is one that is filled in."""
    for meaning, texts in replies_text.TEXTS.items():
        assert set(LANGUAGES) == set(texts), meaning
        for ways in texts.values():
            assert ways
            assert all("{" not in way.format(day="d", amount="a", name="n") for way in ways)
    assert 200 < sum(len(ways) for texts in replies_text.TEXTS.values() for ways in texts.values())


@pytest.mark.parametrize(
    ("text", "days", "amounts"),
    [
        ("your first smaller payment of $1,234.56 is due on March 9.", [date(2026, 3, 9)], [123456]),
        ("su primer pago de $150 vence el 9 de marzo", [date(2026, 3, 9)], [15000]),
        ("首期$88.00,3月16日到期", [date(2026, 3, 16)], [8800]),
        ("on 2026-04-01 and by January 5", [date(2026, 4, 1), date(2027, 1, 5)], []),
        ("February 30 is no day", [], []),
    ],
)
def test_a_borrower_understands_sums_and_days(text: str, days: list[date], amounts: list[int]) -> None:
    """As our own messages write them, in four languages."""
    assert (days, amounts) == (reading.days(text, AS_OF), reading.amounts(text))


@pytest.mark.parametrize(
    ("text", "offers"),
    [
        ("Two ways: 1) later 2) in 3 parts of $21.12. Reply 1 or 2.", True),
        ("可选:1)延期2)分期请回复1或2。", True),
        ("Please pay $1,212.00 by 2/1. See https://a.example.com/p/1-2", False),
        ("Press 1 to pay", False),
    ],
)
def test_a_borrower_knows_when_there_is_a_choice(text: str, offers: bool) -> None:
    """Sums, dates and links are not options."""
    assert offers == reading.offers_two_ways(text)


@given(minutes=st.integers(0, 100_000))
def test_reactions_lie_on_the_grid_and_never_before_their_time(minutes: int) -> None:
    """Seven minutes past a quarter, less than fifteen minutes later."""
    at = STARTS_AT + timedelta(minutes=minutes)

    assert at <= on_grid(at) < at + timedelta(minutes=15)
    assert 7 == on_grid(at).minute % 15


def test_every_pattern_leaves_something_to_learn_in_every_channel() -> None:
    """Nobody can be reached by one channel alone, nobody at all hours alike."""
    assert all(set(channels) == {"sms", "email", "voice"} for channels in PATTERNS.values())


def test_lots_are_uniform_and_independent_of_what_was_drawn_before() -> None:
    """Ten thousand draws of one kind spread evenly; asking twice gives the same."""
    lots = Lots("test", 1)
    draws = [lots.uniform("draw", number) for number in range(10_000)]

    assert draws[77] == Lots("test", 1).uniform("draw", 77)
    assert 0.5 == pytest.approx(sum(draws) / len(draws), abs=0.01)
    assert all(900 < count < 1100 for count in Counter(int(10 * draw) for draw in draws).values())
