"""The dispatcher's metrics. Labels come from closed lists, and every value exists from the start."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from forbear_domain.ledger import Kind
from forbear_domain.lifecycle import State
from forbear_domain.model import Channel
from forbear_domain.policy import Outcome
from forbear_providers.contract import SendState

CHANNELS = tuple(channel.label for channel in Channel)
LAG_BUCKETS_S = (0.1, 0.5, 1, 5, 15, 60, 300, 1800, 7200)
SEND_BUCKETS_S = (0.01, 0.05, 0.1, 0.5, 1, 2, 5, 10, 30)

TAKEN = Counter("forbear_dispatcher_contacts_taken_total", "Contacts taken into the queue", ["channel"])
VERDICTS = Counter("forbear_dispatcher_verdicts_total", "Decisions of the gate", ["channel", "outcome"])
ENDED = Counter("forbear_dispatcher_contacts_ended_total", "Contacts that reached a final state", ["channel", "state"])
SENDS = Counter("forbear_dispatcher_sends_total", "Answers of providers", ["channel", "state"])
PERMITS_REFUSED = Counter(
    "forbear_dispatcher_permits_refused_total", "Sends stopped because the permit did not hold", ["channel"]
)
UNKNOWN_CODES = Counter(
    "forbear_dispatcher_unknown_codes_total", "Answers with a code that the provider's table does not have", ["channel"]
)
OPT_OUT_DRIFT = Counter(
    "forbear_dispatcher_opt_out_drift_total", "Opt-outs that a provider knew of and we did not", ["channel"]
)
LIMITED = Counter("forbear_dispatcher_limited_total", "Contacts that waited for a rate limit", ["channel"])
QUEUE_LAG = Histogram(
    "forbear_dispatcher_queue_lag_seconds",
    "Age of the oldest due contact of a pass",
    ["channel"],
    buckets=LAG_BUCKETS_S,
)
SEND_TIME = Histogram(
    "forbear_dispatcher_send_seconds", "Time of one call of a provider", ["channel"], buckets=SEND_BUCKETS_S
)
OPEN_CLAIMS = Gauge("forbear_dispatcher_open_claims", "Attempts claimed by this process and not settled", ["channel"])
ORPHANS = Counter("forbear_dispatcher_orphaned_claims_total", "Claims of processes that died", ["channel"])
RECONCILED = Counter(
    "forbear_dispatcher_reconciled_total",
    "Unknown outcomes that were looked up at the provider",
    ["channel", "finding"],
)
SUPPRESSIONS = Counter("forbear_dispatcher_suppressions_total", "Suppressions put in force")
SUPPRESSION_WAIT = Histogram(
    "forbear_dispatcher_suppression_wait_seconds", "Time until suppressions were in force", buckets=SEND_BUCKETS_S
)
LEDGER_ENTRIES = Counter("forbear_dispatcher_ledger_entries_total", "Entries appended to the ledger", ["kind"])
FINDINGS = ("found", "absent", "cannot_tell", "given_up")


def prepare() -> None:
    """Make every labelled child, once at the start."""
    for channel in CHANNELS:
        for metric in (
            TAKEN,
            PERMITS_REFUSED,
            UNKNOWN_CODES,
            OPT_OUT_DRIFT,
            LIMITED,
            QUEUE_LAG,
            SEND_TIME,
            OPEN_CLAIMS,
            ORPHANS,
        ):
            metric.labels(channel)
        for outcome in Outcome:
            VERDICTS.labels(channel, outcome.name.lower())
        for state in State:
            ENDED.labels(channel, state.name.lower())
        for sent in SendState:
            SENDS.labels(channel, sent.name.lower())
        for finding in FINDINGS:
            RECONCILED.labels(channel, finding)
    for kind in Kind:
        LEDGER_ENTRIES.labels(kind.value)
