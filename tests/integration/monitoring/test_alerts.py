"""Alerts and dashboard as code: valid, documented, and naming only metrics that exist."""

from __future__ import annotations

import ast
import importlib
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import promql_parser
import pytest
import yaml
from prometheus_client import REGISTRY

from tools import dashboard

ROOT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("FORBEAR_SHARED", ROOT.parent / "shared"))
RULES = ROOT / "deploy/k8s/components/monitoring/prometheus-rule.yaml"
SERVICES = ("contact_scheduler", "channel_dispatcher", "response_tracker")
METRIC = re.compile(r"\bforbear_[a-z_]+\b")


def groups() -> list[dict[str, Any]]:
    """Return the alert groups."""
    found: list[dict[str, Any]] = yaml.safe_load(RULES.read_text(encoding="utf-8"))["spec"]["groups"]
    return found


ALERTS = {rule["alert"]: rule for group in groups() for rule in group["rules"]}
PANEL_QUERIES = [query for panel in dashboard.PANELS for query in panel.queries.values()]


def promtool() -> str:
    """Return promtool, which CI installs."""
    path = shutil.which("promtool")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("promtool is not installed")
        pytest.skip("promtool is not installed (Debian: prometheus)")
    return path


@pytest.mark.needs_prometheus
def test_alerts_fire_when_they_should_and_not_before(tmp_path: Path) -> None:
    """promtool plays recorded series against the rules; see alerts_test.yaml."""
    (tmp_path / "alerts.yaml").write_text(yaml.safe_dump({"groups": groups()}), encoding="utf-8")
    shutil.copy(Path(__file__).parent / "alerts_test.yaml", tmp_path)

    played = subprocess.run(
        [promtool(), "test", "rules", str(tmp_path / "alerts_test.yaml")], capture_output=True, text=True, check=False
    )

    assert 0 == played.returncode, played.stdout + played.stderr


@pytest.mark.parametrize("name", sorted(ALERTS))
def test_an_alert_says_what_it_means_and_what_to_do(name: str) -> None:
    """Severity, summary, description and a runbook that exists."""
    rule = ALERTS[name]

    assert rule["labels"]["severity"] in {"page", "ticket"}
    assert {"summary", "description", "runbook_url"} == rule["annotations"].keys()
    assert (ROOT / rule["annotations"]["runbook_url"]).is_file()


@pytest.mark.parametrize("query", [*PANEL_QUERIES, *(rule["expr"] for rule in ALERTS.values())])
def test_a_query_parses_and_names_metrics_that_are_declared(query: str) -> None:
    """A renamed metric would leave an alert silent for ever."""
    for module in ("forbear_chassis.worker", *(f"{service}.metrics" for service in SERVICES)):
        importlib.import_module(module)
    declared = {metric.name for metric in REGISTRY.collect() if metric.name.startswith("forbear_")}

    promql_parser.parse(query.replace("$__rate_interval", "1m"))
    named = {re.sub(r"_(total|bucket|sum|count)$", "", name) for name in METRIC.findall(query)}

    assert named
    assert set() == named - declared


@pytest.mark.parametrize("service", SERVICES)
def test_a_declared_metric_is_written_somewhere(service: str) -> None:
    """One that nobody counts says nought for ever, and whoever watches it believes that."""
    folder = ROOT / "services" / service / "src" / service
    declared = (folder / "metrics.py").read_text(encoding="utf-8")
    names = [node.id for node in ast.walk(ast.parse(declared)) if isinstance(node, ast.Name)]
    bound = re.findall(r"^([A-Z_]+)(?:: [^=]+)? = ", declared, re.MULTILINE)
    elsewhere = " ".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py") if path.name != "metrics.py")

    assert bound
    assert [] == [name for name in bound if names.count(name) == 1 and not re.search(rf"\b{name}\b", elsewhere)]


def test_the_committed_dashboard_is_the_one_the_code_writes() -> None:
    """`python tools/dashboard.py` writes it."""
    assert dashboard.text() == dashboard.TARGET.read_text(encoding="utf-8")


@pytest.mark.needs_shared_data
def test_the_dashboard_is_what_grafana_reads() -> None:
    """Against Grafana's published schema, kept beside the repository."""
    path = SHARED / "data/specs/grafana_dashboard.jsonschema.json"
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{path.name} is missing")
        pytest.skip(f"{path.name} is kept beside the repository and is not here")

    jsonschema.validate(dashboard.dashboard(), json.loads(path.read_text(encoding="utf-8")))
