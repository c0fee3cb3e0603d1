"""Thirty thousand real card accounts (UCI, I-Cheng Yeh, 2009) go in without a hitch, and a campaign runs on them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kit.stack_kit import assert_all_is_well, open_campaign, quiet_hour

pytestmark = [
    pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.needs_shared_data, pytest.mark.slow,
    pytest.mark.xdist_group("real"), pytest.mark.timeout(900),
]  # fmt: skip

ROOT = Path(__file__).parents[2]
ACCOUNTS = 30_000
CAMPAIGN_ACCOUNTS = 2_000


@pytest.fixture
def accounts() -> Path:
    """The data set, which is kept beside the repository."""
    path = Path(os.environ.get("FORBEAR_SHARED", ROOT.parent / "shared")) / "data" / "uci_credit_card.csv.gz"
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{path.name} is missing")
        pytest.skip(f"{path.name} is kept beside the repository and is not here")
    return path


def convert(accounts: Path, target: Path, *options: str) -> Path:
    """Make a portfolio file with the command that the documentation names."""
    command = [sys.executable, "-m", "forbear_sandbox", "portfolio", "--uci", str(accounts), "--out", str(target)]
    subprocess.run([*command, *options], check=True, capture_output=True, timeout=120)
    return target


def test_real_accounts_are_imported_and_served(accounts: Path, tmp_path: Path) -> None:
    """A planned day over 2,000 of them ends with ledger and census equal; all of them import, and twice is once."""
    some = convert(accounts, tmp_path / "some.csv", "--count", str(CAMPAIGN_ACCOUNTS))
    everybody = convert(accounts, tmp_path / "all.csv")

    with open_campaign(tmp_path, some) as scene:
        scene.run_until(quiet_hour(1))
        assert scene.world.state()["contacts"] > CAMPAIGN_ACCOUNTS / 4
        assert_all_is_well(scene)

        first = scene.api.import_borrowers(everybody)
        again = scene.api.import_borrowers(everybody)

    rows = ("rows_read", "rows_created", "rows_changed", "rows_unchanged", "rows_rejected")
    new = ACCOUNTS - CAMPAIGN_ACCOUNTS
    assert [ACCOUNTS, new, 0, CAMPAIGN_ACCOUNTS, 0] == [first[name] for name in rows]
    assert [ACCOUNTS, 0, 0, ACCOUNTS, 0] == [again[name] for name in rows]
