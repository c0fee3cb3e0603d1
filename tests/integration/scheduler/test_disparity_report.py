"""Compliance sees, over HTTP and in the shell, whether borrowers of some language or state fare otherwise."""

from __future__ import annotations

import asyncio
import re
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from forbear.types.v1 import types_pb2
from forbear_chassis.http import HttpServer
from forbear_client.cli import main
from tests.integration.scheduler.reporting import report_outcomes, report_response
from tests.integration.scheduler.scheduler_stage import KEY, Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres


def _row(number: int) -> dict[str, str]:
    """Two of three borrowers write Spanish, every second lives in New Jersey, and two write Chinese."""
    language = "zh-Hans" if number > 58 else "es" if number % 3 else "en"
    return make_row(number, language=language, **({} if number % 4 < 2 else {"region": "NJ", "postal_code": "07030"}))


async def _printed(scheduler: Scheduler, folder: Path, campaign_id: str) -> str:
    """Return what `forbear campaign disparity` prints, each run of blanks as one."""
    server = HttpServer(scheduler.app, "127.0.0.1:0")
    await server.start()
    key_file = folder / "key"
    key_file.write_text(KEY, encoding="utf-8")
    where = ["--url", f"http://127.0.0.1:{server.port}", "--key-file", str(key_file)]
    words = ["campaign", *where, "disparity", campaign_id]
    result = await asyncio.to_thread(CliRunner().invoke, main, words, env={"COLUMNS": "200"})
    await server.stop(1.0)
    assert result.exit_code == 0, result.output
    return re.sub(r"[\s│┃]+", " ", result.output)


async def _page(scheduler: Scheduler, campaign_id: str) -> str:
    """Return the page, reached by its link; without a session it leads to the door, for strangers nowhere."""
    at_door = await scheduler.http.get(f"/console/disparity?campaign={campaign_id}")
    await scheduler.http.post("/console/login", data={"key": KEY})
    stranger = await scheduler.http.get(f"/console/disparity?campaign={uuid.uuid4()}")
    (link,) = set(re.findall(r'"(/console/disparity[^"]*)"', (await scheduler.http.get("/console")).text))
    found = await scheduler.http.get(link)
    assert [303, 404, 200] == [at_door.status_code, stranger.status_code, found.status_code]
    assert "You have no such campaign." in stranger.text
    return found.text


async def _live(scheduler: Scheduler) -> None:
    """Let ten days pass in which only those who write Spanish answer."""
    for _ in range(10):
        await scheduler.live_until(scheduler.clock.now() + timedelta(hours=12))
        for contact_id in await report_outcomes(scheduler):
            who = uuid.UUID(bytes=scheduler.dispatcher.contacts[contact_id].borrower_id)
            ref = await scheduler.count("SELECT ref FROM borrower WHERE borrower_id = $1 AND language = 'es'", who)
            if ref is not None:
                await report_response(scheduler, ref, types_pb2.RESPONSE_KIND_ENGAGED, contact_id)
        await scheduler.live_until(scheduler.clock.now() + timedelta(hours=12))


async def test_a_language_that_fares_otherwise_is_named_to_compliance(scheduler: Scheduler, tmp_path: Path) -> None:
    """Only Spanish is answered: it is flagged, two Chinese borrowers are hidden among the others, totals agree."""
    await scheduler.upload(make_csv([_row(number) for number in range(1, 61)]))
    await scheduler.start_campaign(cadence={"rest_days": 1, "contacts_a_week_max": 5}, control_share=0.2)
    campaign_id = (await scheduler.http.get("/v1/campaigns")).json()[0]["campaign_id"]
    path = f"/v1/campaigns/{campaign_id}/disparity"
    empty = (await scheduler.http.get(path)).json()
    before = await _printed(scheduler, tmp_path, campaign_id)
    await _live(scheduler)

    found = (await scheduler.http.get(path)).json()

    few = "Fewer than 30 contacts have gone out; too few to compare."
    assert empty == {
        "campaign_id": campaign_id, "by_language": [], "by_region": [], "language_summary": few, "region_summary": few,
    }  # fmt: skip
    assert "By language: Fewer than 30 contacts have gone out" in before
    learned = (await scheduler.http.get(f"/v1/campaigns/{campaign_id}/report")).json()["total"]["learned"]
    for groups in (found["by_language"], found["by_region"]):
        sums = [sum(one["answered"][name] for one in groups) for name in ("contacts", "answers")]
        assert [learned["contacts"], learned["answers"]] == sums
        assert all(one["answered"]["contacts"] >= 30 for one in groups)
        assert all(sum(one["treatments"].values()) == pytest.approx(1.0) for one in groups)
    by_language: dict[str, Any] = {one["group"]: one for one in found["by_language"]}
    assert {"NY", "NJ"} == {one["group"] for one in found["by_region"]}
    assert {"es", "other"} == set(by_language)  # Chinese alone would stand bare, so English joins it
    assert by_language["es"]["answered"]["rate"] == 1.0
    assert all(one["is_answer_rate_unequal"] for one in by_language.values())
    printed = await _printed(scheduler, tmp_path, campaign_id)
    assert f"es {by_language['es']['borrowers']} {by_language['es']['answered']['contacts']} " in printed
    assert f"es: {by_language['es']['words']}" in printed
    page = await _page(scheduler, campaign_id)
    assert "<strong>Of 2 groups that can be judged, 2 fare otherwise: es, other.</strong>" in page
    assert 2 == len(re.findall(r'<tr class="apart"><th scope="row">(?:Spanish|all smaller groups together)</th>', page))
    assert '<th scope="row">NJ</th>' in page
    unknown = await scheduler.http.get(f"/v1/campaigns/{uuid.uuid4()}/disparity")
    assert unknown.status_code == 404
