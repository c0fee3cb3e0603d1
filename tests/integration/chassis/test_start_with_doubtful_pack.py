"""A service whose packs are doubtful in anything does not start, and says which line of which file to mend."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import forbear_domain

PACK = "us_nyc.toml"
SETTINGS = {
    "FORBEAR_DISPATCHER_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    "FORBEAR_DISPATCHER_REDIS_URL": "redis://127.0.0.1:9",
    "FORBEAR_DISPATCHER_SCHEDULER_TARGET": "127.0.0.1:9",
    "FORBEAR_DISPATCHER_TRACKER_TARGET": "127.0.0.1:9",
    "FORBEAR_DISPATCHER_CALLBACK_URL": "http://127.0.0.1:9",
    "FORBEAR_DISPATCHER_LINK_SECRET": "x" * 32,
    "FORBEAR_SCHEDULER_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
    "FORBEAR_SCHEDULER_DISPATCHER_TARGET": "127.0.0.1:9",
    "FORBEAR_SCHEDULER_TRACKER_TARGET": "127.0.0.1:9",
}
FAULTS = {
    "unknown kind": ('kind = "cap"', 'kind = "wish"', "unknown kind 'wish'"),
    "missing source": ('source = "6 RCNY 5-77', '# source = "6 RCNY 5-77', "source is missing"),
    "overlapping dates": ('id = "US-NYC-RETAIN"\nkind', 'id = "US-NYC-3IN7"\nkind', "in force at the same time"),
    "failing case": ('expect = "not_before"', 'expect = "allow"', "expected ALLOW, decided NOT_BEFORE"),
}


def start(service: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Start a service on the domain of a folder."""
    environment = {**os.environ, **SETTINGS, "PYTHONPATH": str(folder)}
    command = [sys.executable, "-m", service, "serve"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize(
    ("service", "fault"),
    [*[("channel_dispatcher", fault) for fault in FAULTS], ("contact_scheduler", "failing case")],
)
def test_a_doubtful_pack_stops_the_start_with_file_and_line(service: str, fault: str, tmp_path: Path) -> None:
    """Before anything is connected: the database of these settings does not exist."""
    source = Path(forbear_domain.__file__ or "").parent
    shutil.copytree(source, tmp_path / "forbear_domain", ignore=shutil.ignore_patterns("__pycache__"))
    pack = tmp_path / "forbear_domain/jurisdictions" / PACK
    sound, doubtful, told = FAULTS[fault]
    text = pack.read_text(encoding="utf-8")
    assert sound in text
    pack.write_text(text.replace(sound, doubtful, 1), encoding="utf-8")
    ended = start(service, tmp_path)

    assert 1 == ended.returncode
    assert f"nothing is started: {PACK}, line " in ended.stderr
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
