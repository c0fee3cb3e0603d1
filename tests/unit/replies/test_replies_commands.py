"""`forbear replies`: what it reads, what it says about a line that is no item, and what a wrong request is told."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from forbear_client.cli import main
from forbear_client.replies_commands import FAULTS_SHOWN_MAX
from forbear_replies.items import Item
from forbear_replies.records import LINE_BYTES_MAX, Fault, read_records

STOP = {
    "id": "s1",
    "lang": "en",
    "channel": "sms",
    "received_at": "2026-03-02T12:00:00-05:00",
    "text": "stop texting me",
}
PROMISE = STOP | {"id": "s2", "lang": "es", "text": "el viernes pago 200 dólares"}


def run(*arguments: str, given: bytes = b"") -> Result:
    return CliRunner().invoke(main, ["replies", *arguments], input=given)


def lines(*records: dict[str, Any] | str) -> bytes:
    return "\n".join(one if isinstance(one, str) else json.dumps(one) for one in records).encode()


def test_each_item_becomes_a_line_with_what_was_read() -> None:
    result = run("read", "-", given=lines(STOP, "", PROMISE))

    nothing = dict.fromkeys(
        ("amount", "currency", "date", "not_before", "not_after", "days", "channel", "language"), None
    )
    stop, promise = map(json.loads, result.stdout.splitlines())
    assert {**stop, "confidence": None} == {
        "id": "s1",
        "labels": ["opt_out"],
        "extract": nothing,
        "confidence": None,
        "action": "suppress_channel",
    }
    assert {**promise, "confidence": None} == {
        "id": "s2",
        "labels": ["promise_to_pay"],
        "extract": nothing | {"amount": 200, "currency": "USD", "date": "2026-03-06"},
        "confidence": None,
        "action": "record_promise",
    }
    assert 0 <= stop["confidence"] <= 1
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"id": "1", "text": ', "line 2: is no JSON (expecting value at character 20); write one whole object a line"),
        ("[1]", "line 2: is no object; write one such as"),
        ("[" * 100_000, "line 2: is no item; write an object such as"),
        (STOP | {"id": None}, "line 2, id: is missing; give each item a name of its own"),
        (STOP | {"text": None}, "line 2, text: is missing; write the reply, as text"),
        (STOP | {"text": 5}, "line 2, text: is no text; write the reply, as text"),
        (STOP | {"lang": 7}, "line 2, lang: is no text; write en, zh-Hans, zh-Hant or es, or leave it out"),
        (STOP | {"channel": "fax"}, "line 2, channel: write one of sms, email, voice"),
        (STOP | {"received_at": None}, "line 2, received_at: is missing; write the local time with its offset"),
        (STOP | {"received_at": "soon"}, "line 2, received_at: is no time; write the local time with its offset"),
        (
            STOP | {"received_at": "9999-12-31T23:59:59"},
            "line 2, received_at: is not of our time; write the local time",
        ),
        (STOP | {"labels": "opt_out"}, "line 2, labels: write a list of labels"),
        (STOP | {"labels": ["opt_out", "stop"]}, "line 2, labels: number 2 is no label; write some of opt_out,"),
        (STOP | {"extract": {"sum": 5}}, "line 2, extract: write an object of amount, currency,"),
        (STOP | {"text": "a" * LINE_BYTES_MAX}, "line 2: is longer than 1024 KiB; write one item a line"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_line_that_is_no_item_is_named_with_its_field_and_mend_and_the_others_are_read(
    line: dict[str, Any] | str, fault: str
) -> None:
    result = run("read", "-", given=lines(STOP, line, PROMISE))

    assert [json.loads(one)["id"] for one in result.stdout.splitlines()] == ["s1", "s2"]
    first, last = result.stderr.splitlines()
    assert first.startswith(fault)
    assert last == "Error: 1 of 3 lines could not be read"
    assert result.exit_code == 1


def test_no_fault_repeats_what_a_borrower_wrote() -> None:
    secret = "Jane Roe 555-0123"

    result = run("read", "-", given=lines(STOP | {"channel": secret}, STOP | {"labels": [secret]}, f'{{"{secret}'))

    assert secret not in result.stderr
    assert result.exit_code == 1


def test_of_very_many_faults_the_first_are_shown_and_all_are_counted() -> None:
    result = run("read", "-", given=b"no item\n" * 500)

    assert len(result.stderr.splitlines()) == FAULTS_SHOWN_MAX + 1
    assert result.stderr.splitlines()[-1] == "Error: 500 of 500 lines could not be read (the first 20 are shown)"


def test_files_as_windows_saves_them_are_read_or_told_apart() -> None:
    marked = run("read", "-", given=b"\xef\xbb\xbf" + lines(STOP) + b"\r\n")
    wide = run("read", "-", given=lines(STOP).decode().encode("utf-16"))

    assert (json.loads(marked.stdout)["id"], marked.exit_code) == ("s1", 0)
    assert wide.stderr.startswith("line 1: is not UTF-8; save the file as UTF-8")


def test_a_language_that_the_reader_does_not_know_is_told_by_the_words() -> None:
    result = run("read", "-", given=lines(PROMISE | {"lang": "fr"}))

    assert json.loads(result.stdout)["labels"] == ["promise_to_pay"]


def test_an_empty_file_is_said_to_be_empty() -> None:
    result = run("read", "-")

    assert (result.stdout, result.stderr) == ("", "the file holds no line: nothing was read\n")


@given(
    st.one_of(
        st.binary(max_size=200),
        st.dictionaries(
            st.sampled_from([*STOP, "labels", "extract", "must_not"]),
            st.one_of(st.none(), st.text(), st.integers(), st.lists(st.text()), st.dictionaries(st.text(), st.none())),
        ).map(lambda changes: json.dumps(STOP | changes).encode()),
    )
)
def test_any_line_is_an_item_or_a_fault(line: bytes) -> None:
    found = list(read_records(io.BytesIO(line)))

    assert all(isinstance(one, Item | Fault) for one in found)
    assert len(found) <= len(line.split(b"\n"))


def test_a_report_needs_the_truth_of_every_line() -> None:
    result = run("report", "-", given=lines(STOP | {"labels": ["opt_out"]}, PROMISE))

    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "line 2, labels: is missing; a report compares with them (`forbear replies read` needs none)",
        "Error: 1 of 2 lines could not be measured on",
    ]
    assert result.exit_code == 1


def test_a_report_counts_what_was_read_rightly_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where there are no author files

    result = run("report", "-", given=lines(STOP | {"labels": ["opt_out"]}, PROMISE | {"labels": ["hardship"]}))

    assert result.stdout.startswith("2 items; exactly right 0.500; micro-F1 0.500;")
    assert "| hardship | promise_to_pay | 1 |" in result.stdout
    assert result.exit_code == 0


def test_authors_who_are_not_there_are_asked_for(tmp_path: Path) -> None:
    reported = run("report", "--authors", str(tmp_path))
    trained = run("train", "--authors", str(tmp_path))

    assert reported.stderr == (
        f"Error: there is no author file {tmp_path}/heldout/*_*.txt; give a FILE of items with labels, or --authors\n"
    )
    assert trained.stderr.splitlines()[-1].endswith("holds no author file (*.txt)")
    assert (reported.exit_code, trained.exit_code) == (1, 2)


def test_a_model_stays_as_it_was_where_an_author_file_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "en_ann.txt").write_text("# author: ann; language: en.\n== opt_out\nstop\n== sotp\nend\n")
    (tmp_path / "model.npz").write_bytes(b"the old one")

    result = run("train", "--authors", str(tmp_path), "--out", str(tmp_path / "model.npz"))

    assert result.stderr.startswith("Error: en_ann.txt, line 4: 'sotp' is none of opt_out, cease_all,")
    assert (tmp_path / "model.npz").read_bytes() == b"the old one"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["en_ann.txt", "model.npz"]


def test_a_model_that_could_not_be_written_is_said_so_before_it_is_trained(tmp_path: Path) -> None:
    (tmp_path / "en_ann.txt").write_text("== opt_out\nstop\n")

    result = run("train", "--authors", str(tmp_path), "--out", str(tmp_path / "nowhere/model.npz"))

    assert f"cannot write to {tmp_path}/nowhere: No such file or directory" in result.stderr
    assert result.exit_code == 2
