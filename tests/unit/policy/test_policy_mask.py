"""The vectorised twin says what `decide` says, in every hour of the week."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from forbear_domain.policy import (
    Actor,
    Address,
    AddressKind,
    CallResult,
    Channel,
    Consent,
    ConsentKind,
    Debt,
    Direction,
    Facts,
    Inconvenience,
    PastContact,
    Place,
    Purpose,
    Suppression,
    SuppressionKind,
    decide,
    load_packs,
    rules_for,
)
from forbear_domain.policy.mask import CHANNELS, HOURS, PROBES_S, Group, PastColumns, group_tables, mask, releases

PACKS = load_packs()
PLACES = [
    ({"America/New_York"}, {"US-MA"}),
    ({"America/New_York", "America/Los_Angeles"}, {"US-WA", "US-NYC"}),
    ({"America/New_York"}, {"US-DC", "US-FL"}),
    ({"Asia/Shanghai"}, {"CN"}),
    ({"Asia/Kolkata", "Asia/Kathmandu"}, {"IN"}),
    ({"Australia/Sydney", "Australia/Lord_Howe"}, {"AU"}),
    ({"Europe/London"}, {"UK"}),
    ({"Asia/Seoul"}, {"KR"}),
    ({"America/Phoenix"}, {"US-WV", "US-CA"}),
    ({"America/Chicago"}, {"XX"}),
    (set(), {"US"}),
]
WEEK_OF_NYC_CAP = datetime(2026, 8, 30, 17, tzinfo=UTC)  # it comes into force on 1 September
STARTS = [
    datetime(2026, 3, 6, 5, tzinfo=UTC),
    datetime(2026, 10, 30, 0, tzinfo=UTC),
    WEEK_OF_NYC_CAP,
]


def pasts(start: datetime) -> st.SearchStrategy[tuple[PastContact, ...]]:
    """Histories of the last five weeks."""
    one = st.builds(
        PastContact,
        at=st.integers(1, 35 * 24 * 60).map(lambda minutes: start - timedelta(minutes=minutes)),
        channel=st.sampled_from([Channel.SMS, Channel.EMAIL, Channel.VOICE, Channel.MAIL]),
        direction=st.sampled_from([Direction.OUT, Direction.OUT, Direction.OUT, Direction.IN]),
        result=st.sampled_from(list(CallResult)),
        debts=st.sampled_from([(), ("D1",), ("D2",), ("D1", "D2")]),
        address=st.sampled_from(["", "a", "b"]),
        purpose=st.sampled_from([Purpose.REMINDER, Purpose.REMINDER, Purpose.REPLY, Purpose.LEGAL_NOTICE]),
        address_kind=st.sampled_from([AddressKind.MOBILE, AddressKind.OTHER, AddressKind.WORK_PHONE]),
        by_us=st.booleans(),
    )
    return st.lists(one, max_size=14).map(tuple)


@st.composite
def questions(draw: st.DrawFn) -> tuple[datetime, Facts]:
    """A borrower, and the instant from which a week is planned."""
    start = draw(st.sampled_from(STARTS))
    zones, jurisdictions = draw(st.sampled_from(PLACES))
    consent_age = timedelta(days=draw(st.integers(50, 70)))
    facts = Facts(
        actor=draw(st.sampled_from(list(Actor))),
        channel=Channel.SMS,
        place=Place(frozenset(zones), frozenset(jurisdictions)),
        debts=(Debt("D1", draw(st.sampled_from(["mortgage", "credit_card"]))),),
        address=Address("a", draw(st.sampled_from([AddressKind.MOBILE, AddressKind.OTHER, AddressKind.WORK_PHONE]))),
        past=draw(pasts(start)),
        consents=draw(
            st.sampled_from(
                [
                    (Consent(ConsentKind.SMS, start - consent_age), Consent(ConsentKind.EMAIL, start - consent_age)),
                    (Consent(ConsentKind.EMAIL, start + timedelta(days=2)),),
                    (),
                ]
            )
        ),
    )
    return start, facts


def slow_mask(facts: Facts, start: datetime) -> np.ndarray:
    """The mask of one borrower by asking `decide` about every probe."""
    rules = rules_for(PACKS, facts.place.jurisdictions, start.date())
    lawful = np.zeros((3, HOURS), np.bool_)
    for column, channel in enumerate(CHANNELS):
        own = replace(facts, channel=channel)
        for hour in range(HOURS):
            instants = (start + timedelta(hours=hour, seconds=second) for second in PROBES_S)
            lawful[column, hour] = all(decide(own, rules, at).allowed for at in instants)
    return lawful


def group_of(facts: Facts, start: datetime) -> Group:
    """The group of one borrower with the facts as they are."""
    first, second, third = (replace(facts, channel=channel) for channel in CHANNELS)
    return Group((first, second, third), rules_for(PACKS, facts.place.jurisdictions, start.date()))


@settings(max_examples=25, deadline=None)
@given(questions())
def test_mask_with_the_past_in_columns_is_what_decide_says(question: tuple[datetime, Facts]) -> None:
    """Shows that the counts by columns free exactly the hours that `decide` frees.

    But for the week in which a count comes into force: then no hour that `decide` closes, as the last test has it.
    """
    start, facts = question
    groups = [group_of(replace(facts, past=()), start)]
    index = np.zeros(1, np.int32)

    opens = releases(groups, index, PastColumns.from_facts([facts]), start)
    lawful = mask(group_tables(groups, start), index, opens, start)
    decided = slow_mask(facts, start)

    assert not (lawful[0] & ~decided).any()
    if not (start == WEEK_OF_NYC_CAP and "US-NYC" in facts.place.jurisdictions):
        assert decided.tolist() == lawful[0].tolist()


@settings(max_examples=8, deadline=None)
@given(questions(), st.integers(0, 6), st.sampled_from(list(SuppressionKind)), st.integers(-3, 6))
def test_mask_of_a_borrower_with_own_times_is_what_decide_says(
    question: tuple[datetime, Facts], weekday: int, kind: SuppressionKind, until_day: int
) -> None:
    """Shows that stated times and pauses that change within the week are judged hour by hour."""
    start, facts = question
    facts = replace(
        facts,
        inconvenient=(Inconvenience(weekdays=frozenset({weekday})),),
        suppressions=(Suppression(kind, start - timedelta(days=5), start + timedelta(days=until_day, minutes=17)),),
    )
    groups = [group_of(facts, start)]

    lawful = mask(group_tables(groups, start), np.zeros(1, np.int32), np.full((1, 3), -np.inf), start)

    assert slow_mask(facts, start).tolist() == lawful[0].tolist()


def test_many_borrowers_of_many_groups_keep_their_own_rows() -> None:
    """Shows that grouping mixes nobody's hours up with another's."""
    start = STARTS[0]
    everyone = []
    for number in range(40):
        zones, jurisdictions = PLACES[number % len(PLACES)]
        past = tuple(
            PastContact(start - timedelta(hours=11 * step + number), Channel.SMS, debts=("D1",))
            for step in range(number % 7)
        )
        place = Place(frozenset(zones), frozenset(jurisdictions))
        everyone.append(Facts(Actor.CREDITOR, Channel.SMS, place, (Debt("D1"),), address=Address("a"), past=past))
    groups = [group_of(replace(facts, past=()), start) for facts in everyone[: len(PLACES)]]
    index = np.arange(40, dtype=np.int32) % len(PLACES)

    opens = releases(groups, index, PastColumns.from_facts(everyone), start)
    lawful = mask(group_tables(groups, start), index, opens, start)

    for number in (0, 3, 13, 17, 25, 39):
        assert slow_mask(everyone[number], start).tolist() == lawful[number].tolist()


def test_in_the_week_a_counting_rule_starts_the_mask_is_never_looser() -> None:
    """Shows that the New York City cap of 1 September counts for the whole week in which it starts."""
    start = WEEK_OF_NYC_CAP
    past = tuple(PastContact(start - timedelta(hours=30 + step), Channel.VOICE, debts=("D1",)) for step in range(3))
    place = Place(frozenset({"America/New_York"}), frozenset({"US-NYC"}))
    facts = Facts(Actor.CREDITOR, Channel.SMS, place, (Debt("D1"),), address=Address("a"), past=past)
    groups = [group_of(replace(facts, past=()), start)]
    index = np.zeros(1, np.int32)

    opens = releases(groups, index, PastColumns.from_facts([facts]), start)
    lawful = mask(group_tables(groups, start), index, opens, start)

    assert not (lawful[0] & ~slow_mask(facts, start)).any()
