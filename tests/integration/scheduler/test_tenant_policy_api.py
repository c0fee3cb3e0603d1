"""Tenants' own rules through the API: checked by line, versioned, handed over, in force in plans and on the wire."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
import pytest
from click.testing import CliRunner, Result

from contact_scheduler.credentials import digest
from contact_scheduler.store.tenants import TenantStore
from forbear_chassis.http import HttpServer
from forbear_client.policy_commands import policy
from tests.integration.scheduler.scheduler_stage import KEY, OTHER_KEY, Scheduler

pytestmark = pytest.mark.needs_postgres

NEW_YORK = ZoneInfo("America/New_York")
TOML = {"Content-Type": "application/toml"}
EVENINGS = """jurisdiction = "HARBOR"
title = "Harbor's own"
version = "spring"
[[rule]]
id = "HARBOR-EVENINGS"
kind = "clock_window"
summary = "In the evening only."
source = "board minutes of 3 May"
grade = "policy"
[rule.parameters]
opens = "17:00"
closes = "20:00"
[[case]]
name = "noon is too early"
rule = "HARBOR-EVENINGS"
at = 2026-06-09T16:00:00Z
expect = "not_before"
[case.facts]
channel = "sms"
"""
REST = (
    EVENINGS.partition("[[rule]]")[0]
    + """[[rule]]
