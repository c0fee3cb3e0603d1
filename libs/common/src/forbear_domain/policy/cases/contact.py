"""Answers about a proposed contact: the engine's verdict, told in the words of the case form."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from forbear_domain.policy.calendar import local_date
from forbear_domain.policy.cases.reading import Reader
from forbear_domain.policy.cases.states import stops_collection
from forbear_domain.policy.checks import Situation, check_of
from forbear_domain.policy.checks.check import EXTRA_CALLS_DAYS
from forbear_domain.policy.checks.counts import COUNTERS, Cap
from forbear_domain.policy.decide import decide, in_scope, scope_key, zones_of
from forbear_domain.policy.facts import CallResult, Channel, ConsentKind, Direction, Facts, Purpose, Recipient, Route
from forbear_domain.policy.packs import Packs, rules_for
from forbear_domain.policy.rules import RuleSet
from forbear_domain.policy.verdict import Outcome, Verdict

Answer = dict[str, Any]
Table = Mapping[str, Any]

CALL_LIMITS = ("REGF-14B-7IN7", "REGF-14B-CONV7")
_WHEN = ("REGF-6B1-TIME", "REGF-6B1-DESIG", "REGF-6B1-PLACE")
# Which rules are consulted for a question about a rule: itself where it judges, and those it is an exception to.
_CONSULTED: dict[str, tuple[str, ...]] = {
    "REGF-6B1-TIME": _WHEN,
    "REGF-6B1-DESIG": _WHEN,
    "REGF-6B1-PLACE": _WHEN,
    "REGF-6B4-CONSENT": _WHEN,
    "REGF-6B1-REPLY1": (*_WHEN, "REGF-14H-MEDIUM", "REGF-6B2-ATTY"),
    "REGF-2B": (*_WHEN, "REGF-6C-CEASE", "REGF-14H-MEDIUM"),
    "REGF-14B-7IN7": CALL_LIMITS,
    "REGF-14B-CONV7": CALL_LIMITS,
    "REGF-14B-EXCL": CALL_LIMITS,
    "REGF-14B-DEBT": CALL_LIMITS,
    "REGF-14A-CUMUL": (*CALL_LIMITS, "REGF-14A-CUMUL"),
    "REGF-10-LOC": ("REGF-10-LOC", "REGF-22F-MEDIA", "REGF-6B2-ATTY"),
    "REGF-42-SEND": ("REGF-42-SEND", "REGF-14H-MEDIUM"),
    "TCPA-A12-CONFIRM": ("TCPA-A12-CONFIRM", "TCPA-A10-REVOKE"),
    "CN-SMS-WINDOW": ("CN-SMS-WINDOW", "CN-QUIET"),
    "US-MA-2IN7": ("US-MA-2IN7", "US-MA-HOUSEHOLD", "US-MA-WORK"),
    "REGX-39A-LIVE": ("REGX-39C-BK", "REGX-39D-CEASE"),
}
_DECISIONS = {Outcome.ALLOW: "allow", Outcome.NOT_BEFORE: "deny", Outcome.FLAG: "flag", Outcome.REFUSE: "deny"}


def consulted(reader: Reader, packs: Packs) -> RuleSet:
    """The rules a case asks about. Federal hours stand over every state rule; house policy is not law and stays out."""
    rules = rules_for(packs, [reader.jurisdiction], date.min, house=False)
    wanted = {*_CONSULTED.get(reader.rule, (reader.rule,))}
    if reader.jurisdiction.startswith("US-") and reader.jurisdiction != "US-FED":
        wanted.add("REGF-6B1-TIME")
    return replace(rules, rules=tuple(rule for rule in rules.rules if rule.id in wanted and rule.law))


def answer_contact(reader: Reader, packs: Packs) -> tuple[Answer, Verdict | None]:
    """The decision about what is proposed, with counts, windows and the other words its rule uses."""
    at = reader.at
    if at is None:
        return {}, None
    facts = reader.facts()
    rules = consulted(reader, packs)
    verdict = decide(facts, rules, at)
    answer: Answer = {"decision": _DECISIONS[verdict.outcome]}
    if reader.rule.startswith(("REGF-14B", "REGF-14A")):
        answer |= _call_words(reader, facts, rules, verdict, at)
    if reader.rule.startswith("REGF-6D"):
        answer |= _basis_words(reader, facts, verdict, at)
    for words in (_state_words, _window_words, _reply_words, _count_words):
        answer |= words(reader, facts, rules, verdict)
    return answer, verdict


def _call_words(reader: Reader, facts: Facts, rules: RuleSet, verdict: Verdict, at: datetime) -> Answer:
    """Presumption and counts of 1006.14(b)."""
    zones = zones_of(facts.place.zones)
    situation = Situation(facts, zones)
    over = [finding for finding in verdict.fired if finding.rule in CALL_LIMITS]
    cap = cap_of(rules, "REGF-14B-7IN7", facts)
    counted = _fullest(cap, situation, at) if cap else ()
    excluded = situation.agreed_to_call(at) or facts.recipient not in _COUNTED_PERSONS
    today = local_date(at, zones[0])
    talks = [one.at for one in facts.past if one.result is CallResult.CONVERSATION]
    answer: Answer = {
        "presumption": "violation" if over else "compliance",
        "frequency_presumption": "violation" if over else "compliance",
        "prior_counted_calls": len(counted),
        "calls_in_window_including_proposed": len(counted) + (0 if excluded else 1),
        "window_first_day": (today - timedelta(days=6)).isoformat(),
        "window_last_day": today.isoformat(),
        "counted": not excluded,
        "is_rebuttal_factor": any(finding.outcome is Outcome.FLAG for finding in over),
        "treated_as_one_debt": len({debt.account for debt in facts.debts if debt.account}) > 0,
    }
    if answer["is_rebuttal_factor"]:
        answer["rebuttal_factor"] = _FACTORS.get(facts.purpose, "the purpose of the call")
    if talks:
        answer["earliest_next_day"] = (local_date(max(talks), zones[0]) + timedelta(days=7)).isoformat()
    waits = [finding.until for finding in over if finding.until is not None]
    if waits and not talks:
        answer["earliest_next_day"] = local_date(max(waits), zones[0]).isoformat()
    agreed = [
        one for one in facts.consents if one.kind is ConsentKind.ADDITIONAL_CALLS and one.route is not Route.TO_ANOTHER
    ]
    if agreed:
        last = local_date(agreed[-1].at, zones[0]) + timedelta(days=EXTRA_CALLS_DAYS - 1)
        answer["consent_last_day"] = last.isoformat()
    if facts.purpose is Purpose.LOCATION:
        answer["also_check"] = "REGF-10-LOC (no second communication with that person unless 1006.10(c) permits)"
    if "REGF-14A-CUMUL" in facts.message.faults:
        answer["violates"] = "1006.14(a) and (d)"
    return answer


_FACTORS = {
    Purpose.DUTY_LIVE_CONTACT: "call placed to comply with applicable law",
    Purpose.LITIGATION: "call directly related to active litigation",
    Purpose.REQUESTED_INFORMATION: "call in response to a request for information",
    Purpose.URGENT_HARM: "call to convey information that avoids harm outside the collector's control",
}
_COUNTED_PERSONS = {
    Recipient.CONSUMER,
    Recipient.GUARANTOR,
    Recipient.HOUSEHOLD,
    Recipient.CONTACT_PERSON,
    Recipient.THIRD_PARTY,
    Recipient.EMPLOYER,
}


def _basis_words(reader: Reader, facts: Facts, verdict: Verdict, at: datetime) -> Answer:
    """Safe harbour, freshness and knowledge of leaks."""
    answer: Answer = {}
    if reader.rule in ("REGF-6D4-EMAIL", "REGF-6D5-TEXT", "REGF-6D3-PROC"):
        answer["safe_harbor"] = verdict.allowed
    if reader.rule == "REGF-6D3-PROC":
        answer["knows_of_prohibited_disclosure"] = not verdict.allowed
    used = [one.at for one in facts.consents if one.kind is ConsentKind.SMS]
    if used:
        zone = zones_of(facts.place.zones)[0]
        answer["days_since"] = (local_date(at, zone) - local_date(max(used), zone)).days
    return answer


def _state_words(reader: Reader, facts: Facts, rules: RuleSet, verdict: Verdict) -> Answer:
    """Until when a state lasts, and what holds instead."""
    answer: Answer = {}
    disputes = reader.situation.get("disputes") or ()
    if disputes:
        stops = any(stops_collection(one, reader.situation) for one in disputes)
        answer["cease_required"] = stops
        answer |= {"until": "verification or judgment copy is sent"} if stops else {}
        answer |= {} if stops else {"must": "treat debt as disputed (1006.18(c)(2))"}
    for one in facts.suppressions:
        if one.until is not None and one.kind.value in ("deferral", "moratorium"):
            answer["until"] = one.until.date().isoformat()
    if facts.purpose is Purpose.DUTY_NOTICE and reader.rule == "REGF-6C-CEASE":
        answer["conditions"] = [
            "no request for payment",
            "states servicer may or intends to invoke foreclosure",
            "at most once per 180 days",
        ]
    if facts.channel is Channel.SOCIAL_PRIVATE and verdict.allowed:
        answer["subject_to"] = ["REGF-6B1", "REGF-14H", "REGF-6D1"]
    return answer


def _window_words(reader: Reader, facts: Facts, rules: RuleSet, verdict: Verdict) -> Answer:
    """Hours as the rule names them, and how a state rule and the federal one went together."""
    answer: Answer = {}
    for rule in rules.rules:
        if rule.kind == "clock_window" and rule.id == reader.rule:
            opens, closes = rule.parameters["opens"], rule.parameters["closes"]
            barred = f"{closes}-{opens} barred"
            answer["window"] = barred if reader.rule == "KR-NIGHT" else f"{opens}-{closes} local"
    if reader.rule == "US-DC-CLOCK":
        answer["clock"] = "EST/EDT always"
    if verdict.rule is not None:
        answer["deciding_rule"] = verdict.rule
    if reader.jurisdiction.startswith("US-") and reader.jurisdiction != "US-FED":
        own = [finding.outcome for finding in verdict.fired if finding.rule == reader.rule]
        answer["state_rule_decision"] = _DECISIONS[max(own, default=Outcome.ALLOW)]
    return answer


def _reply_words(reader: Reader, facts: Facts, rules: RuleSet, verdict: Verdict) -> Answer:
    """What one answer to the consumer's message leaves barred."""
    if facts.purpose is not Purpose.REPLY or not verdict.allowed:
        return {}
    answer: Answer = {"max_replies": 1}
    if reader.rule == "REGF-6B2-ATTY":
        answer["then"] = "no further contact unless representation is known to have ended or an exception applies"
    places = [one.place for one in facts.inconvenient if one.place]
    if places:
        answer["then"] = f"further contact at {places[0]} stays barred"
    return answer


