"""A borrower who stays silent is left alone for longer, on the real store, and whoever asks is told why."""

from __future__ import annotations

import uuid
from datetime import timedelta
from itertools import pairwise

import pytest

from forbear.scheduler.v1 import scheduler_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_domain import ids
from tests.integration.scheduler.reporting import report_outcomes, report_response
from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres

HALF_A_DAY = timedelta(hours=12)
TEXTS = "SELECT template FROM contact WHERE borrower_id = $1 ORDER BY not_before"
SENT = "SELECT coalesce(sent_at, not_before) AS at FROM contact WHERE borrower_id = $1 ORDER BY not_before"


async def live(scheduler: Scheduler, days: float) -> None:
    """Let time pass; whatever falls due goes out and is not answered."""
    for _ in range(int(days * 2)):
        await scheduler.live_until(scheduler.clock.now() + HALF_A_DAY)
        await report_outcomes(scheduler)


async def reasons(scheduler: Scheduler, ref: str) -> list[str]:
    """Return what both faces say about the next contact."""
    shown = (await scheduler.http.get(f"/v1/borrowers/{ref}/next-contact")).json()["reasons"]
    request = pb.ExplainNextContactRequest(
        tenant_id=scheduler.tenant_id.bytes, borrower_id=ids.borrower_id(scheduler.tenant_id, ref).bytes
    )
    assert shown == list((await scheduler.rpc.ExplainNextContact(request, timeout=5)).reasons)
    return [str(reason) for reason in shown]


async def test_gaps_grow_with_silence_and_an_answer_brings_the_campaigns_back(scheduler: Scheduler) -> None:
    """Five weeks without a word: gaps grow, and while one runs the explanation names it; an answer ends that."""
    await scheduler.upload(make_csv([make_row(1, product="loan")]))
    await scheduler.start_campaign(cadence={"rest_days": 2, "contacts_a_week_max": 7}, control_share=0)
    borrower_id = uuid.UUID(bytes=ids.borrower_id(scheduler.tenant_id, "B00001").bytes)
    told: list[str] = []
    for _ in range(35):
        await live(scheduler, 1)
        told += await reasons(scheduler, "B00001")
    silent = [row["at"] for row in await scheduler.pool.fetch(SENT, borrower_id)]
    gaps = [later - former for former, later in pairwise(silent)]
    texts = [row["template"] for row in await scheduler.pool.fetch(TEXTS, borrower_id)]
    resting = [reason for reason in told if "stayed unanswered" in reason]

    assert {"follow_up.ask", "follow_up.help"} < set(texts)
    assert texts[0] == texts[1] != texts[2] == "follow_up.ask"
    assert any(reason.startswith("the text is another one than before, because the last ") for reason in told)
    assert all(gap < timedelta(days=3) for gap in gaps[:2])
    assert all(timedelta(days=5) < gap < timedelta(days=10) for gap in gaps[-2:])
    assert any("6 days after a contact in place of the campaign's 2, because the last" in reason for reason in resting)
    assert any(reason.startswith("rests until 2026-") and "as the campaign says" in reason for reason in told)

    contact_id = await scheduler.count("SELECT contact_id FROM contact ORDER BY not_before DESC LIMIT 1")
    await report_response(scheduler, "B00001", types_pb2.RESPONSE_KIND_ENGAGED, contact_id.bytes)
    await live(scheduler, 4)
    after = [row["at"] for row in await scheduler.pool.fetch(SENT, borrower_id) if row["at"] > silent[-1]]

    assert after
    assert not [reason for reason in await reasons(scheduler, "B00001") if "stayed unanswered" in reason]
