"""The door for a message of care: it opens to whoever writes of despair, whatever bars contact, and to nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forbear_domain.policy import (
    Address,
    Channel,
    Facts,
    MessageMarks,
    Outcome,
    PackError,
    PastContact,
    Purpose,
    Recipient,
    ReplyToken,
    Suppression,
    SuppressionKind,
    closes_at,
    decide,
    read_tenant_policy,
    with_tenant_policy,
)
from forbear_domain.policy.pack_format import parse_pack
from tests.unit.policy.policy_facts import DAY, HOUR, NOW, ORDINARY, PACKS, rules_of
from tests.unit.policy.test_policy_properties import TENANT, law_of, situations

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
CARE = MessageMarks(cares_only=True)
HEARD = NOW - SECOND
SILENCE = [
    SuppressionKind.ADDRESS_OPT_OUT, SuppressionKind.MEDIUM_STOP, SuppressionKind.CEASE, SuppressionKind.WRONG_PARTY,
]  # fmt: skip
ANSWER = replace(
    ORDINARY, purpose=Purpose.CARE, message=CARE, consents=(), despair_heard=(ReplyToken(Channel.SMS, HEARD, "a"),)
)


def as_care(facts: Facts, channel: Channel) -> Facts:
    """Any situation in which somebody wrote of despair a second ago, and to which nobody has answered."""
    return replace(
        facts, purpose=Purpose.CARE, channel=channel, message=CARE, told_of_agency=False, recipient=Recipient.CONSUMER,
        past=tuple(one for one in facts.past if one.purpose is not Purpose.CARE),
        despair_heard=(ReplyToken(channel, HEARD, "a"),),
    )  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(situations, st.sampled_from([Channel.SMS, Channel.EMAIL]), st.integers(0, 24 * 60))
def test_whatever_bars_contact_a_crisis_line_reaches_whoever_just_wrote_of_despair(
    facts: Facts, channel: Channel, minutes: int
) -> None:
    """Any role, place, hour, state and history, under every pack and a tenant's own rules."""
    asked, at = as_care(facts, channel), NOW + timedelta(minutes=minutes)
    asked = replace(asked, despair_heard=(ReplyToken(channel, at - SECOND, "a"),))
    law = law_of(asked)
    verdict = decide(asked, replace(law, rules=(*law.rules, *TENANT)), at)

    assert verdict.allowed, verdict.why


@pytest.mark.parametrize("name", sorted(PACKS))
def test_no_pack_holds_a_crisis_line_back_in_any_state(name: str) -> None:
    """Every jurisdiction by itself, beside every state there is, at night."""
    zone = "America/New_York" if name.startswith("US") else "UTC"
    place = replace(ORDINARY.place, zones=frozenset({zone}), jurisdictions=frozenset({name}))
    states = tuple(Suppression(kind, NOW - DAY) for kind in SuppressionKind)
    asked = replace(ANSWER, place=place, suppressions=states, told_of_agency=False)
    for hours in range(24):
        at = NOW + hours * HOUR
        heard = replace(asked, despair_heard=(ReplyToken(Channel.SMS, at, "a"),))
        assert decide(heard, rules_of(heard), at).allowed


BROKEN: dict[str, Callable[[Facts], Facts]] = {
    "another text": lambda facts: replace(facts, message=MessageMarks()),
    "nobody wrote of despair": lambda facts: replace(facts, despair_heard=()),
    "an ordinary reply": lambda facts: replace(
        facts, despair_heard=(), replies_due=(ReplyToken(facts.channel, HEARD, "a"),)
    ),
    "another channel": lambda facts: replace(
        facts, channel=Channel.EMAIL if facts.channel is Channel.SMS else Channel.SMS
    ),
    "a call": lambda facts: replace(facts, channel=Channel.VOICE),
    "another address": lambda facts: replace(facts, address=Address("b", facts.address.kind)),
    "no address": lambda facts: replace(
        facts, address=Address("", facts.address.kind), despair_heard=(ReplyToken(facts.channel, HEARD),)
    ),
    "somebody else": lambda facts: replace(facts, recipient=Recipient.HOUSEHOLD),
    "hours later": lambda facts: replace(
        facts, despair_heard=(ReplyToken(facts.channel, NOW - 3 * HOUR, "a"),)
    ),
    "before it was written": lambda facts: replace(
        facts, despair_heard=(ReplyToken(facts.channel, NOW + SECOND, "a"),)
    ),
    "a second one within a day": lambda facts: replace(
        facts, past=(*facts.past, PastContact(NOW - DAY + SECOND, Channel.EMAIL, purpose=Purpose.CARE))
    ),
    **{
        f"{kind} since": lambda facts, kind=kind: replace(  # type: ignore[misc]
            facts, suppressions=(*facts.suppressions, Suppression(kind, NOW))
        )
        for kind in SILENCE
    },
}  # fmt: skip


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
@settings(max_examples=40, deadline=None)
@given(facts=situations, channel=st.sampled_from([Channel.SMS, Channel.EMAIL]))
def test_nothing_else_gets_through_the_door(broken: Callable[[Facts], Facts], facts: Facts, channel: Channel) -> None:
    """Each condition of the door by itself, in any situation: the house refuses, and waiting does not help."""
    asked = broken(as_care(facts, channel))
    verdict = decide(asked, law_of(asked), NOW)

    assert verdict.outcome is Outcome.REFUSE
    assert "HOUSE-CARE" in {one.rule for one in verdict.fired}


