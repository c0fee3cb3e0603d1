"""The vectorised twin and `decide` never differ: over every kind of limit, with every fact that a rule may look at."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forbear_domain.policy import (
    Actor,
    Address,
    AddressKind,
    Consent,
    ConsentKind,
    Delinquency,
    Facts,
    Inconvenience,
    MessageMarks,
    PastContact,
    Place,
    Purpose,
    Recipient,
    ReplyToken,
    Rule,
    RuleSet,
    Suppression,
    SuppressionKind,
    rules_for,
)
from forbear_domain.policy.checks import KINDS
from forbear_domain.policy.decide import decide
from forbear_domain.policy.facts import Channel
from forbear_domain.policy.mask import (
    CHANNELS,
    HOURS,
    PROBES_S,
    Group,
    PastColumns,
    group_tables,
    is_steady,
    mask,
    releases,
)
from forbear_domain.policy.verdict import Outcome
from tests.unit.policy.test_policy_mask import PACKS, questions

WINDOWS = [{"days": 1}, {"days": 3}, {"days": 7}, {"days": 30}, {"hours": 24}, {"hours": 50}, {"minutes": 90},
           {"calendar": "day"}, {"calendar": "week"}, {"calendar": "month"}]  # fmt: skip
COUNTS = ["attempts", "connected", "contacts_made", "conversations", "answered", "unanswered"]
LIFTS = [[], ["reply"], ["time_consent"], ["more_calls_consent", "reply"]]
CAPS = st.fixed_dictionaries(
    {
        "limit": st.integers(1, 3), "window": st.sampled_from(WINDOWS), "counts": st.sampled_from(COUNTS),
        "per": st.sampled_from(["debt", "person_and_debt", "address", "borrower"]), "lifted_by": st.sampled_from(LIFTS),
    },
    optional={
        "counted_address_kinds": st.sampled_from([["mobile"], ["work_phone", "other"]]),
        "counted_purposes": st.sampled_from([["reminder"], ["duty_live_contact", "reply"]]),
        "uncounted_purposes": st.sampled_from([["reply"]]),
        "other_senders": st.booleans(), "skips_agreed_calls": st.booleans(),
        "when": st.sampled_from([["autodialled"], ["promotional", "artificial_voice"]]),
        "rebutted_by": st.sampled_from([["duty_live_contact"]]),
    },
)  # fmt: skip
CLOCK_TIMES = st.sampled_from(["00:00", "08:00", "08:30", "12:00"]), st.sampled_from(["18:30", "21:00", "24:00"])
PARAMETERS: Mapping[str, st.SearchStrategy[dict[str, Any]]] = {
    "clock_window": st.fixed_dictionaries(
        {"opens": CLOCK_TIMES[0], "closes": CLOCK_TIMES[1], "lifted_by": st.sampled_from(LIFTS)},
        optional={
            "weekend_opens": st.just("10:00"), "weekend_closes": st.just("17:00"),
            "edges": st.sampled_from(["open", "half_open"]),
            "zone": st.sampled_from(["America/New_York", "Asia/Tokyo"]),
            "closed_on_holidays_of": st.sampled_from(["US", "AU"]),
        },
    ),
    "stated_inconvenience": st.fixed_dictionaries({"about": st.sampled_from(["time", "place"])}),
    "rest_days": st.fixed_dictionaries(
        {"days": st.lists(st.dates(date(2026, 3, 1), date(2026, 12, 31)), min_size=1, max_size=40)},
        optional={
            "every_year": st.sampled_from([["03-08"], ["09-02", "09-03"]]),
            "regions": st.sampled_from([["US"], ["US-NY", "CN"]]), "lifted_by": st.sampled_from(LIFTS),
        },
    ),
    "cap": CAPS,
    "cooling_off": st.fixed_dictionaries({"days": st.integers(1, 9), "lifted_by": st.sampled_from(LIFTS)}),
    "state": st.fixed_dictionaries(
        {"states": st.lists(st.sampled_from([kind.value for kind in SuppressionKind]), min_size=1, max_size=4)}
    ),
    "basis": st.fixed_dictionaries(
        {"consents": st.sampled_from([["sms"], ["email", "voice"]]), "routes": st.just(["direct", "consumer_used"])},
        optional={"fresh_days": st.sampled_from([52, 60])},
    ),
    "message": st.fixed_dictionaries(
        {}, optional={"requires": st.just(["opt_out_line"]), "forbids": st.just(["artificial_voice"])}
    ),
    "bar": st.just({}),
    "care": st.fixed_dictionaries({"within_minutes": st.sampled_from([90, 180]), "once_in": st.sampled_from(WINDOWS)}),
    "third_party": st.just({}),
    "prior_notice": st.fixed_dictionaries({"notice": st.sampled_from(["agency", "US-DC-3814"])}),
}  # fmt: skip


@st.composite
def rules(draw: st.DrawFn, kind: str) -> Rule:
    """A rule of one kind, of any outcome."""
    return Rule(
        id=f"ANY-{kind.upper()}", kind=kind, outcome=draw(st.sampled_from(list(Outcome)[1:])), summary="Any.",
        source="a test", grade="policy", pack="ANY@1", parameters=draw(PARAMETERS[kind]),
        effective_from=draw(st.sampled_from([date.min, date(2026, 3, 8), date(2026, 9, 2)])) if kind not in COUNTED
        else date.min,
    )  # fmt: skip


COUNTED = {"cap", "cooling_off"}  # in the week in which one begins the mask is stricter, as its docstring says


@st.composite
def full_questions(draw: st.DrawFn) -> tuple[datetime, Facts]:
    """A question with every fact that a rule may look at, each in half of the cases as by default."""
    start, facts = draw(questions())

    def maybe(strategy: st.SearchStrategy[Any], default: Any) -> Any:
        return draw(st.just(default) | strategy)

    day = start.date()
    return start, replace(
        facts,
        purpose=maybe(st.sampled_from([Purpose.DUTY_LIVE_CONTACT, Purpose.REPLY, Purpose.SOLICITATION]), facts.purpose),
        recipient=maybe(st.sampled_from([Recipient.CONTACT_PERSON, Recipient.HOUSEHOLD]), facts.recipient),
        address=maybe(st.builds(Address, st.just("a"), st.sampled_from(list(AddressKind))), facts.address),
        consents=(
            *facts.consents,
            *maybe(st.just((Consent(ConsentKind.ADDITIONAL_CALLS, start - timedelta(days=3)),)), ()),
            *maybe(st.just((Consent(ConsentKind.THIS_TIME, start, until=start + timedelta(days=2, minutes=7)),)), ()),
        ),
        suppressions=maybe(
            st.builds(
                lambda kind, days: (Suppression(kind, start - timedelta(days=1), start + timedelta(days=days)),),
                st.sampled_from(list(SuppressionKind)), st.integers(1, 5),
            ),
            (),
        ),
        inconvenient=maybe(
            st.sampled_from([(Inconvenience(frozenset({2}),),), (Inconvenience(place="work"),)]), ()
        ),
        replies_due=maybe(st.just((ReplyToken(Channel.SMS, start + timedelta(hours=30)),)), ()),
        message=maybe(
            st.builds(MessageMarks, opt_out_line=st.booleans(), artificial_voice=st.booleans(),
                      autodialled=st.booleans(), promotional=st.booleans()),
            facts.message,
        ),
        delinquencies=maybe(st.just((Delinquency("D1", day - timedelta(days=30)),)), ()),
        holidays=maybe(st.just(frozenset({day + timedelta(days=2)})), frozenset()),
        known_at=maybe(st.sampled_from(["home", "work"]), None),
        told_of_agency=maybe(st.just(False), True),
        reachable=maybe(st.just(False), True),
        notices=maybe(st.just(frozenset({"US-DC-3814"})), frozenset()),
    )  # fmt: skip


def with_rules(chosen: RuleSet, added: list[Rule]) -> RuleSet:
    """The rules of a place and some of our own."""
    return RuleSet(chosen.jurisdictions, (*chosen.rules, *added), (*chosen.packs, "ANY@1"), chosen.known)


def slow_mask(facts: Facts, chosen: RuleSet, start: datetime) -> np.ndarray:
    """The mask by asking `decide` about every probe."""
    return np.array(
        [
            [
                all(
                    decide(
                        replace(facts, channel=channel), chosen, start + timedelta(hours=hour, seconds=second)
                    ).allowed
                    for second in PROBES_S
                )
                for hour in range(HOURS)
            ]
            for channel in CHANNELS
        ]
    )


def fast_mask(facts: Facts, chosen: RuleSet, start: datetime) -> np.ndarray:
    """The mask as the planner asks for it: the past in columns, unless something of the borrower's own changes."""
    is_alone = not is_steady(replace(facts, past=()))
    first, second, third = (replace(facts if is_alone else replace(facts, past=()), channel=one) for one in CHANNELS)
    groups, index = [Group((first, second, third), chosen)], np.zeros(1, np.int32)
    opens = np.full((1, 3), -np.inf) if is_alone else releases(groups, index, PastColumns.from_facts([facts]), start)
    lawful: np.ndarray = mask(group_tables(groups, start), index, opens, start)[0]
    return lawful


