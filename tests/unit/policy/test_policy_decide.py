"""The kinds of verdict: allow, not before, flag, refuse; and which of several findings decides."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from forbear_domain.policy import (
    Actor,
    Channel,
    Consent,
    ConsentKind,
    Evidence,
    Facts,
    Outcome,
    Place,
    Purpose,
    RuleSet,
    SuppressionKind,
    decide,
    read_tenant_policy,
)
from tests.unit.policy.policy_facts import (
    CALL,
    DAY,
    HOUR,
    MA,
    MAIL,
    NOW,
    ORDINARY,
    PACKS,
    calls,
    messages,
    on_days,
    place,
    rules_of,
    suppressed,
)


def test_the_ordinary_reminder_is_allowed() -> None:
    """Shows that the baseline of these tests breaks no rule, the house's included."""
    for facts in (ORDINARY, CALL, MAIL):
        assert decide(facts, rules_of(facts), NOW).allowed


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        (replace(ORDINARY, place=Place(frozenset(), frozenset({"US"}))), "time zone"),
        (replace(ORDINARY, place=Place(frozenset({"America/New_York"}), frozenset())), "pack"),
        (replace(ORDINARY, place=place("America/New_York", "US", "ATLANTIS")), "pack"),
        (replace(ORDINARY, place=place("Mars/Olympus", "US")), "Mars/Olympus"),
    ],
)
def test_an_unknown_place_means_no_contact(facts: Facts, missing: str) -> None:
    """Shows that missing zones, missing law and unknown zones all fail closed, with the reason."""
    verdict = decide(facts, rules_of(facts), NOW)

    assert verdict.outcome is Outcome.REFUSE
    assert missing in verdict.why


def test_rules_chosen_for_another_place_are_refused() -> None:
    """Shows that facts of one place are never judged by another's rules."""
    verdict = decide(replace(ORDINARY, place=MA), rules_of(ORDINARY), NOW)

    assert verdict.outcome is Outcome.REFUSE


def test_the_strictest_rule_decides_and_all_others_are_told() -> None:
    """Shows refuse over flag over waiting."""
    facts = replace(
        ORDINARY,
        consents=(),
        suppressions=suppressed(SuppressionKind.ADDRESS_OPT_OUT),
        past=messages(Channel.SMS, HOUR, 2 * HOUR),
    )

    verdict = decide(facts, rules_of(facts), NOW)

    assert verdict.outcome is Outcome.REFUSE
    outcomes = [finding.outcome for finding in verdict.fired]
    assert outcomes == sorted(outcomes, reverse=True)
    assert {"REGF-6D5-TEXT", "HOUSE-TEXTS", "REGF-14H-MEDIUM"} <= {finding.rule for finding in verdict.fired}


def test_waiting_names_the_first_instant_at_which_every_rule_is_silent() -> None:
    """Shows that caps and clocks are joined: the cap frees at midnight, the clock opens after eight."""
    facts = replace(ORDINARY, past=messages(Channel.SMS, HOUR, 25 * HOUR))

    verdict = decide(facts, rules_of(facts), NOW)

    assert verdict.outcome is Outcome.NOT_BEFORE
    assert verdict.not_before == datetime(2026, 6, 16, 12, 0, 1, tzinfo=UTC)
    assert verdict.counted == (0, 1)


def test_waiting_across_the_autumn_change_of_clocks_goes_by_the_wall() -> None:
    """Shows that eight o'clock after the change is an hour later in UTC."""
    at = datetime(2026, 11, 1, 2, 0, tzinfo=UTC)  # 22:00 in New York on the eve of the change
    facts = replace(ORDINARY, consents=(Consent(ConsentKind.SMS, at - DAY),))

    verdict = decide(facts, rules_of(facts), at)

    assert verdict.not_before == datetime(2026, 11, 1, 13, 0, 1, tzinfo=UTC)


def test_a_state_without_an_end_refuses_and_one_with_an_end_waits() -> None:
    """Shows that time heals only what says when."""
    open_ended = replace(ORDINARY, suppressions=suppressed(SuppressionKind.HARDSHIP))
    ending = replace(ORDINARY, suppressions=suppressed(SuppressionKind.HARDSHIP, until=NOW + 2 * DAY))

    assert decide(open_ended, rules_of(open_ended), NOW).outcome is Outcome.REFUSE
    assert decide(ending, rules_of(ending), NOW).not_before == NOW + 2 * DAY