def _count_words(reader: Reader, facts: Facts, rules: RuleSet, verdict: Verdict) -> Answer:
    """What the caps of states and countries counted."""
    cap = cap_of(rules, reader.rule, facts)
    if cap is None or reader.rule.startswith("REGF") or reader.at is None:
        return {}
    zones = zones_of(facts.place.zones)
    situation = Situation(facts, zones)
    start = cap.window.start(reader.at, zones)
    counted = _fullest(cap, situation, reader.at)
    answer: Answer = {"counted": len(counted)}
    if facts.purpose in (Purpose.LEGAL_NOTICE, Purpose.DUTY_NOTICE, Purpose.REQUIRED_DISCLOSURE, Purpose.REPLY):
        answer["counted"] = False if reader.rule == "KR-7IN7" else len(counted)
    fired = next((one for one in verdict.fired if one.rule == reader.rule), None)
    if cap.window.days and (fired or reader.rule == "US-MA-2IN7"):
        answer["window_days"] = cap.window.days
    if facts.purpose is Purpose.CONSENT_REQUEST:
        answer["max_per_7_days"] = 1
    keys = set(situation.keys)
    recent = [one for one in facts.past if one.at >= start and one.direction is Direction.OUT]
    recent = [one for one in recent if not one.debts or keys & set(one.debts)]
    made = [one for one in recent if one.result in COUNTERS["contacts_made"]]
    if cap.counter.results == COUNTERS["contacts_made"]:
        answer |= {"contacts_made": len(made), "attempts": len(recent) - len(made)}
        if reader.jurisdiction == "US-MA" and verdict.allowed and len(recent) >= cap.limit > len(made):
            answer["decision"] = "allow_with_caution"
    if reader.jurisdiction == "AU":
        answer["note"] = "attempts do not count toward 3/10 but must not be excessive"
    return answer