@settings(max_examples=150, deadline=None)
@given(situations)
def test_words_of_despair_open_the_door_for_no_other_purpose(facts: Facts) -> None:
    """A reminder, a reply or a notice is judged as if nothing of despair had been written."""
    if facts.purpose is Purpose.CARE:
        return
    heard = replace(
        facts, despair_heard=(ReplyToken(facts.channel, HEARD, "a"),), message=replace(facts.message, cares_only=True)
    )

    assert decide(facts, law_of(facts), NOW) == decide(heard, law_of(heard), NOW)


@pytest.mark.parametrize("kind", SILENCE)
def test_a_stop_in_the_very_message_of_despair_or_before_it_does_not_hold_it_back(kind: SuppressionKind) -> None:
    """ "Stop. I want to die" is answered once; "I want to die", and then "stop", is left to a person."""
    with_it, before, after = (
        replace(ANSWER, suppressions=(Suppression(kind, at, address="a"),)) for at in (HEARD, NOW - DAY, NOW)
    )

    assert decide(with_it, rules_of(with_it), NOW).allowed
    assert decide(before, rules_of(before), NOW).allowed
    assert "HOUSE-CARE" == decide(after, rules_of(after), NOW).rule


def test_the_next_day_somebody_who_writes_of_despair_again_is_answered_again() -> None:
    """The period is a day from the message before."""
    again = replace(ANSWER, past=(PastContact(NOW - DAY, Channel.SMS, purpose=Purpose.CARE),))

    assert decide(again, rules_of(again), NOW).allowed


def test_a_crisis_line_does_not_wait_at_a_provider_for_the_end_of_the_hours() -> None:
    """No window of the clock speaks of it, so its life at the provider is not cut short before nine."""
    assert closes_at(ANSWER, rules_of(ANSWER), NOW) == NOW + 2 * DAY


def test_a_crisis_line_takes_no_place_of_the_day_or_week() -> None:
    """What is agreed later that day is not held back by it."""
    past = tuple(PastContact(NOW - number * HOUR, Channel.SMS, purpose=Purpose.CARE) for number in range(1, 4))
    facts = replace(ORDINARY, past=past)

    assert decide(facts, rules_of(facts), NOW).allowed


OWN = """
jurisdiction = "HARBOR"
title = "ours"
version = "1"
{care}
[[rule]]
id = "HARBOR-NEVER"
kind = "bar"
outcome = "refuse"
summary = "Nobody."
source = "board minutes"
grade = "policy"
{scope}
"""


@pytest.mark.parametrize(("scope", "is_allowed"), [("", True), ('[rule.scope]\npurposes = ["care"]', False)])
def test_a_tenant_s_rule_speaks_of_care_only_where_it_names_it(scope: str, is_allowed: bool) -> None:
    """A quiet hour of a lender's own must not cost a life by oversight; a decision by name is the lender's."""
    own = read_tenant_policy(OWN.format(care="", scope=scope), 1, PACKS)

    assert is_allowed is decide(ANSWER, with_tenant_policy(rules_of(ANSWER), own), NOW).allowed


@pytest.mark.parametrize(
    ("care", "exempts"), [("", False), ('[care]\nsource = "Art. 1"\ngrade = "primary"', True)]
)  # fmt: skip
def test_a_pack_that_does_not_say_why_binds_a_message_of_care(care: str, exempts: bool) -> None:
    """A new jurisdiction is closed until somebody has looked."""
    pack = parse_pack(OWN.format(care=care, scope=""), "own.toml")

    assert exempts is (Purpose.CARE in pack.rules[0].scope.except_purposes)


@pytest.mark.parametrize(
    ("care", "what"),
    [
        ("care = 1", "care must be a table"),
        ('[care]\nsource = "Art. 1"', "care: grade is missing"),
        ('[care]\ngrade = "primary"', "care: source is missing"),
        ('[care]\nsource = "Art. 1"\ngrade = "sure"', "care: grade 'sure' is none of"),
        ('[care]\nsource = "Art. 1"\ngrade = "primary"\nhours = 3', "care: unknown field hours"),
    ],
)
def test_a_reason_that_cannot_be_understood_stops_the_pack(care: str, what: str) -> None:
    """No exemption without a source and its grade."""
    with pytest.raises(PackError, match=what):
        parse_pack(OWN.format(care=care, scope=""), "own.toml")


def test_every_pack_that_ships_says_why_its_rules_leave_a_message_of_care_alone() -> None:
    """Source and grade stand in the file; outside the federal law of the United States nobody has confirmed it."""
    assert [] == [pack.name for pack in PACKS.all if pack.care is None or not pack.care.source]
