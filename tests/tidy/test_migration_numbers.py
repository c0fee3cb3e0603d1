"""Migrations are applied in the order of their numbers, so each service counts them from 0001 without gap or twin."""

from __future__ import annotations

from pathlib import Path

import pytest

SERVICES = Path(__file__).resolve().parents[2] / "services"
FOLDERS = sorted(SERVICES.glob("*/src/*/store/migrations"))


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parents[1].name)
def test_migrations_are_numbered_one_by_one(folder: Path) -> None:
    """Two files of one number would be applied in the order of their names, which nobody chose."""
    numbers = sorted(int(path.name[:4]) for path in folder.glob("*.sql"))

    assert list(range(1, len(numbers) + 1)) == numbers


def test_every_service_has_migrations() -> None:
    """The test above looks at something."""
    assert 3 == len(FOLDERS)
