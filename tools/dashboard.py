"""Write the Grafana dashboard from the list of panels below, so that a change of it can be read in a review."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

TARGET = Path(__file__).resolve().parent.parent / "deploy/k8s/components/monitoring/dashboard.json"
COLUMNS, WIDTH, HEIGHT = 2, 12, 8


class Panel(NamedTuple):
    """One graph: what it says, in which unit, and its queries by legend."""

    title: str
    about: str
    unit: str
    queries: dict[str, str]


PANELS = (
    Panel(
        "Contacts taken and ended",
        "What goes into the dispatcher's queue and what comes out of it; the two should meet.",
        "cps",
        {
            "taken": "sum(rate(forbear_dispatcher_contacts_taken_total[$__rate_interval]))",
            "{{state}}": "sum by (state) (rate(forbear_dispatcher_contacts_ended_total[$__rate_interval]))",
        },
    ),
    Panel(
        "Verdicts of the gate",
        "What the law said, by outcome. Refusals are normal answers; their rules are in the ledger.",
        "cps",
        {"{{outcome}}": "sum by (outcome) (rate(forbear_dispatcher_verdicts_total[$__rate_interval]))"},
    ),
    Panel(
        "Responses",
        "What borrowers did, by kind.",
        "cps",
        {"{{kind}}": "sum by (kind) (rate(forbear_tracker_responses_total[$__rate_interval]))"},
    ),
    Panel(
        "What replies say",
        "Labels given to replies. A rise of opt_out or distress wants a look at the templates.",
        "cps",
        {"{{label}}": "sum by (label) (rate(forbear_tracker_reply_labels_total[$__rate_interval])) > 0"},
    ),
    Panel(
        "Answers of providers",
        "Accepted, refused and unknown, by channel. Unknown is never sent again by itself.",
        "cps",
        {"{{channel}} {{state}}": "sum by (channel, state) (rate(forbear_dispatcher_sends_total[$__rate_interval]))"},
    ),
    Panel(
        "Time of a provider's call, 95th percentile",
        "By channel. A rise comes before time-outs, and time-outs make unknown outcomes.",
        "s",
        {
            "{{channel}}": "histogram_quantile(0.95, sum by (channel, le) "
            "(rate(forbear_dispatcher_send_seconds_bucket[$__rate_interval])))"
        },
    ),
    Panel(
        "From the wish to stop to its being in force, 99th percentile",
        "An opt-out is acknowledged only after this time.",
        "s",
        {
            "seconds": "histogram_quantile(0.99, sum by (le) "
            "(rate(forbear_tracker_suppression_seconds_bucket[$__rate_interval])))"
        },
    ),
    Panel(
        "Age of the oldest due contact, 95th percentile",
        "How late the dispatcher is. Past the end of the window a contact expires instead of arriving at night.",
        "s",
        {
            "{{channel}}": "histogram_quantile(0.95, sum by (channel, le) "
            "(rate(forbear_dispatcher_queue_lag_seconds_bucket[$__rate_interval])))"
        },
    ),
    Panel(
        "Evidence",
        "Entries appended to the ledger, by kind.",
        "cps",
        {"{{kind}}": "sum by (kind) (rate(forbear_dispatcher_ledger_entries_total[$__rate_interval])) > 0"},
    ),
    Panel(
        "Handed over to people",
        "Cases opened, by reason.",
        "short",
        {"{{reason}}": "sum by (reason) (increase(forbear_tracker_hand_overs_total[1h])) > 0"},
    ),
    Panel(
        "Waiting for people",
        "Cases that nobody has closed, and those whose term is over. Overdue ones stand first on the console.",
        "short",
        {
            "open": "sum(max by (reason) (forbear_tracker_open_cases))",
            "overdue: {{reason}}": "max by (reason) (forbear_tracker_overdue_cases) > 0",
        },
    ),
)


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana reads it."""
    return {
        "uid": "forbear",
        "title": "Forbear",
        "tags": ["forbear"],
        "editable": False,
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [{"name": "source", "label": "Source", "type": "datasource", "query": "prometheus"}]},
        "annotations": {"list": []},
        "panels": [graph(number, panel) for number, panel in enumerate(PANELS)],
    }


def graph(number: int, panel: Panel) -> dict[str, Any]:
    """Return one panel at its place in the grid."""
    source = {"type": "prometheus", "uid": "${source}"}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": panel.title,
        "description": panel.about,
        "datasource": source,
        "gridPos": {"h": HEIGHT, "w": WIDTH, "x": WIDTH * (number % COLUMNS), "y": HEIGHT * (number // COLUMNS)},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": source, "expr": expression, "legendFormat": legend}
            for place, (legend, expression) in enumerate(panel.queries.items())
        ],
    }


def text() -> str:
    """Return the file as it should be."""
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
