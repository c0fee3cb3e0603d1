"""Answers become outcomes, rates, segments and an evaluation, with no human step."""

from __future__ import annotations

import asyncio
import re
import uuid
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from forbear.types.v1 import types_pb2
from forbear_chassis.http import HttpServer
from forbear_client.cli import main
from tests.integration.scheduler.reporting import report_outcomes, report_response
from tests.integration.scheduler.scheduler_stage import KEY, Scheduler

pytestmark = pytest.mark.needs_postgres
PARTS = ("", "morning", "midday", "afternoon", "evening")


async def _listed_rates(scheduler: Scheduler, folder: Path) -> str:
    """Return what `forbear campaign rates --by-segment` prints, each run of blanks as one."""
    server = HttpServer(scheduler.app, "127.0.0.1:0")
    await server.start()
    key_file = folder / "key"
    key_file.write_text(KEY, encoding="utf-8")
    words = [
        "campaign",
        "--url",
        f"http://127.0.0.1:{server.port}",
        "--key-file",
        str(key_file),
        "rates",
        "--by-segment",
    ]
    result = await asyncio.to_thread(CliRunner().invoke, main, words, env={"COLUMNS": "200"})
    await server.stop(1.0)
    return re.sub(r"[\s│┃]+", " ", result.output)


async def test_answers_are_learned_at_the_next_tick_in_order(
    scheduler: Scheduler, portfolio: str, tmp_path: Path
) -> None:
    """Answers and silence are learned for good once, when the window has closed, and evaluated from then on."""
    await scheduler.upload(portfolio)
    await scheduler.start_campaign(cadence={"rest_days": 1, "contacts_a_week_max": 5}, control_share=0.3)
    for _ in range(5):
        await scheduler.live_until(scheduler.clock.now() + timedelta(hours=12))
        for number, contact_id in enumerate(await report_outcomes(scheduler)):
            contact = scheduler.dispatcher.contacts[contact_id]
            if number % 2:
                ref = await scheduler.count(
                    "SELECT ref FROM borrower WHERE borrower_id = $1", uuid.UUID(bytes=contact.borrower_id)
                )
                await report_response(scheduler, ref, types_pb2.RESPONSE_KIND_ENGAGED, contact_id)
        await scheduler.live_until(scheduler.clock.now() + timedelta(hours=12))
    outcomes = await scheduler.count("SELECT max(outcomes) FROM model_state")

    assert outcomes == await scheduler.count("SELECT count(*) FROM contact WHERE learned_at IS NOT NULL")
    assert outcomes > 40
    report = await scheduler.http.get("/v1/campaigns")
    shown = (await scheduler.http.get(f"/v1/campaigns/{report.json()[0]['campaign_id']}/report")).json()
    assert 0.3 < shown["total"]["learned"]["rate"] < 0.7
    assert shown["heat_map"] == (await scheduler.http.get("/v1/response-rates")).json()
    await scheduler.count("UPDATE borrower SET employment = 4 WHERE ref < 'B00020' RETURNING 1")  # retired
    segments = (await scheduler.http.get("/v1/response-rates/segments")).json()
    sums: dict[tuple[str, int], list[int]] = defaultdict(lambda: [0, 0])
    for cell in segments:
        sums[cell["channel"], cell["hour"]][0] += cell["contacts"]
        sums[cell["channel"], cell["hour"]][1] += cell["answers"]
    assert {(one["channel"], one["hour"]): [one["contacts"], one["answers"]] for one in shown["heat_map"]} == sums
    assert {"day_shift", "retired"} == {cell["segment"] for cell in segments}
    assert all(0 <= cell["low"] <= cell["rate"] <= cell["high"] <= 1 for cell in segments)
    listed = await _listed_rates(scheduler, tmp_path)
    first = segments[0]
    assert (
        f"{first['segment']} {first['channel']} {first['hour']:02}:00 {first['contacts']} {first['answers']}" in listed
    )
    evaluation = (await scheduler.http.get(f"/v1/campaigns/{report.json()[0]['campaign_id']}/evaluation")).json()
    assert shown["total"] == evaluation["lift"]
    assert ["even", "sms", "email", "voice", "model"] == [one["policy"] for one in evaluation["policies"]]
    assert all(one["contacts"] > 0 for one in evaluation["policies"])
    rules = evaluation["rules"]
    assert evaluation["policies"][0]["contacts"] == rules["contacts"]
    assert {f"{name} {part}".strip() for name in ("sms", "email", "voice") for part in PARTS} | {"even"} == {
        one["rule"] for one in rules["rules"]
    }
    assert all(abs(one["value"] + one["difference"] - rules["learned"]) < 1e-9 for one in rules["rules"])