id = "HARBOR-REST"
kind = "rest_days"
summary = "Nobody works here."
source = "board minutes of 3 May"
grade = "policy"
[rule.parameters]
days = [{day}]
"""
)


async def put(scheduler: Scheduler, text: str = EVENINGS, **headers: str) -> httpx.Response:
    """Put rules."""
    return await scheduler.http.put("/v1/policy", content=text.encode(), headers={**TOML, **headers})


async def test_a_policy_is_pending_until_the_dispatcher_holds_to_it(scheduler: Scheduler) -> None:
    """The answer says what is true: stored first, in force once it is confirmed; every version stays on record."""
    before = (await scheduler.http.get("/v1/policy")).json()
    stored = (await put(scheduler)).json()
    await scheduler.run_release()
    held = (await scheduler.http.get("/v1/policy")).json()

    assert (0, "none") == (before["version"], before["state"])
    assert (1, "pending", "test") == (stored["version"], stored["state"], stored["put_by"])
    assert ["HARBOR-EVENINGS"] == [rule["id"] for rule in stored["rules"]]
    assert "in_force" == held["state"]
    assert [(scheduler.tenant_id.bytes, 1, EVENINGS)] == [
        (one.tenant_id, one.version, one.text) for one in scheduler.dispatcher.policies
    ]


async def test_every_version_stays_on_record_and_the_same_text_makes_none(scheduler: Scheduler) -> None:
    """Putting, changing and withdrawing are three versions; a repeat is none."""
    await put(scheduler)
    await put(scheduler)
    await put(scheduler, EVENINGS.replace("17:00", "18:00"))
    await scheduler.http.delete("/v1/policy")
    listed = (await scheduler.http.get("/v1/policy/versions")).json()
    await scheduler.run_release()

    assert [3, 2, 1] == [one["version"] for one in listed]
    assert ["pending", "replaced", "replaced"] == [one["state"] for one in listed]
    assert [[], ["HARBOR-EVENINGS"], ["HARBOR-EVENINGS"]] == [[r["id"] for r in one["rules"]] for one in listed]
    assert [1, 2, 3] == [one.version for one in scheduler.dispatcher.policies]
    assert EVENINGS == (await scheduler.http.get("/v1/policy/versions/1")).json()["text"]
    assert 404 == (await scheduler.http.get("/v1/policy/versions/4")).status_code


@pytest.mark.parametrize(
    ("text", "field", "mend"),
    [
        (EVENINGS.replace("17:00", "29:00"), "line 11", "not a time of day"),
        (EVENINGS.replace("16:00:00Z", "22:00:00Z"), "line 13", "expected NOT_BEFORE, decided ALLOW"),
        (EVENINGS.replace("HARBOR-EVENINGS", "REGF-6B1-TIME"), "line 4", "one of your own"),
        (EVENINGS.replace('"policy"', '"policy"\noutcome = "allow"'), "line 10", "cannot be 'allow'"),
        ("jurisdiction = ", "body", "Invalid value"),
        ("  ", "body", "DELETE /v1/policy withdraws"),
    ],
)
async def test_a_policy_that_cannot_hold_is_refused_by_line(
    scheduler: Scheduler, text: str, field: str, mend: str
) -> None:
    """Nothing changes, and the answer says what to mend where; a check answers the same."""
    answer = await put(scheduler, text)
    (error,) = answer.json()["errors"]

    assert 422 == answer.status_code
    assert field == error["field"]
    assert mend in error["mend"]
    assert 0 == (await scheduler.http.get("/v1/policy")).json()["version"]
    if text.strip():
        checked = await scheduler.http.post("/v1/policy:check", content=text.encode(), headers=TOML)
        assert answer.json()["errors"] == checked.json()["errors"]


async def test_bodies_of_another_kind_or_size_are_refused(scheduler: Scheduler) -> None:
    """Media type, length and encoding have their own answers."""
    wrong_kind = await put(scheduler, **{"Content-Type": "application/json"})
    too_long = await put(scheduler, "#" * 70_000)
    no_text = await scheduler.http.put("/v1/policy", content=b"\xff", headers=TOML)

    assert [422, 413, 422] == [one.status_code for one in (wrong_kind, too_long, no_text)]
    assert "UTF-8" in no_text.text


async def test_a_check_keeps_nothing(scheduler: Scheduler) -> None:
    """It tells which rules and how many worked cases hold."""
    checked = await scheduler.http.post("/v1/policy:check", content=EVENINGS.encode(), headers=TOML)

    assert (200, 1) == (checked.status_code, checked.json()["cases"])
    assert 0 == await scheduler.count("SELECT count(*) FROM tenant_policy")


async def test_who_may_only_read_cannot_put_and_no_tenant_sees_another_s(scheduler: Scheduler) -> None:
    """Scopes and tenants are kept apart; a second tenant starts with version 0."""
    store = TenantStore(scheduler.pool)
    await store.add_key(digest("fbk_reader"), scheduler.tenant_id, "reader", ["read"], scheduler.clock.now())
    await put(scheduler)
    other = {"Authorization": f"Bearer {OTHER_KEY}"}

    assert 403 == (await put(scheduler, Authorization="Bearer fbk_reader")).status_code
    assert 0 == (await scheduler.http.get("/v1/policy", headers=other)).json()["version"]
    assert [] == (await scheduler.http.get("/v1/policy/versions", headers=other)).json()


async def test_plans_and_contacts_are_under_the_policy(scheduler: Scheduler, portfolio: str) -> None:
    """The mask knows the tenant's hours, and each contact says under which version it was made."""
    await scheduler.upload(portfolio)
    await put(scheduler)
    await scheduler.start_campaign()
    await scheduler.run_plan()
    planned = [row["not_before"] for row in await scheduler.pool.fetch("SELECT not_before FROM contact")]
    assert planned
    assert {17, 18, 19} >= {at.astimezone(NEW_YORK).hour for at in planned}

    await scheduler.live_until(max(planned))
    versions = {contact.recipient.policy_version for contact in scheduler.dispatcher.contacts.values()}
    assert {1} == versions


@pytest.mark.parametrize("rests", [True, False])
async def test_plans_leave_a_tenant_s_days_of_rest_out(scheduler: Scheduler, portfolio: str, rests: bool) -> None:
    """The pair: the day that is planned is listed and nobody is contacted on it, or another one is and many are."""
    today = scheduler.clock.now().astimezone(NEW_YORK).date()
    listed = today if rests else today.replace(year=today.year + 1)
    assert 200 == (await put(scheduler, REST.format(day=listed.isoformat()))).status_code
    await scheduler.upload(portfolio)
    await scheduler.start_campaign()
    await scheduler.run_plan()

    assert rests is (await scheduler.count("SELECT count(*) FROM contact") == 0)


