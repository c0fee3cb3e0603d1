"""Checks for reassigned numbers: no keeps a consent fresh, yes bars, no data changes nothing; over HTTP, end to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from forbear.types.v1 import types_pb2
from forbear_chassis.http import HttpServer
from forbear_client.number_commands import numbers
from tests.integration.scheduler.scheduler_stage import KEY, OTHER_KEY, Scheduler, make_csv, make_row
from tests.kit.worlds import open_world, world_settings

pytestmark = pytest.mark.needs_postgres

CONSENT = date(2025, 11, 3)  # four months before the tests' clock: stale
CHECKED = "2026-02-25"
PHONE = make_row(1)["mobile"]


def answer(answer: str, *, since: date = CONSENT, phone: str = PHONE, checked_on: str = CHECKED) -> dict[str, str]:
    """One answer."""
    return {"phone": phone, "since": since.isoformat(), "answer": answer, "checked_on": checked_on}


async def record(scheduler: Scheduler, *answers: dict[str, str], key: str = KEY) -> httpx.Response:
    """Record answers."""
    headers = {"Authorization": f"Bearer {key}"}
    return await scheduler.http.post("/v1/numbers:record", json={"checks": list(answers)}, headers=headers)


async def texted(scheduler: Scheduler) -> list[types_pb2.Contact]:
    """Run a campaign of texts for two days; return what the dispatcher got."""
    await scheduler.start_campaign(channels=["sms"], control_share=0)
    await scheduler.live_until(scheduler.clock.now() + timedelta(days=2))
    return list(scheduler.dispatcher.contacts.values())


@pytest.mark.parametrize(
    ("checks", "is_texted", "report"),
    [
        ([answer("no")], True, (1, 1, 0, 0)),
        ([answer("no", since=CONSENT - timedelta(days=40))], True, (1, 1, 0, 0)),
        ([answer("no", since=CONSENT + timedelta(days=1))], False, (1, 0, 0, 1)),
        ([answer("no", checked_on="2025-12-20")], False, (1, 1, 0, 0)),
        ([answer("no_data")], False, (1, 0, 0, 1)),
        ([answer("yes")], False, (1, 0, 1, 0)),
        ([answer("no"), answer("yes")], False, (2, 1, 1, 0)),
        ([answer("no"), answer("no_data", checked_on="2026-02-26")], True, (2, 1, 0, 0)),
    ],
    ids=[
        "no",
        "no_since_before",
        "no_since_after_the_consent",
        "no_long_ago",
        "no_data",
        "yes",
        "both",
        "no_then_none",
    ],
)
async def test_only_a_no_that_covers_the_consent_lets_a_text_go(
    scheduler: Scheduler, checks: list[dict[str, str]], is_texted: bool, report: tuple[int, ...]
) -> None:
    """12 CFR 1006.6(d)(5)(ii): not reassigned since the consent, checked within 60 days. Unknown never loosens."""
    await scheduler.upload(make_csv([make_row(1)]))
    told = (await record(scheduler, *checks)).json()

    assert report == (told["new"], told["fresh"], told["barred"], told["silent"])
    assert is_texted is bool(await texted(scheduler))


async def test_a_yes_bars_the_number_at_the_gate_and_takes_back_what_is_on_its_way(scheduler: Scheduler) -> None:
    """The number of two loans' borrower, called and texted: one suppression for the tenant, planned contacts end."""
    await scheduler.upload(make_csv([make_row(1, sms_consent_on="2026-02-20", voice_consent_on="2026-02-20")]))
    await scheduler.start_campaign(channels=["sms", "voice"], control_share=0)
    await scheduler.run_plan()
    planned = await scheduler.count("SELECT count(*) FROM contact WHERE state = 0")
    first, again = await record(scheduler, answer("yes")), await record(scheduler, answer("yes"))
    await scheduler.run_release()

    assert planned > 0
    assert [0] == [await scheduler.count("SELECT count(*) FROM contact WHERE state IN (0, 6)")]
    assert [1, 0] == [first.json()["new"], again.json()["new"]]
    assert [(types_pb2.SUPPRESSION_KIND_WRONG_PARTY, PHONE, b"", "reassigned")] * 2 == [
        (one.kind, one.address, one.borrower_id, one.source) for one in scheduler.dispatcher.suppressions
    ]
    assert 1 == len({one.suppression_id for one in scheduler.dispatcher.suppressions})
    assert 0 == await scheduler.count("SELECT count(*) FROM outbox")
    assert [] == await texted(scheduler)


