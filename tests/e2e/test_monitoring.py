"""A real Prometheus scrapes a campaign: every graph and every alert has something to look at."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import promql_parser
import pytest
import yaml

from forbear_sandbox.child import Child, free_port
from forbear_sandbox.up import scrape_config
from tests.kit.stack_kit import Scene
from tools.dashboard import PANELS

pytestmark = [
    pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.needs_prometheus, pytest.mark.slow,
    pytest.mark.xdist_group("tour"),
]  # fmt: skip

RULES = Path(__file__).parents[2] / "deploy/k8s/components/monitoring/prometheus-rule.yaml"
QUERIES = {query.replace("$__rate_interval", "1m") for panel in PANELS for query in panel.queries.values()}
MUST_NEVER_FIRE = ("ForbearPermitRefused", "ForbearOptOutDrift", "ForbearEventsPutAside", "ForbearUnknownProviderCode")
WORDS = ("I want to talk to a person", "STOP", "I want to end my life")  # the last is overdue in a quarter of an hour
CONDITIONS = ("and", "or", "unless")
ANSWER_MAX_S = 30.0
POLL_S = 0.25


class Prometheus:
    """A server on a port of its own."""

    def __init__(self, base_url: str) -> None:
        self._base_url = base_url

    def series(self, query: str) -> list[Any]:
        """Return the series of an instant query."""
        with urlopen(f"{self._base_url}/api/v1/query?{urlencode({'query': query})}", timeout=10) as answer:
            found: list[Any] = json.loads(answer.read())["data"]["result"]
        return found

    def silent(self, queries: set[str]) -> set[str]:
        """Return the queries that bring nothing, having given all of them some time."""
        deadline_s = monotonic() + ANSWER_MAX_S
        while queries and monotonic() < deadline_s:
            queries = {query for query in queries if not self.series(query)}
            sleep(POLL_S)
        return queries

    def is_scraping(self) -> bool:
        """Return whether all three services have been scraped."""
        try:
            return 3 == len(self.series("up == 1"))
        except (URLError, OSError):
            return False


@contextmanager
def open_prometheus(scene: Scene, folder: Path) -> Iterator[Prometheus]:
    """Run Debian's prometheus, which CI installs, over the services of a scene."""
    program = shutil.which("prometheus")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("prometheus is not installed")
        pytest.skip("prometheus is not installed (Debian: prometheus)")
    config, address = folder / "prometheus.yaml", f"127.0.0.1:{free_port()}"
    config.write_text(scrape_config(scene.stack, 1), encoding="utf-8")
    command = [
        program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}",
    ]  # fmt: skip
    child = Child("prometheus", command, scene.stack.log_path("prometheus"))
    child.start()
    try:
        prometheus = Prometheus(f"http://{address}")
        scene.wait_for(lambda _: prometheus.is_scraping(), "Prometheus to scrape all services")
        yield prometheus
    finally:
        child.stop()


def alerts() -> dict[str, str]:
    """Return the expressions of all alerts by name."""
    groups = yaml.safe_load(RULES.read_text(encoding="utf-8"))["spec"]["groups"]
    return {rule["alert"]: rule["expr"] for group in groups for rule in group["rules"]}


def measured(expression: promql_parser.Expr) -> set[str]:
    """Return what an alert compares with its thresholds: one of several conditions is rarely met by all at once."""
    assert isinstance(expression, promql_parser.BinaryExpr), f"{expression} compares nothing"
    if str(expression.op) in CONDITIONS:
        return measured(expression.lhs) | measured(expression.rhs)
    return {str(expression.lhs)}


def texted(scene: Scene) -> set[str]:
    """Return the borrowers who have had a text, so that what they write back is known for theirs."""
    return {one["borrower"] for one in scene.world.contacts() if one["channel"] == "sms"}


def test_every_graph_and_every_alert_finds_its_series(tour: Scene, tmp_path: Path) -> None:
    """After a day with replies, one of which nobody looks after in time; and what must never happen has not."""
    with open_prometheus(tour, tmp_path) as prometheus:
        tour.run_until(tour.next_daytime())
        for ref, words in zip(sorted(texted(tour))[: len(WORDS)], WORDS, strict=True):
            tour.world.say(ref, words)
        tour.run_until(tour.next_quiet_hour())
        silent = prometheus.silent(QUERIES.union(*(measured(promql_parser.parse(one)) for one in alerts().values())))
        fired = {name for name in MUST_NEVER_FIRE if prometheus.series(alerts()[name])}

    assert set() == silent
    assert set() == fired