async def test_without_a_policy_contacts_name_none(scheduler: Scheduler, portfolio: str) -> None:
    """The twin: version 0 on the wire, and hours before the evening in the plan."""
    await scheduler.upload(portfolio)
    await scheduler.start_campaign()
    await scheduler.run_plan()
    planned: list[datetime] = [
        row["not_before"] for row in await scheduler.pool.fetch("SELECT not_before FROM contact")
    ]
    await scheduler.live_until(max(planned))

    assert {8, 9, 10, 11, 12, 13, 14, 15, 16} & {at.astimezone(NEW_YORK).hour for at in planned}
    assert {0} == {contact.recipient.policy_version for contact in scheduler.dispatcher.contacts.values()}


async def test_a_tenant_that_is_written_again_keeps_its_policy(scheduler: Scheduler, portfolio: str) -> None:
    """Changing the brand does not lose the version that contacts carry."""
    await put(scheduler)
    await TenantStore(scheduler.pool).create(
        scheduler.tenant_id, "harbor", "Harbor", "creditor", b"", scheduler.clock.now()
    )
    await scheduler.upload(portfolio)
    await scheduler.start_campaign()
    await scheduler.run_plan()
    last_at = await scheduler.count("SELECT max(not_before) FROM contact")
    await scheduler.live_until(last_at)

    assert {1} == {contact.recipient.policy_version for contact in scheduler.dispatcher.contacts.values()}


async def test_the_command_puts_shows_and_withdraws(scheduler: Scheduler, tmp_path: Path) -> None:
    """`forbear policy put|show|withdraw|packs --mine` over HTTP: what a compliance officer types."""
    server = HttpServer(scheduler.app, "127.0.0.1:0")
    await server.start()
    file, key_file = tmp_path / "mine.toml", tmp_path / "key"
    file.write_text(EVENINGS, encoding="utf-8")
    key_file.write_text(KEY, encoding="utf-8")
    doubtful = tmp_path / "doubtful.toml"
    doubtful.write_text(EVENINGS.replace("17:00", "29:00"), encoding="utf-8")
    where = ["--url", f"http://127.0.0.1:{server.port}", "--key-file", str(key_file)]

    async def run(*arguments: str) -> Result:
        return await asyncio.to_thread(CliRunner().invoke, policy, [*arguments, *where])

    async def confirm() -> None:
        while not scheduler.dispatcher.policies:
            await asyncio.sleep(0.05)
            await scheduler.run_release()

    put_one, _ = await asyncio.gather(run("put", str(file)), confirm())
    assert 0 == put_one.exit_code, put_one.output
    assert "version 1  HARBOR@1#" in put_one.output
    assert "in force since" in put_one.output
    assert "HARBOR-EVENINGS" in (await run("packs", "--mine")).output
    refused = await run("put", str(doubtful))
    assert (1, True) == (refused.exit_code, "line 11: HARBOR-EVENINGS: not a time of day" in refused.output)
    assert "1 worked cases hold" in (await run("put", "--check", str(file))).output
    assert EVENINGS in (await run("show", "--version", "1")).output
    assert 1 == json.loads((await run("show", "--json")).output)["version"]
    scheduler.dispatcher.policies.clear()
    withdrawn, _ = await asyncio.gather(run("withdraw"), confirm())
    assert "version 2  no rules of your own" in withdrawn.output
    assert ["   2  in_force", "   1  replaced"] == [
        line[:14].rstrip() for line in (await run("show", "--versions")).output.splitlines()
    ]
    assert "no such resource" in (await run("show", "--version", "9")).output
    await server.stop(1.0)
