"""What the tracker tells Prometheus. Labels come from closed lists and exist from the start."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from forbear_domain.model import ResponseKind
from forbear_replies import Label
from response_tracker.duties import Reason
from response_tracker.events import Kind
from response_tracker.model import Attribution

EVENTS = Counter("forbear_tracker_events_total", "Events taken, durable before they were acknowledged.", ["kind"])
REPEATS = Counter("forbear_tracker_repeated_events_total", "Events that had been taken before.", ["kind"])
REFUSALS = Counter("forbear_tracker_refused_requests_total", "Requests refused at the door.", ["reason"])
FATES = Counter("forbear_tracker_processed_events_total", "Events processed, by what became of them.", ["fate"])
READINGS = Counter("forbear_tracker_reply_labels_total", "Labels given to replies.", ["label"])
UNSURE = Counter(
    "forbear_tracker_unsure_replies_total", "Replies that went to a person because the reading was unsure."
)
RESPONSES = Counter(
    "forbear_tracker_responses_total", "Responses kept, by how they found their attempt.", ["kind", "by"]
)
CASES = Counter("forbear_tracker_hand_overs_total", "Cases handed over to people.", ["reason"])
CASES_OPEN = Gauge("forbear_tracker_open_cases", "Cases that nobody has closed, all tenants together.", ["reason"])
CASES_OVERDUE = Gauge(
    "forbear_tracker_overdue_cases", "Cases that nobody has closed in the time their reason allows.", ["reason"]
)
CASE_ACTS = Counter("forbear_tracker_case_acts_total", "What people did about cases.", ["act"])
ANSWERS = Counter("forbear_tracker_answers_total", "Answers that the assistant gave.")
UNKNOWN_CODES = Counter("forbear_tracker_unknown_provider_codes_total", "Provider codes that no table knows.")
SUPPRESSION_S = Histogram(
    "forbear_tracker_suppression_seconds",
    "Seconds from the decision to suppress until the dispatcher had it in force.",
    buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 30, 300),
)
PUT_ASIDE = Counter("forbear_tracker_events_put_aside_total", "Events put aside for a person after repeated failures.")
READY = Gauge("forbear_tracker_ready", "1 while the process can do its work.")

REFUSED = ("signature", "too_large", "malformed", "unknown_path", "unknown_token", "overload", "database", "dispatcher")
FATES_KNOWN = (
    "answered", "silent", "recorded", "unattributed", "stranger_barred", "unreadable", "bounced", "complained",
    "held_back", "cared", "put_aside",
)  # fmt: skip

# Children that the hot path keeps, so that no label is looked up for a callback.
EVENT_OF = {kind: EVENTS.labels(kind.label) for kind in Kind}
REPEAT_OF = {kind: REPEATS.labels(kind.label) for kind in Kind}

for _reason in REFUSED:
    REFUSALS.labels(_reason)
for _fate in FATES_KNOWN:
    FATES.labels(_fate)
for _label in Label:
    READINGS.labels(_label.value)
for _case in Reason:
    for _metric in (CASES, CASES_OPEN, CASES_OVERDUE):
        _metric.labels(_case.value)
for _act in ("claim", "release", "note", "answer", "lift", "close"):
    CASE_ACTS.labels(_act)
for _response in ResponseKind:
    for _by in Attribution:
        RESPONSES.labels(_response.label, _by.value)
