"""How long the lawful hours of a million borrowers take, beside the time numpy needs to write such arrays once."""

import json
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from statistics import median

import numpy as np

from forbear_domain.policy import (
    Actor,
    Address,
    AddressKind,
    Channel,
    Consent,
    ConsentKind,
    Debt,
    Facts,
    Place,
    load_packs,
    rules_for,
)
from forbear_domain.policy.mask import CHANNELS, HOURS, Group, PastColumns, group_tables, mask, releases

BORROWERS = 1_000_000
CHUNK = 50_000
PAST_PER_BORROWER = 3
START = datetime(2026, 10, 30, 15, tzinfo=UTC)
ZONES = [
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Phoenix",
    "Pacific/Honolulu", "America/Anchorage",
]  # fmt: skip
STATES = ["US-MA", "US-DC", "US-NYC", "US-WA", "US-FL", "US-CA", "US-TX", "US-WV"]
GOAL_RATIO = 4.0
GOAL_BYTES = 1 << 30


def groups() -> list[Group]:
    """Places with one and two zones, under every state's rules, with consent fresh or missing."""
    packs = load_packs()
    pairs = [frozenset({one, two}) for one in ZONES for two in ZONES]
    found = []
    for zones in dict.fromkeys(pairs):
        for state in STATES:
            rules = rules_for(packs, [state], START.date())
            for days in (10, 56):
                given = START - timedelta(days=days)
                consents = (Consent(ConsentKind.SMS, given), Consent(ConsentKind.EMAIL, given))
                place = Place(zones, frozenset({state}))
                facts = Facts(Actor.COLLECTOR, Channel.SMS, place, (Debt("D1", "mortgage"),), consents=consents)
                facts = replace(facts, address=Address("a", AddressKind.MOBILE))
                one, two, three = (replace(facts, channel=channel) for channel in CHANNELS)
                found.append(Group((one, two, three), rules))
    return found


def past_of(count: int, generator: np.random.Generator) -> PastColumns:
    """Random contacts of the last four weeks."""
    rows = count * PAST_PER_BORROWER
    channels = list(Channel)
    codes = np.array([channels.index(channel) for channel in CHANNELS], np.int32)
    return PastColumns(
        unit=np.repeat(np.arange(count, dtype=np.int32), PAST_PER_BORROWER),
        at_s=START.timestamp() - generator.uniform(0, 28 * 86400, rows),
        channel=codes[generator.integers(0, 3, rows)],
        result=generator.integers(0, 3, rows).astype(np.int32),
        purpose=np.zeros(rows, np.int32),
        inbound=np.zeros(rows, np.bool_),
        same_debt=np.ones(rows, np.bool_),
        same_address=np.ones(rows, np.bool_),
        by_us=np.ones(rows, np.bool_),
    )


def cpu_s(work: Callable[[], None], times: int) -> float:
    """The median CPU time of one run."""
    taken = []
    for _ in range(times):
        began = time.process_time()
        work()
        taken.append(time.process_time() - began)
    return median(taken)


def main() -> int:
    """Measures and prints; the last line is for machines."""
    generator = np.random.default_rng(3)
    shared = groups()
    began = time.process_time()
    tables = group_tables(shared, START)
    tables_s = time.process_time() - began
    group_of = generator.integers(0, len(shared), BORROWERS).astype(np.int32)
    out = np.empty((CHUNK, len(CHANNELS), HOURS), np.bool_)
    chunks = range(0, BORROWERS, CHUNK)
    opens = np.empty((BORROWERS, len(CHANNELS)))

    def count() -> None:
        for first in chunks:
            own = group_of[first : first + CHUNK]
            opens[first : first + CHUNK] = releases(shared, own, past_of(CHUNK, np.random.default_rng(first)), START)

    def masks() -> None:
        for first in chunks:
            mask(tables, group_of[first : first + CHUNK], opens[first : first + CHUNK], START, out)

    pattern = generator.random((CHUNK, len(CHANNELS), HOURS)) < 0.5

    def write() -> None:
        for _ in chunks:
            np.copyto(out, pattern)

    releases_s = cpu_s(count, 1)
    masks()
    write()
    write_s, masks_s = cpu_s(write, 5), cpu_s(masks, 5)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    ratio = masks_s / write_s
    print(
        f"{BORROWERS:,} borrowers, {len(shared)} groups, {len(CHANNELS)} channels x {HOURS} hours, chunks of {CHUNK:,}"
    )
    print(f"{'numpy writes the arrays once':<44}{write_s:>8.3f} s CPU")
    print(f"{'mask':<44}{masks_s:>8.3f} s CPU   {ratio:.2f} x, goal {GOAL_RATIO:.0f} x")
    print(f"{'tables of the groups, once a plan':<44}{tables_s:>8.3f} s CPU")
    print(f"{f'releases from {PAST_PER_BORROWER} past contacts each, made up here':<44}{releases_s:>8.3f} s CPU")
    print(f"{'peak memory':<44}{peak / 2**20:>8.0f} MiB    goal {GOAL_BYTES / 2**20:.0f} MiB")
    checks = [("policy_mask", ratio, 1.0, ratio, GOAL_RATIO), ("policy_mask_memory", peak, 0, peak, GOAL_BYTES)]
    for name, value, reference, measured, goal in checks:
        line = {
            "name": name,
            "value": value,
            "reference": reference,
            "ratio": measured,
            "goal": goal,
            "ok": measured <= goal,
        }
        print(json.dumps(line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
