"""What a person types wrong is answered with its mend, never with a traceback, a secret, or the name of an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from forbear_client.cli import main

NOWHERE = "postgresql://auditor:hunter2@127.0.0.1:1/forbear"


@pytest.mark.parametrize(
    ("command", "status", "said"),
    [
        (["ledger", "verify", "--database-url", NOWHERE], 2, "the database cannot be reached: "),
        (["ledger", "audit", "--database-url", NOWHERE], 2, "the database cannot be reached: "),
        (["ledger", "audit", "--database-url", "hunter2"], 2, "the database cannot be reached: "),
        (["ledger", "verify", "--export", "EMPTY"], 2, "it has no checkpoint"),
        (["ledger", "audit", "--export", "EMPTY"], 2, "it has no form"),
        (["ledger", "audit", "--export", "TORN"], 2, "is not JSON: "),
        (
            ["campaign", "report", "--url", "http://127.0.0.1:1", "1"],
            2,
            "goes one word earlier: forbear campaign --url",
        ),
        (["campaign", "--url", "nowhere", "--key-file", "EMPTY", "list"], 1, "write it as http://host:port"),
        (["campaign", "report", "--colour", "1"], 2, "No such option '--colour'"),
    ],
)
def test_a_slip_is_answered_with_its_mend(command: list[str], status: int, said: str, tmp_path: Path) -> None:
    """The exit status tells scripts the same: 2 where nothing could be checked."""
    files = {"EMPTY": "{}", "TORN": '{"form": '}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    words = [str(tmp_path / word) if word in files else word for word in command]

    answer = CliRunner().invoke(main, words, prog_name="forbear")

    assert said in answer.output
    assert status == answer.exit_code
    assert "hunter2" not in answer.output
