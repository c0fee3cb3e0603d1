"""An employer's phone or mailbox is known as one, so that the stricter rules for it hold."""

from __future__ import annotations

import pytest

from forbear.types.v1 import types_pb2
from forbear_domain.policy import AddressKind
from tests.integration.scheduler.scheduler_stage import Scheduler, make_csv, make_row

pytestmark = pytest.mark.needs_postgres


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("work", ["work_email", "work_phone"]), ("own", ["email", "landline"]), ("", ["email", "landline"])],
)
async def test_the_kind_of_an_address_reaches_the_law_and_the_wire(
    scheduler: Scheduler, kind: str, expected: list[str]
) -> None:
    """Both the plan, by the position of the kind, and the gate, by its name, are told."""
    row = make_row(1, mobile="", landline="+12125550142", landline_kind=kind, email_kind=kind)
    await scheduler.upload(make_csv([row]))
    rows = await scheduler.pool.fetch("SELECT address_kind, recipient FROM contact_point ORDER BY channel")

    assert expected == [list(AddressKind)[row["address_kind"]].value for row in rows]
    assert expected == [types_pb2.Recipient.FromString(row["recipient"]).address_kind for row in rows]


async def test_another_word_for_whose_it_is_is_refused(scheduler: Scheduler) -> None:
    """The columns are named."""
    report = (await scheduler.upload(make_csv([make_row(1, landline_kind="office", email_kind="job")]))).json()

    assert ["email_kind", "landline_kind"] == [one["field"] for one in report["first_errors"]]
