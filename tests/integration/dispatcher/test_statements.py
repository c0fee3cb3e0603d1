"""What was said and what people decided stands in the ledger: once, and without a word of it."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_chassis.errors import Fault
from forbear_domain import ids
from tests.integration.dispatcher.stage import TENANT, Stage

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]


def statement(stage: Stage, number: int = 1, **fields: Any) -> pb.Statement:
    """Words that a borrower wrote, unless the fields say otherwise."""
    told = pb.Statement(**{
        "statement_id": uuid.uuid5(TENANT, f"statement:{number}").bytes, "tenant_id": TENANT.bytes,
        "borrower_id": ids.borrower_id(TENANT, "1").bytes, "kind": pb.STATEMENT_KIND_WORDS, "commitment": bytes(32),
        "labels": ["hardship"], "language": "es", "channel": types_pb2.CHANNEL_SMS,
    } | fields)  # fmt: skip
    told.event_time.FromDatetime(stage.clock.now())
    return told


async def record(stage: Stage, *told: pb.Statement) -> int:
    """Record statements under a request id of their own; return how many were taken."""
    request = pb.RecordStatementsRequest(request_id=str(uuid.uuid4()), statements=told)
    return (await stage.rpc.RecordStatements(request, None)).taken


async def entries(stage: Stage) -> list[dict[str, Any]]:
    """Return the statements of the ledger."""
    return [entry for entry in await stage.entries() if entry["kind"] in ("words", "override")]


async def test_words_are_stated_by_their_commitment_and_how_they_were_read(stage: Stage) -> None:
    """Enough to prove what was done about them, too little to tell them."""
    taken = await record(stage, statement(stage))

    (entry,) = await entries(stage)
    assert 1 == taken
    assert ("words", ["hardship"], "00" * 32, "es") == tuple(
        entry[name] for name in ("kind", "labels", "commitment", "language")
    )


async def test_a_decision_names_the_person_the_case_and_the_ground(stage: Stage) -> None:
    """What a person lifted, and why they might."""
    case, bar = uuid.uuid4(), uuid.uuid4()
    await record(
        stage,
        statement(
            stage, kind=pb.STATEMENT_KIND_OVERRIDE, person="Ana Ruiz", act="lift", case_id=case.bytes, reason="dispute",
            detail="verification_sent", suppression_id=bar.bytes, labels=[], language="",
        ),
    )  # fmt: skip

    (entry,) = await entries(stage)
    assert ("override", "Ana Ruiz", "lift", str(case), "dispute", "verification_sent", str(bar)) == tuple(
        entry[name] for name in ("kind", "person", "act", "case", "reason", "detail", "suppression")
    )


async def test_a_statement_that_is_told_again_in_another_batch_stands_there_once(stage: Stage) -> None:
    """The giver's batches may differ after a crash; the statement's id counts."""
    first = await record(stage, statement(stage, 1))
    again = await record(stage, statement(stage, 1), statement(stage, 2), statement(stage, 2))

    assert (1, 1) == (first, again)
    assert 2 == len(await entries(stage))


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": 9}, {"commitment": b"short"}, {"labels": ["x"] * 31}, {"person": "A" * 81}, {"person": "Ana\nRuiz"},
        {"act": "free text"}, {"statement_id": b"x"}, {"borrower_id": b""}, {"case_id": b"x"},
    ],
)  # fmt: skip
async def test_a_statement_that_is_wrong_is_refused_with_its_field(stage: Stage, fields: dict[str, Any]) -> None:
    """And nothing of the batch is taken."""
    with pytest.raises(Fault) as caught:
        await record(stage, statement(stage, 1), statement(stage, 2, **fields))

    assert f"statements[1].{next(iter(fields))}" == caught.value.violations[0].field
    assert [] == await entries(stage)
