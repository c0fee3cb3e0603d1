"""Tenants' own rules at the gate: in force for every later permit, and nobody is contacted while they are unknown."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import asyncpg
import orjson
import pytest
from click.testing import CliRunner, Result

from channel_dispatcher.store import ledger
from channel_dispatcher.store.policies import UNKNOWN_POLICY
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear_chassis.errors import Fault
from forbear_client.ledger_commands import ledger as command
from forbear_domain import ids
from forbear_domain.lifecycle import State
from forbear_providers.contract import SendOutcome, SendRequest, SendState
from tests.integration.dispatcher.stage import TENANT, Stage, make_contact
from tests.kit.databases import Database

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]

OTHER = ids.tenant_id("other")
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
opens = "19:00"
closes = "20:00"
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
regions = ["US-NY"]
"""
)


async def apply(stage: Stage, version: int, text: str = EVENINGS, tenant: uuid.UUID = TENANT) -> pb.ApplyPolicyResponse:
    """Put rules in force as the scheduler would."""
    request = pb.ApplyPolicyRequest(request_id=str(uuid.uuid4()), tenant_id=tenant.bytes, version=version, text=text)
    return await stage.rpc.ApplyPolicy(request, None)


def run(*arguments: str) -> Result:
    """Run `forbear ledger` as the auditor."""
    return CliRunner().invoke(command, list(arguments))


async def test_a_tenant_s_rules_hold_back_what_the_law_allows(stage: Stage) -> None:
    """The pair: before them a noon text goes out, under them the next waits for the evening, by its own rule."""
    now = stage.clock.now()
    await stage.submit(make_contact(1, now))
    await stage.run()
    applied = await apply(stage, 1)
    await stage.submit(make_contact(2, now))
    await stage.run()

    assert 1 == applied.version
    assert 1 == len(stage.provider.sent)
    reasons = await stage.pool.fetch("SELECT reason FROM contact WHERE state = 10")
    assert ["HARBOR-EVENINGS"] == [row["reason"] for row in reasons]


async def test_nothing_goes_out_on_a_tenant_s_day_of_rest(stage: Stage) -> None:
    """The pair, by region: a text to New York waits for the end of the day listed, one to Massachusetts goes out."""
    now = stage.clock.now()
    await apply(stage, 1, REST.format(day=now.astimezone(ZoneInfo("America/New_York")).date().isoformat()))
    here, there = make_contact(1, now), make_contact(2, now)
    here.recipient.places[0].region, there.recipient.places[0].region = "US-NY", "US-MA"
    here.expire_time.FromDatetime(now + timedelta(days=2))
    await stage.submit(here, there)
    await stage.run()
    waiting = await stage.pool.fetch("SELECT reason, due_at FROM contact WHERE state = 10")

    assert ["HARBOR-REST"] == [row["reason"] for row in waiting]
    assert waiting[0]["due_at"] >= now + timedelta(hours=8)
    assert 1 == len(stage.provider.sent)


async def test_the_rules_of_one_tenant_bind_no_other(stage: Stage) -> None:
    """I8: what another tenant wrote changes nothing here."""
    await apply(stage, 1, tenant=OTHER)
    await stage.submit(make_contact(1, stage.clock.now()))
    await stage.run()

    assert 1 == len(stage.provider.sent)


async def test_nobody_is_contacted_under_rules_that_were_replaced(stage: Stage) -> None:
    """I6: a contact that was made under version 2 waits while only version 1 is known, and goes once it is here."""
    empty = EVENINGS.partition("[[rule]]")[0]
    await apply(stage, 1, empty)
    await stage.submit(make_contact(1, stage.clock.now(), recipient_policy_version=2))
    await stage.run()
    waiting = await stage.pool.fetchrow("SELECT reason FROM contact WHERE state = 10")

    assert UNKNOWN_POLICY == waiting["reason"]
    assert [] == stage.provider.sent
    await apply(stage, 2, empty)
    await stage.run()
    assert 1 == len(stage.provider.sent)


async def test_versions_only_go_up_and_a_repeat_changes_nothing(stage: Stage) -> None:
    """An older version that comes late is not put in force; the answer says which one is."""
    await apply(stage, 2)
    stage.clock.advance(timedelta(minutes=1))
    late, again = await apply(stage, 1, ""), await apply(stage, 2)

    assert (2, 2) == (late.version, again.version)
    assert 1 == (await stage.kinds())["policy"]
    with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError)):
        await stage.pool.execute("DELETE FROM tenant_policy")


