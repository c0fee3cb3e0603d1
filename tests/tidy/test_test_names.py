"""Test files have names of their own, or the whole suite cannot be collected."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_no_two_test_files_share_a_name() -> None:
    """pytest imports test files by their base name."""
    names = Counter(path.name for path in TESTS.rglob("*.py") if path.name not in {"conftest.py", "__init__.py"})

    assert [] == [name for name, count in names.items() if count > 1]