def _fullest(cap: Cap, situation: Situation, at: datetime) -> tuple[int, ...]:
    """Positions of the contacts that a cap counts at `at`, for the debt against which most are counted."""
    return max(cap.counter.by_debt(situation, cap.window.start(at, situation.zones)), key=len)


def cap_of(rules: RuleSet, rule_id: str, facts: Facts) -> Cap | None:
    """The cap of a rule, if it has one: by preference the one whose scope is about such contacts."""
    own = sorted(
        (rule for rule in rules.rules if rule.id == rule_id),
        key=lambda rule: not in_scope(rule.scope, scope_key(facts)),
    )
    caps = (check for check in map(check_of, own) if isinstance(check, Cap))
    return next(caps, None)


def answer_counts(reader: Reader, packs: Packs) -> tuple[Answer, None]:
    """Counts per debt and of single events, for questions that propose nothing."""
    answer: Answer = {}
    if reader.section("event"):
        answer |= _event_words(reader, packs)
    if "attribution" in reader.situation:
        answer["per_debt"] = per_debt(reader)
    return answer, None


def _event_words(reader: Reader, packs: Packs) -> Answer:
    event = reader.section("event")
    facts = reader.facts()
    one = reader.past_contact(event)
    cap = cap_of(consulted(reader, packs), "REGF-14B-7IN7", facts)
    connected = one.result in COUNTERS["connected"]
    direct = one.direction is Direction.OUT and one.recipient in _COUNTED_PERSONS
    counted = (
        cap is not None
        and direct
        and one.channel in cap.counter.channels
        and cap.counter.counts(one, Situation(facts, zones_of(facts.place.zones)))
    )
    answer: Answer = {"connected": connected, "counted": counted}
    debts = list(event.get("debts") or ())
    if one.result is CallResult.CONVERSATION:
        discussed = list(event.get("discussed", debts))
        answer |= {"count_against": discussed, "min_debts": max(1, len(discussed))}
    elif counted:
        answer |= {"count_against": "any one debt (collector's choice)", "min_debts": 1}
    return answer


def per_debt(reader: Reader) -> dict[str, dict[str, int]]:
    """Calls and conversations per debt; a conversation counts for every debt discussed, else as attributed."""
    attributed = reader.section("attribution")
    counts = {str(one["id"]): {"calls": 0, "conversations": 0} for one in reader.situation.get("debts", ())}
    for event in reader.situation.get("history", ()):
        one = reader.past_contact(event)
        if one.channel not in (Channel.VOICE, Channel.RINGLESS_VOICEMAIL) or one.result not in COUNTERS["connected"]:
            continue
        chosen = attributed.get(str(event["at"])[:10])
        debts: Iterable[str] = event.get("discussed") or ([chosen] if chosen else event.get("debts") or ())
        for debt in [debts] if isinstance(debts, str) else debts:
            placed = counts.setdefault(str(debt), {"calls": 0, "conversations": 0})
            placed["calls"] += one.direction is Direction.OUT
            placed["conversations"] += one.result is CallResult.CONVERSATION
    return counts
