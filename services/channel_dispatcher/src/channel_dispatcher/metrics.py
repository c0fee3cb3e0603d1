"""The dispatcher's metrics. Labels come from enums, and every value exists from the start, so zero is not missing.

Each metric with labels is a mapping from the members of its enums to the child that counts them, because looking a
child up by its labels costs more than counting.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from itertools import product
from typing import Protocol, TypeVar

from prometheus_client import Counter, Gauge, Histogram

from forbear_domain.ledger import Kind
from forbear_domain.lifecycle import State
from forbear_domain.model import Channel
from forbear_domain.policy import Outcome
from forbear_providers.contract import SendState

LAG_BUCKETS_S = (0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200)
UNLEARNED_MARGIN_S = 30
SEND_BUCKETS_S = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30)

M = TypeVar("M", bound="Labelled")
K = TypeVar("K", bound=Enum)
L = TypeVar("L", bound=Enum)


class Labelled(Protocol):
    """A metric that has children."""

    def labels(self: M, *values: str) -> M: ...


class Finding(Enum):
    """What came of asking a provider about an unknown outcome."""

    FOUND = "found"
    ABSENT = "absent"
    CANNOT_TELL = "cannot_tell"
    GIVEN_UP = "given_up"


def _each(metric: M, kind: type[K]) -> dict[K, M]:
    return {member: metric.labels(member.name.lower()) for member in kind}


def _pairs(metric: M, first: type[K], second: type[L]) -> dict[tuple[K, L], M]:
    return {(a, b): metric.labels(a.name.lower(), b.name.lower()) for a, b in product(first, second)}


TAKEN = _each(Counter("forbear_dispatcher_contacts_taken_total", "Contacts taken into the queue", ["channel"]), Channel)
VERDICTS = _pairs(
    Counter("forbear_dispatcher_verdicts_total", "Decisions of the gate", ["channel", "outcome"]), Channel, Outcome
)
ENDED = _pairs(
    Counter("forbear_dispatcher_contacts_ended_total", "Contacts that reached a final state", ["channel", "state"]),
    Channel,
    State,
)
SENDS = _pairs(
    Counter("forbear_dispatcher_sends_total", "Answers of providers", ["channel", "state"]), Channel, SendState
)
PERMITS_REFUSED = _each(
    Counter("forbear_dispatcher_permits_refused_total", "Sends stopped because the permit did not hold", ["channel"]),
    Channel,
)
FEED_STALE = Counter(
    "forbear_dispatcher_feed_stale_total", "Claims that took nothing because the suppression feed was stale"
)
UNKNOWN_CODES = _each(
    Counter("forbear_dispatcher_unknown_codes_total", "Answers with a code that no table of ours has", ["channel"]),
    Channel,
)
OPT_OUT_DRIFT = _each(
    Counter("forbear_dispatcher_opt_out_drift_total", "Opt-outs that nobody but a provider told us of", ["channel"]),
    Channel,
)
LIMITED = _each(
    Counter("forbear_dispatcher_limited_total", "Contacts that waited for a rate limit", ["channel"]), Channel
)
WINDOWS_RESTORED = Counter(
    "forbear_dispatcher_limit_windows_restored_total", "Windows of limits that Redis had lost and was given back"
)
QUEUE_LAG = _each(
    Histogram("forbear_dispatcher_queue_lag_seconds", "Age of the oldest due", ["channel"], buckets=LAG_BUCKETS_S),
    Channel,
)
SEND_TIME = _each(
    Histogram("forbear_dispatcher_send_seconds", "Time of one call of a provider", ["channel"], buckets=SEND_BUCKETS_S),
    Channel,
)
CIRCUIT = Gauge("forbear_dispatcher_circuit_state", "0 closed, 1 open or paused, 2 half open", ["account"])
CIRCUIT_OPENED = Counter("forbear_dispatcher_circuits_opened_total", "Circuits that opened", ["account"])
MARGIN = Gauge("forbear_dispatcher_margin_seconds", "How long before the lawful hours end messages die", ["account"])
SWITCHES_THROWN = Counter("forbear_dispatcher_switches_thrown_total", "Kill switches thrown, by whom", ["source"])
for _source in ("person", "brake"):
    SWITCHES_THROWN.labels(_source)
ORPHANS = _each(
    Counter("forbear_dispatcher_orphaned_claims_total", "Claims of processes that died", ["channel"]), Channel
)
RECONCILED = _pairs(
    Counter("forbear_dispatcher_reconciled_total", "Unknown outcomes that were looked up", ["channel", "finding"]),
    Channel,
    Finding,
)
SUPPRESSIONS = Counter("forbear_dispatcher_suppressions_total", "Suppressions put in force")
SUPPRESSION_WAIT = Histogram(
    "forbear_dispatcher_suppression_wait_seconds", "Time until suppressions were in force", buckets=SEND_BUCKETS_S
)
LEDGER_ENTRIES = _each(
    Counter("forbear_dispatcher_ledger_entries_total", "Entries appended to the ledger", ["kind"]), Kind
)


def start_accounts(labels: Iterable[str]) -> None:
    """Begin to count for the accounts that the settings name, so that zero is not missing."""
    for label in labels:
        CIRCUIT.labels(label).set(0)
        CIRCUIT_OPENED.labels(label)
        MARGIN.labels(label).set(UNLEARNED_MARGIN_S)
