"""How much CPU one decision takes with thirty past contacts, beside the limit of sixty microseconds."""

import gc
import json
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median

from forbear_domain.policy import (
    Actor,
    Address,
    AddressKind,
    CallResult,
    Channel,
    Consent,
    ConsentKind,
    Debt,
    Evidence,
    Facts,
    PastContact,
    Place,
    decide,
    load_packs,
    rules_for,
)

NOW = datetime(2026, 6, 12, 15, tzinfo=UTC)
PAST = 30
DECISIONS = 2_000
LIMIT_US = 60.0
MIX = (Channel.SMS, Channel.EMAIL, Channel.VOICE)


def facts(channel: Channel, every: timedelta) -> Facts:
    """A borrower who may be in Boston or Denver, with a contact each `every`, the last one more than a day ago."""
    place = Place.from_evidence(
        Evidence("residential_address", frozenset({"America/New_York"}), frozenset({"US-MA"})),
        Evidence("mobile_area_code", frozenset({"America/Denver"}), frozenset({"US-CO"})),
    )
    past = tuple(
        PastContact(
            NOW - timedelta(hours=26) - every * number, MIX[number % 3], result=CallResult.NO_ANSWER, debts=("L",)
        )
        for number in range(PAST)
    )
    return Facts(
        actor=Actor.COLLECTOR,
        channel=channel,
        place=place,
        debts=(Debt("L", "mortgage"),),
        address=Address("a", AddressKind.MOBILE),
        past=past,
        consents=(
            Consent(ConsentKind.SMS, NOW - timedelta(days=9)),
            Consent(ConsentKind.EMAIL, NOW - timedelta(days=9)),
        ),
    )


def cpu_us(question: Facts) -> float:
    """CPU time of one decision: the median of five runs; each question is a new object, as in the dispatcher."""
    rules = rules_for(load_packs(), question.place.jurisdictions, NOW.date())
    runs = []
    for _ in range(5):
        questions = [replace(question) for _ in range(DECISIONS)]
        gc.collect()
        began = time.process_time()
        for one in questions:
            decide(one, rules, NOW)
        runs.append((time.process_time() - began) / DECISIONS * 1e6)
    return median(runs)


def main() -> int:
    """Measures and prints; the last line is for machines."""
    rows = []
    for title, every in (("spread over months", timedelta(days=3)), ("crowded into one week", timedelta(hours=5))):
        for channel in MIX:
            question = facts(channel, every)
            rules = rules_for(load_packs(), question.place.jurisdictions, NOW.date())
            verdict = decide(question, rules, NOW)
            rows.append((title, channel.value, verdict.outcome.name.lower(), len(verdict.fired), cpu_us(question)))
    print(f"{PAST} past contacts, {len(rules.rules)} rules of {', '.join(rules.packs)}, limit {LIMIT_US:.0f} us")
    print(f"{'past':<24}{'channel':<14}{'verdict':<14}{'fired':>5}{'CPU us':>10}")
    for title, channel_name, outcome, fired, taken in rows:
        print(f"{title:<24}{channel_name:<14}{outcome:<14}{fired:>5}{taken:>10.1f}")
    worst = max(row[-1] for row in rows)
    typical = max(row[-1] for row in rows if row[2] == "allow")
    for name, value in (("policy_decide_worst", worst), ("policy_decide", typical)):
        line = {"name": name, "value": value, "reference": LIMIT_US, "ratio": value / LIMIT_US, "goal": LIMIT_US}
        print(json.dumps(line | {"ok": value <= LIMIT_US}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
