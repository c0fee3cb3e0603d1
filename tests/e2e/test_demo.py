"""`make demo` as a newcomer runs it: it ends well, says what happened, and says the same again for the same seed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import numpy
import pytest
from matplotlib.image import imread

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.slow, pytest.mark.xdist_group("demo")]

PNG = b"\x89PNG\r\n\x1a\n"
SAID = (
    "Contacts by channel and how they ended",
    "Answered within 48 hours, per 100 contacts",
    "What the gate held back at the moment of sending",
    "What borrowers wrote, by language, and what was done about it",
    "Who paid cannot be compared yet",
    "What contact itself brings cannot be told yet",
    "and 0 that must not be",
    "covered by signed checkpoints",
    "nobody was contacted twice, outside lawful hours, or without the ledger knowing",
)


def run_demo(folder: Path, *arguments: str) -> str:
    """Run the demonstration to its end and return what it printed."""
    command = [sys.executable, "-m", "forbear_sandbox", "demo", "--run-dir", str(folder / "run"), *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)

    assert 0 == result.returncode, result.stdout + result.stderr
    return result.stdout


def digest(said: str) -> str:
    """Return the digest that a run ends with."""
    found = re.search(r"^digest +([0-9a-f]{12}) ", said, re.M)
    assert found, said
    return found.group(1)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run of two days with eighty borrowers: its folder and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    return folder, run_demo(folder, "--borrowers", "80", "--days", "2")


def test_the_demo_ends_with_a_summary_and_a_picture(first: tuple[Path, str]) -> None:
    """Every part of the summary is there, the world agrees with the ledger, and the picture is one."""
    folder, said = first
    words = " ".join(said.split())
    picture = folder / "run" / "campaign.png"

    assert [] == [part for part in SAID if part not in words]
    assert "PROBLEM" not in said
    assert picture.read_bytes().startswith(PNG)
    pixels = imread(picture)
    assert pixels.shape[0] >= 300
    assert pixels.shape[1] >= 500
    assert len(numpy.unique(pixels.reshape(-1, pixels.shape[2]), axis=0)) > 20


def test_the_same_seed_gives_the_same_digest(first: tuple[Path, str], tmp_path: Path) -> None:
    """Contacts, answers, what the world saw and what the gate blocked are equal in two runs of a seed."""
    again = run_demo(tmp_path, "--borrowers", "80", "--days", "2")

    assert digest(first[1]) == digest(again)


def test_another_seed_gives_another_digest(first: tuple[Path, str], tmp_path: Path) -> None:
    """The digest tells runs apart."""
    other = run_demo(tmp_path, "--borrowers", "40", "--days", "1", "--seed", "2")

    assert digest(first[1]) != digest(other)