def test_a_wait_beyond_sixty_days_is_a_refusal() -> None:
    """Shows that the search for a lawful instant is bounded."""
    facts = replace(ORDINARY, suppressions=suppressed(SuppressionKind.HARDSHIP, until=NOW + 61 * DAY))

    assert decide(facts, rules_of(facts), NOW).outcome is Outcome.REFUSE


def test_a_duty_that_meets_a_cap_is_for_a_person() -> None:
    """Shows that the live contact Regulation X asks for never goes over the cap silently."""
    facts = replace(CALL, actor=Actor.COLLECTING_SERVICER, past=(*on_days(6), *calls(HOUR)))
    duty = replace(facts, purpose=Purpose.DUTY_LIVE_CONTACT)

    assert decide(facts, rules_of(facts, house=False), NOW).outcome is Outcome.NOT_BEFORE
    assert decide(duty, rules_of(duty, house=False), NOW).outcome is Outcome.FLAG


def test_a_naive_instant_is_an_error() -> None:
    """Shows that an instant without an offset is never guessed at."""
    with pytest.raises(ValueError, match="aware"):
        decide(ORDINARY, rules_of(ORDINARY), datetime(2026, 6, 10, 15))  # noqa: DTZ001


def test_place_from_evidence_is_the_union_of_everything() -> None:
    """Shows that no indication is dropped in favour of another."""
    home = Evidence("residential_address", frozenset({"America/New_York"}), frozenset({"US-MA"}))
    phone = Evidence("mobile_area_code", frozenset({"America/Denver"}), frozenset({"US-CO"}))

    union = Place(frozenset({"America/New_York", "America/Denver"}), frozenset({"US-MA", "US-CO"}))

    assert union == Place.from_evidence(home, phone)
    assert Place(frozenset(), frozenset()) == Place.from_evidence()


FLAG = '[[rule]]\nid = "OWN-FLAG"\nkind = "bar"\noutcome = "flag"\nsummary = "Ask."\nsource = "s"\ngrade = "policy"\n'
HOURS = (
    '[[rule]]\nid = "OWN-HOURS"\nkind = "clock_window"\nsummary = "h"\nsource = "s"\ngrade = "policy"\n'
    '[rule.parameters]\nopens = "18:00"\ncloses = "{closes}"\n'
)


def own(*rules: str) -> RuleSet:
    """Rules of one's own, without any law beside them."""
    policy = read_tenant_policy('jurisdiction = "OWN"\ntitle = "t"\nversion = "1"\n' + "".join(rules), 1, PACKS)
    return RuleSet(ORDINARY.place.jurisdictions, policy.rules, (policy.label,))


def test_a_person_decides_only_about_what_would_be_lawful_otherwise() -> None:
    """Shows that a flag does not hide that no lawful instant comes; its twin, whose hours come, is a flag."""
    never = decide(ORDINARY, own(FLAG, HOURS.format(closes="18:00")), NOW)
    evening = decide(ORDINARY, own(FLAG, HOURS.format(closes="20:00")), NOW)

    assert (Outcome.REFUSE, "OWN-HOURS", None) == (never.outcome, never.rule, never.not_before)
    assert (Outcome.FLAG, "OWN-FLAG", None) == (evening.outcome, evening.rule, evening.not_before)
    assert ["OWN-FLAG", "OWN-HOURS"] == [finding.rule for finding in evening.fired]


def test_a_flag_that_waits_behind_the_hours_is_told_at_once() -> None:
    """Shows a rule that comes into force tomorrow: waiting for the evening of then would end at a person."""
    tomorrow = f"effective_from = {(NOW + 1 * DAY).date()}\n"
    late = replace(ORDINARY, channel=Channel.SMS)
    rules = own(FLAG + tomorrow, HOURS.format(closes="20:00"))
    after_hours = NOW.replace(hour=1) + DAY  # 21:00 in New York: the next evening is under the new rule

    assert Outcome.NOT_BEFORE is decide(late, rules, NOW).outcome
    verdict = decide(late, rules, after_hours)
    assert (Outcome.FLAG, "OWN-FLAG", None) == (verdict.outcome, verdict.rule, verdict.not_before)
    assert "OWN-HOURS" in [finding.rule for finding in verdict.fired]