async def test_an_import_of_the_same_borrower_keeps_the_answer_and_a_new_consent_needs_a_new_one(
    scheduler: Scheduler,
) -> None:
    """Changed rows are written anew: the answer stays, but for a consent that is younger than the date asked about."""
    await scheduler.upload(make_csv([make_row(1)]))
    await record(scheduler, answer("no"))
    await scheduler.upload(make_csv([make_row(1, balance="179000.00")]))
    kept = await scheduler.count("SELECT checked_on FROM contact_point WHERE channel = 1")
    told = (await texted(scheduler))[0].recipient.number_check_time.ToDatetime()

    assert (date.fromisoformat(CHECKED), CHECKED) == (kept, told.date().isoformat())


async def test_an_erased_borrower_leaves_no_answer_behind(scheduler: Scheduler) -> None:
    """The twin stays: answers about numbers that others have."""
    await scheduler.upload(make_csv([make_row(1), make_row(2)]))
    await record(scheduler, answer("no"), answer("no", phone=make_row(2)["mobile"]))
    await scheduler.http.post("/v1/borrowers/B00001:erase")

    assert 1 == await scheduler.count("SELECT count(*) FROM number_check")


async def test_no_tenant_tells_another_s_numbers(scheduler: Scheduler) -> None:
    """I8: what another tenant records about the same number changes nothing here, and only says: not yours."""
    await scheduler.upload(make_csv([make_row(1)]))
    told = (await record(scheduler, answer("no"), key=OTHER_KEY)).json()

    assert (0, 1) == (told["fresh"], told["unknown"])
    assert [] == await texted(scheduler)


@pytest.mark.parametrize(
    ("check", "field"),
    [
        (answer("no", phone="+1555"), "checks[0].phone"),
        (answer("no", checked_on="2099-01-01"), "checks[0].checked_on"),
        (answer("no", since=date(2026, 2, 26)), "checks[0].checked_on"),
        (answer("maybe"), "checks.0.answer"),
    ],
)
async def test_an_answer_that_cannot_be_is_refused_by_field_and_none_is_kept(
    scheduler: Scheduler, check: dict[str, str], field: str
) -> None:
    """A good answer beside it is not recorded either, and the number is not repeated."""
    await scheduler.upload(make_csv([make_row(1)]))
    refused = await record(scheduler, check, answer("no"))
    (error,) = refused.json()["errors"]

    assert 422 == refused.status_code
    assert field == error["field"].replace("body.", "")
    assert check["phone"] not in refused.text
    assert 0 == await scheduler.count("SELECT count(*) FROM number_check")


async def test_whose_consent_goes_stale_is_listed_until_it_was_checked(scheduler: Scheduler) -> None:
    """The twin of the last two: a fresh consent is not asked about until it is about to go stale."""
    await scheduler.upload(make_csv([make_row(1), make_row(2, sms_consent_on="2026-02-20")]))

    async def listed(days: int = 7) -> list[tuple[str, str, str]]:
        found = (await scheduler.http.get("/v1/numbers/due", params={"days": days})).json()["due"]
        return [(one["borrower_ref"], one["since"], one["fresh_until"]) for one in found]

    assert [("B00001", "2025-11-03", "2026-01-02")] == await listed()
    assert ["B00001", "B00002"] == [ref for ref, _, _ in await listed(60)]
    await record(scheduler, answer("no"))
    assert [] == await listed()
    await record(scheduler, answer("yes"))
    assert ["B00002"] == [ref for ref, _, _ in await listed(60)]


