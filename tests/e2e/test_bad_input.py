"""What is wrong is named and what is right is kept: files, settings, and servers that are away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from forbear_sandbox.child import Child
from forbear_sandbox.portfolio import COLUMNS, bad_rows, generate
from forbear_sandbox.stack import ROLES_SQL, SERVICES, START, Options, Stack
from tests.kit.stack_kit import Scene, assert_all_is_well, wait_until

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.slow, pytest.mark.xdist_group("tour")]

WRONG = {
    "contact-scheduler": ("FORBEAR_SCHEDULER_PLAN_HOUR_UTC", "25"),
    "channel-dispatcher": ("FORBEAR_DISPATCHER_SIGNING_KEY_FILE", "/nowhere/key.pem"),
    "response-tracker": ("FORBEAR_TRACKER_CLOCK", "sundial"),
}
STANDING_S = 3


def csv_lines(rows: list[dict[str, str]]) -> list[str]:
    """Return rows as lines of a CSV file; their cells hold neither commas nor quotes, or are meant to be wrong."""
    return [",".join(COLUMNS), *(",".join(f'"{row[column]}"' for column in COLUMNS) for row in rows)]


def good_rows(first: int, count: int) -> list[dict[str, str]]:
    """Return borrowers whom nobody knows yet, and who are behind with nothing: the campaign leaves them alone."""
    made = list(generate(first + count, 7, START.date()))[first:]
    return [{**asdict(row), "past_due": "0.00", "past_due_days": "0", "due_on": ""} for row in made]


# Files


def test_every_bad_row_is_named_and_every_good_one_is_kept(tour: Scene, tmp_path: Path) -> None:
    """One fault in each bad row: the report names its line and column, and never shows the value."""
    bad = bad_rows(7, START.date())
    faults = [
        "language",
        "mobile",
        "email",
        "time_zone",
        "balance",
        "due_on",
        "product",
        "past_due_days",
        "borrower_ref",
    ]
    good = good_rows(700, 3)
    path = tmp_path / "bad.csv"
    path.write_text("\n".join(csv_lines([good[0], *bad, *good[1:]])), encoding="utf-8")

    report = tour.api.import_borrowers(path)

    assert ("completed", 3, len(bad)) == (report["state"], report["rows_created"], report["rows_rejected"])
    named = {(error["line"], error["field"]) for error in report["first_errors"]}
    assert set(enumerate(faults, start=3)) <= named
    assert not [error for error in report["first_errors"] if "555-0100" in error["mend"] or not error["mend"]]


def test_a_row_that_comes_twice_is_told_at_its_second_place(tour: Scene, tmp_path: Path) -> None:
    """The first one is kept."""
    row = good_rows(710, 1)[0]
    path = tmp_path / "twice.csv"
    path.write_text("\n".join(csv_lines([row, {**row, "balance": "1.00"}])), encoding="utf-8")

    report = tour.api.import_borrowers(path)

    assert (1, 1) == (report["rows_created"], report["rows_rejected"])
    assert [3] == [error["line"] for error in report["first_errors"]]


@pytest.mark.parametrize(
    ("label", "content", "line", "word"),
    [
        ("columns", b"name,phone\nAnn,555\n", 1, "borrower_ref"),
        ("one_column", ",".join([*COLUMNS, "shoe_size"]).encode() + b"\n", 1, "shoe_size"),
        ("encoding", "\n".join([",".join(COLUMNS), "Jos\u00e9"]).encode("latin-1") + b"\n", 2, "UTF-8"),
        ("long_line", (",".join(COLUMNS) + "\n").encode() + b"x" * 200_000, 2, "longer"),
        ("empty", b"", 1, "empty"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_how_to_mend_it(
    tour: Scene, tmp_path: Path, label: str, content: bytes, line: int, word: str
) -> None:
    """Wrong columns, wrong encoding, a line without end, nothing at all."""
    path = tmp_path / f"{label}.csv"
    path.write_bytes(content)

    report = tour.api.import_borrowers(path)

    assert ("failed", 0) == (report["state"], report["rows_created"])
    assert word in report["failure"]
    assert report["failure"].startswith(f"line {line}:")


# Settings


@pytest.mark.parametrize("service", SERVICES)
def test_a_wrong_setting_stops_the_process_and_is_named(tour: Scene, service: str) -> None:
    """Exit code 2, the name of the setting, and no secret."""
    name, value = WRONG[service]
    environment = {**tour.stack.environment(service), name: value}
    command = [sys.executable, "-m", service.replace("-", "_")]

    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert 2 == ended.returncode, ended.stderr
    assert name in ended.stderr
    assert "Traceback" not in ended.stderr
    assert environment[f"FORBEAR_{service.rpartition('-')[2].upper()}_DATABASE_URL"] not in ended.stderr + ended.stdout


# Servers that are away


@pytest.fixture
def early(tmp_path: Path) -> Iterator[tuple[Stack, list[Child]]]:
    """The three services on the machine's clock, started while their database is down, and the stack they belong to."""
    key = tmp_path / "key.pem"
    key.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    stack = Stack(tmp_path, Options(start=None, env={"FORBEAR_DISPATCHER_SIGNING_KEY_FILE": str(key)}))
    with stack.postgres as postgres:
        postgres.run_sql("CREATE DATABASE forbear")
        postgres.run_sql(ROLES_SQL.read_text(encoding="utf-8"), "forbear")
    children = []
    for name in SERVICES:
        command = [sys.executable, "-m", name.replace("-", "_")]
        children.append(Child(name, command, stack.log_path(name), env=stack.environment(name)))
        children[-1].start()
    yield stack, children
    for child in children:
        child.stop()
    stack.postgres.stop()


def test_a_service_waits_for_its_database_and_says_so(early: tuple[Stack, list[Child]]) -> None:
    """Nobody gives up, and everybody is ready once it is there."""
    stack, children = early
    for child in children:
        wait_until(lambda child=child: "database_unreachable" in child.log_tail(), f"{child.name} to say so")  # type: ignore[misc]
        assert child.is_running

    stack.postgres.start()

    for child in children:
        wait_until(lambda child=child: '"started"' in child.log_tail(), f"{child.name} to start")  # type: ignore[misc]
        assert child.is_running


def test_nothing_is_sent_while_redis_is_away(tour: Scene) -> None:
    """The dispatcher tries again and says so; when Redis is back, what is still lawful goes out."""
    tour.stack.kill("valkey")
    before = tour.world.state()["contacts"]
    end = tour.next_quiet_hour()
    tour.world.aim(end)
    standing = tour.wait_for(lambda state: state["clock"]["still_s"] > STANDING_S, "the time to stand still")
    log = tour.stack.log_path("channel-dispatcher").read_text(encoding="utf-8")

    tour.stack.restart("valkey")
    tour.run_until(end)

    assert before == standing["contacts"]
    assert ["channel-dispatcher"] == standing["clock"]["busy"]
    assert '"pass_failed"' in log
    assert tour.world.state()["contacts"] > before
    assert_all_is_well(tour)
