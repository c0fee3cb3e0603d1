"""A rest that is given and ended within one batch is over, as when the two come one by one."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from uuid import UUID

import pytest

from forbear.scheduler.v1 import scheduler_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_domain import ids
from tests.integration.scheduler.reporting import stream
from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres
MINUTE = timedelta(minutes=1)
Told = tuple[str, int, int]
"""Kind, minute in which it happened, and minutes of the rest that it names; 0: it names none."""
STORIES: dict[str, list[Told]] = {
    "given back": [("REPLIED", 0, 9_000), ("HANDED_OVER", 0, 0), ("RETURNED", 2, 0)],
    "given back and handed over anew": [("HANDED_OVER", 0, 0), ("RETURNED", 2, 0), ("HANDED_OVER", 3, 0)],
    "given back in the same instant": [("HANDED_OVER", 0, 0), ("RETURNED", 0, 0)],
    "promise kept": [("PROMISED", 0, 9_000), ("KEPT", 5, 0)],
    "promise missed": [("PROMISED", 0, 5_000), ("BROKEN", 5_000, 7_000)],
    "instalment kept": [("ARRANGED", 0, 9_000), ("KEPT", 5, 8_000)],
    "both kept at once": [("ARRANGED", 0, 9_000), ("PROMISED", 1, 3_000), ("KEPT", 5, 0), ("KEPT", 5, 8_000)],
    "opted out": [("OPTED_OUT", 0, 0), ("RETURNED", 2, 0)],
}
STANDING = {
    "given back": [], "given back and handed over anew": ["HANDED_OVER"], "given back in the same instant": [],
    "promise kept": [], "promise missed": ["BROKEN"], "instalment kept": ["KEPT"],
    "both kept at once": ["KEPT"], "opted out": ["OPTED_OUT"],
}  # fmt: skip


def responses(scheduler: Scheduler, story: str, order: tuple[int, ...]) -> list[pb.Response]:
    """Make the responses of a story in the order in which they arrive; ids go up with it."""
    told = []
    for number, position in enumerate(order):
        kind, minute, rest = STORIES[story][position]
        at = scheduler.clock.now() + minute * MINUTE
        response = pb.Response(
            response_id=UUID(int=number + 1).bytes, tenant_id=scheduler.tenant_id.bytes,
            kind=types_pb2.ResponseKind.Value(f"RESPONSE_KIND_{kind}"),
            borrower_id=ids.borrower_id(scheduler.tenant_id, "B00001").bytes,
        )  # fmt: skip
        response.event_time.FromDatetime(at)
        if rest:
            response.pause_until_time.FromDatetime(at + rest * MINUTE)
        told.append(response)
    return told


async def standing(scheduler: Scheduler) -> list[str]:
    """Return the kinds of rest that no response has ended."""
    rows = await scheduler.pool.fetch("SELECT kind FROM pause WHERE lifted_at IS NULL ORDER BY kind")
    return [types_pb2.ResponseKind.Name(row["kind"]).removeprefix("RESPONSE_KIND_") for row in rows]


@pytest.mark.parametrize("is_one_batch", [True, False])
@pytest.mark.parametrize("story", STORIES)
async def test_rests_begin_and_end_in_the_order_in_which_things_happened(
    scheduler: Scheduler, story: str, is_one_batch: bool
) -> None:
    """After an hour without the scheduler all comes at once, in whatever order within the batch."""
    await scheduler.upload(make_csv([make_row(1)]))
    numbers = range(len(STORIES[story]))
    found = []
    for order in permutations(numbers) if is_one_batch else [tuple(numbers)]:
        told = responses(scheduler, story, order)
        batches = [told] if is_one_batch else [[one] for one in told]
        for number, batch in enumerate(batches):
            request = pb.ReportResponsesRequest(request_id=f"{order}/{number}", responses=batch)
            await stream(scheduler.rpc.ReportResponses, request)
        found.append(await standing(scheduler))
        await scheduler.pool.execute("DELETE FROM pause; DELETE FROM response")

    assert [STANDING[story]] * len(found) == found