@pytest.fixture
async def served(scheduler: Scheduler) -> AsyncIterator[str]:
    """The API over HTTP."""
    server = HttpServer(scheduler.app, "127.0.0.1:0")
    await server.start()
    yield f"http://127.0.0.1:{server.port}"
    await server.stop(1.0)


def run(*arguments: str) -> Result:
    """Run `forbear numbers`."""
    return CliRunner().invoke(numbers, list(arguments))


async def test_the_command_asks_the_service_and_records_what_it_answers(
    scheduler: Scheduler, served: str, tmp_path: Path
) -> None:
    """Real HTTP on both sides: of three mobiles one changed hands, one did not, and one is unknown to the world."""
    rows = [make_row(number) for number in (1, 2, 3)]
    file, account, key = tmp_path / "portfolio.csv", tmp_path / "account", tmp_path / "key"
    file.write_text(make_csv(rows[:2]), encoding="utf-8")
    settings = world_settings(portfolio=file)
    account.write_text(f"{settings.account_sid}\n{settings.auth_token}\n", encoding="utf-8")
    key.write_text(KEY, encoding="utf-8")
    await scheduler.upload(make_csv(rows))
    async with open_world(settings) as world:
        for ref, is_wrong in (("B00001", True), ("B00002", False)):
            borrower = world.population.by_ref[ref]
            borrower.habits = replace(borrower.habits, is_wrong_person=is_wrong)
        file.write_text(make_csv(rows), encoding="utf-8")
        service = ["--account-file", str(account), "--lookup-url", f"http://{settings.twilio}"]
        where = ["--today", "2026-03-02", "--url", served, "--key-file", str(key)]
        asked = await asyncio.to_thread(run, "check", str(file), *service, *where)
        account.write_text(f"{settings.account_sid}\nanother\n", encoding="utf-8")
        refused = await asyncio.to_thread(run, "check", str(file), *service, *where)
    gone = await asyncio.to_thread(run, "check", str(file), *service, *where)

    assert 0 == asked.exit_code, asked.output
    assert "3 answers: 1 consents are fresh for 60 days, 1 numbers barred, 1 unchanged, 0 not yours" in asked.output
    assert {rows[1]["borrower_ref"]} == {
        row["ref"] for row in await scheduler.pool.fetch(
            "SELECT ref FROM borrower JOIN contact_point USING (borrower_id) WHERE checked_on IS NOT NULL")
    }  # fmt: skip
    assert (1, True) == (refused.exit_code, "refuses the account" in refused.output)
    assert (1, True) == (gone.exit_code, "does not answer" in gone.output)
    assert not [row for row in rows if row["mobile"] in asked.output + refused.output + gone.output]


async def test_the_result_of_a_bulk_query_is_recorded_from_its_file(
    scheduler: Scheduler, served: str, tmp_path: Path
) -> None:
    """Words that are not plainly yes or no count as no data; a line that cannot be read is named."""
    await scheduler.upload(make_csv([make_row(1), make_row(2)]))
    file, bad, key = tmp_path / "answers.csv", tmp_path / "bad.csv", tmp_path / "key"
    key.write_text(KEY, encoding="utf-8")
    lines = [f"{PHONE},2025-11-03,No,{CHECKED}", f"{make_row(2)['mobile']},2025-11-03,unknown,{CHECKED}"]
    file.write_text("\n".join(["phone,since,answer,checked_on", *lines]), encoding="utf-8")
    bad.write_text(f"phone,since,answer,checked_on\n{PHONE},3 Nov,no,{CHECKED}\n", encoding="utf-8")
    where = ["--url", served, "--key-file", str(key)]
    recorded = await asyncio.to_thread(run, "record", str(file), *where)
    refused = await asyncio.to_thread(run, "record", str(bad), *where)
    listed = await asyncio.to_thread(run, "due", *where)

    assert "2 answers: 1 consents are fresh for 60 days, 0 numbers barred, 1 unchanged" in recorded.output
    assert "line 2: since must be a date such as 2026-03-02" in refused.output
    assert ("B00002" in listed.output, "1 to check" in listed.output) == (True, True)
