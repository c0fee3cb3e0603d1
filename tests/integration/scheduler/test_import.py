"""The import against a real database: good rows kept, bad rows told, twice the same as once."""

from __future__ import annotations

import asyncio

import orjson
import pytest

from contact_scheduler.metrics import IMPORT_ROWS
from tests.integration.scheduler.scheduler_stage import OTHER_KEY, Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres


async def test_a_second_import_of_the_same_file_changes_nothing(scheduler: Scheduler, portfolio: str) -> None:
    """The same rows again are reported as unchanged and leave every row of the database as it was."""
    first = (await scheduler.upload(portfolio)).json()
    before = await scheduler.count(
        "SELECT md5(string_agg(b::text || p::text, '' ORDER BY b, p)) FROM borrower b, contact_point p"
    )
    second = (await scheduler.upload(portfolio)).json()
    after = await scheduler.count(
        "SELECT md5(string_agg(b::text || p::text, '' ORDER BY b, p)) FROM borrower b, contact_point p"
    )

    assert (40, 40, 0, 0) == tuple(
        first[name] for name in ("rows_read", "rows_created", "rows_unchanged", "rows_rejected")
    )
    assert (40, 0, 40, 0) == tuple(
        second[name] for name in ("rows_read", "rows_created", "rows_unchanged", "rows_rejected")
    )
    assert before == after


async def test_good_rows_are_kept_and_bad_rows_are_told_with_line_field_and_mend(scheduler: Scheduler) -> None:
    """One bad row among good ones costs only itself, and its values are not repeated."""
    rows = [make_row(1), make_row(2, mobile="12345"), make_row(3, due_on="2026-02-30"), make_row(4)]
    counted = {result: counter._value.get() for result, counter in IMPORT_ROWS.items()}
    report = (await scheduler.upload(make_csv(rows))).json()
    errors = await scheduler.http.get(f"/v1/imports/{report['import_id']}/errors")

    assert (2, 2) == (report["rows_created"], report["rows_rejected"])
    assert [(3, "mobile"), (4, "due_on")] == [(e["line"], e["field"]) for e in report["first_errors"]]
    assert [(3, "mobile"), (4, "due_on")] == [
        (e["line"], e["field"]) for e in map(orjson.loads, errors.text.splitlines())
    ]
    assert "12345" not in errors.text
    assert {"created": 2, "changed": 0, "unchanged": 0, "rejected": 2} == {
        result: counter._value.get() - counted[result] for result, counter in IMPORT_ROWS.items()
    }


async def test_a_loan_that_stands_twice_is_told_with_the_line_of_the_first(scheduler: Scheduler) -> None:
    """Duplicates are found within a batch and across batches."""
    rows = [make_row(1), make_row(2), make_row(2)]
    report = (await scheduler.upload(make_csv(rows))).json()

    assert (2, 1) == (report["rows_created"], report["rows_rejected"])
    assert (4, "loan_ref") == (report["first_errors"][0]["line"], report["first_errors"][0]["field"])
    assert "line 3" in report["first_errors"][0]["mend"]


async def test_a_loan_of_another_borrower_is_not_taken_over(scheduler: Scheduler) -> None:
    """A reference that the database gives to somebody else is a fault of the row."""
    await scheduler.upload(make_csv([make_row(1)]))
    report = (await scheduler.upload(make_csv([make_row(2, loan_ref="L00001")]))).json()

    assert 1 == report["rows_rejected"]
    assert "another borrower" in report["first_errors"][0]["mend"]


async def test_rows_that_contradict_each_other_about_a_borrower_are_told(scheduler: Scheduler) -> None:
    """Two loans of one borrower must say the same about the borrower."""
    rows = [make_row(1), make_row(1, loan_ref="L2"), make_row(1, loan_ref="L3", email="other@example.com")]
    report = (await scheduler.upload(make_csv(rows))).json()

    assert (2, 1) == (report["rows_created"], report["rows_rejected"])
    assert "borrower_ref" == report["first_errors"][0]["field"]


async def test_a_changed_row_replaces_what_was_known(scheduler: Scheduler) -> None:
    """A withdrawn consent and a lost address are gone after the next import."""
    await scheduler.upload(make_csv([make_row(1)]))
    report = (await scheduler.upload(make_csv([make_row(1, sms_consent_on="", email="")]))).json()
    shown = (await scheduler.http.get("/v1/borrowers/B00001")).json()

    assert 1 == report["rows_changed"]
    assert [("sms", None), ("voice", "2025-11-03")] == [
        (p["channel"], p["consent_on"]) for p in shown["contact_points"]
    ]
    assert "+1***0101" == shown["contact_points"][0]["address"]