async def test_withdrawn_rules_hold_no_longer(stage: Stage) -> None:
    """The law alone decides again, and permits name no policy."""
    await apply(stage, 1)
    await apply(stage, 2, "")
    await stage.submit(make_contact(1, stage.clock.now(), recipient_policy_version=2))
    await stage.run()

    assert 1 == len(stage.provider.sent)


@pytest.mark.parametrize(
    ("version", "text", "field"),
    [(0, EVENINGS, "version"), (1, EVENINGS.replace("19:00", "29:00"), "text"), (1, "no toml", "text")],
)
async def test_rules_that_cannot_be_read_are_refused_by_name(stage: Stage, version: int, text: str, field: str) -> None:
    """The field and the line are named; nothing is stored."""
    with pytest.raises(Fault) as refused:
        await apply(stage, version, text)

    assert field in str(refused.value)
    assert 0 == await stage.pool.fetchval("SELECT count(*) FROM tenant_policy")


async def test_the_verifier_decides_again_under_the_rules_of_the_day(
    stage: Stage, database: Database, tmp_path: Path
) -> None:
    """Permits before, under and after a policy hold; one that leaves the policy out is a breach, offline too."""
    await ledger.publish_key(stage.pool, stage.signer, stage.clock.now())
    await stage.submit(make_contact(1, stage.clock.now()))
    await stage.run()
    await apply(stage, 1)
    stage.clock.advance(timedelta(hours=7))  # the evening
    later = stage.clock.now()
    await stage.submit(make_contact(2, later, recipient_policy_version=1))
    await stage.run()
    assert 2 == len(stage.provider.sent), await stage.states()

    url = database.url("forbear_auditor")
    audited = await asyncio.to_thread(run, "audit", "--database-url", url)
    assert 0 == audited.exit_code, audited.output
    borrower = ids.borrower_id(TENANT, "2")
    out = str(tmp_path)
    exported = await asyncio.to_thread(run, "export", "--database-url", url, "--borrower", str(borrower), "--to", out)
    assert 0 == exported.exit_code, exported.output
    file = tmp_path / f"ledger-{borrower}.json"
    assert 0 == run("verify", "--export", str(file)).exit_code
    assert 0 == run("audit", "--export", str(file)).exit_code
    document = orjson.loads(file.read_bytes())
    kinds = [orjson.loads(entry["body"])["kind"] for entry in document["entries"]]
    assert ["policy", "permit", "settlement"] == kinds
    del document["entries"][0]
    file.write_bytes(orjson.dumps(document))
    spoiled = run("audit", "--export", str(file))
    assert 1 == spoiled.exit_code
    assert "decided under HARBOR@1#" in spoiled.output


async def test_no_permit_under_old_rules_follows_the_entry_of_new_ones(stage: Stage) -> None:
    """Rules change while batches are claimed: in the ledger, every permit behind the change is under it."""
    change_begins = asyncio.Event()

    async def answer(request: SendRequest) -> SendOutcome:
        if len(stage.provider.sent) > 50:
            change_begins.set()
        return SendOutcome(SendState.ACCEPTED, provider_ref=f"SM{request.attempt_id.hex}")

    now = stage.clock.now()
    await stage.submit(*[make_contact(number, now) for number in range(300)])  # and one that warmed the limiter up
    stage.dispatch._size = stage.dispatch._size_max = 10
    stage.provider.answer = answer

    async def change() -> None:
        await change_begins.wait()
        await apply(stage, 1)

    await asyncio.gather(stage.run(), change())
    bodies = [orjson.loads(row["body"]) for row in await stage.pool.fetch(
        "SELECT body FROM ledger_entry ORDER BY sequence")]  # fmt: skip
    changed_at = next(number for number, body in enumerate(bodies) if body["kind"] == "policy")

    assert 0 < changed_at < len(bodies) - 1
    assert not [body for body in bodies[changed_at:] if body["kind"] == "permit"]
    states = await stage.states()
    assert 301 == states[State.ACCEPTED] + states[State.QUEUED]