def test_every_kind_of_limit_is_covered_here() -> None:
    """A new kind must be added to this test before it can be used."""
    assert set(KINDS) == set(PARAMETERS)


@pytest.mark.parametrize("kind", sorted(PARAMETERS))
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_the_mask_is_what_decide_says_under_any_rule_of_each_kind(kind: str, data: st.DataObject) -> None:
    """Shows it with one generated rule on top of those of the place, alone and with a second of any other kind."""
    start, facts = data.draw(full_questions())
    added = [data.draw(rules(kind)), data.draw(rules(data.draw(st.sampled_from(sorted(PARAMETERS)))))]
    chosen = with_rules(rules_for(PACKS, facts.place.jurisdictions, start.date()), added)

    assert slow_mask(facts, chosen, start).tolist() == fast_mask(facts, chosen, start).tolist()


def test_a_touch_at_an_unknown_address_counts_for_every_kind() -> None:
    """Shows that what is not known counts against the contact: the columns' -1 is of every kind of address."""
    start = datetime.fromisoformat("2026-03-06T15:00:00+00:00")
    facts = Facts(
        actor=Actor.CREDITOR, channel=Channel.VOICE, place=Place(frozenset({"America/New_York"}), frozenset({"US-MA"})),
        debts=(),
        address=Address("a", AddressKind.WORK_PHONE),
        past=tuple(PastContact(start - timedelta(days=day), Channel.VOICE) for day in (9, 18)),
    )  # fmt: skip
    chosen = rules_for(PACKS, facts.place.jurisdictions, start.date())
    first, second, third = (replace(facts, past=(), channel=one) for one in CHANNELS)
    groups, index = [Group((first, second, third), chosen)], np.zeros(1, np.int32)
    known = PastColumns.from_facts([facts])
    opens = [
        releases(groups, index, replace(known, address_kind=np.full(2, kind, np.int32)), start)[0, 2]
        for kind in (list(AddressKind).index(AddressKind.WORK_PHONE), -1, list(AddressKind).index(AddressKind.MOBILE))
    ]

    assert opens[0] == opens[1] > start.timestamp()
    assert opens[2] < start.timestamp()