async def test_the_same_key_gives_the_first_answer_and_another_body_is_refused(
    scheduler: Scheduler, portfolio: str
) -> None:
    """Idempotency keys of imports: first answer, 422 for a changed body."""
    first = await scheduler.upload(portfolio, key="monday")
    again = await scheduler.upload(portfolio, key="monday")
    other = await scheduler.upload(portfolio + "\n", key="monday")

    assert first.json() == again.json()
    assert 422 == other.status_code
    assert "Idempotency-Key" == other.json()["errors"][0]["field"]


async def test_a_twin_of_a_running_import_gets_409(scheduler: Scheduler, portfolio: str) -> None:
    """While an import runs, the same key is refused; once it is done, it answers."""
    gate = asyncio.Event()

    async def slow_body():
        yield portfolio[:500].encode()
        await gate.wait()
        yield portfolio[500:].encode()

    headers = {"Content-Type": "text/csv", "Idempotency-Key": "twin"}
    running = asyncio.create_task(scheduler.http.post("/v1/borrowers:import", content=slow_body(), headers=headers))
    while not (await scheduler.http.get("/v1/imports")).json():
        await asyncio.sleep(0.01)
    twin = await scheduler.upload(portfolio, key="twin")
    gate.set()

    assert 409 == twin.status_code
    assert 40 == (await running).json()["rows_created"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("", "empty"),
        ("a,b\n1,2\n", "required"),
        (make_csv([make_row(1)]).replace("loan_ref,", "loanref,"), "missing: loan_ref; unknown: loanref"),
    ],
)
async def test_a_file_that_cannot_be_read_says_why(scheduler: Scheduler, body: str, words: str) -> None:
    """A wrong header or broken quoting ends the import with the reason; nothing of the values is repeated."""
    report = (await scheduler.upload(body)).json()

    assert "failed" == report["state"]
    assert words in report["failure"]


async def test_a_quotation_mark_that_is_never_closed_costs_only_the_rows_behind_it(scheduler: Scheduler) -> None:
    """The rows before it are kept, and it is told where it was opened."""
    body = make_csv([make_row(1), make_row(2)]).replace("B00002", '"B00002')
    report = (await scheduler.upload(body)).json()

    assert 1 == report["rows_created"]
    assert (3, "row") == (report["first_errors"][0]["line"], report["first_errors"][0]["field"])


async def test_other_encodings_are_refused_by_name(scheduler: Scheduler, portfolio: str) -> None:
    """UTF-8 with a byte-order mark is taken; UTF-16 and Latin-1 are told."""
    headers = {"Content-Type": "text/csv"}
    utf16 = await scheduler.http.post("/v1/borrowers:import", content=portfolio.encode("utf-16"), headers=headers)
    latin = portfolio.replace("Ana", "Jos\u00e9").encode("latin-1")
    latin1 = await scheduler.http.post("/v1/borrowers:import", content=latin, headers=headers)
    marked = await scheduler.http.post("/v1/borrowers:import", content=portfolio.encode("utf-8-sig"), headers=headers)

    assert "UTF-16" in utf16.json()["failure"]
    assert "not UTF-8" in latin1.json()["failure"]
    assert 40 == marked.json()["rows_created"]


async def test_ndjson_is_taken_and_unknown_keys_are_told(scheduler: Scheduler) -> None:
    """Numbers and null are values; an unknown key is a fault of its row."""
    good = make_row(1) | {"past_due_days": 20, "monthly_income": None, "balance": 180000.5}
    bad = make_row(2) | {"nickname": "x"}
    body = "\n".join(orjson.dumps(row).decode() for row in (good, bad)) + "\n{broken\n"
    report = (await scheduler.upload(body, kind="application/x-ndjson")).json()

    assert (1, 2) == (report["rows_created"], report["rows_rejected"])
    assert [(2, "nickname"), (3, "row")] == [(e["line"], e["field"]) for e in report["first_errors"]]


async def test_an_import_is_invisible_to_other_tenants(scheduler: Scheduler, portfolio: str) -> None:
    """Another tenant's key finds neither the import nor the borrower: the answers look the same as for nothing."""
    report = (await scheduler.upload(portfolio)).json()
    headers = {"Authorization": f"Bearer {OTHER_KEY}"}
    answers = [
        await scheduler.http.get(path, headers=headers)
        for path in (f"/v1/imports/{report['import_id']}", "/v1/borrowers/B00001", "/v1/borrowers/nobody")
    ]

    assert [404, 404, 404] == [answer.status_code for answer in answers]
    assert 1 == len({answer.text for answer in answers})
