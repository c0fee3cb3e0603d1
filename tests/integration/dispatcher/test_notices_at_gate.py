"""Written notices that must come first: without word of one the gate refuses, and says which rule wants it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from click.testing import CliRunner

from channel_dispatcher.store import ledger
from forbear.types.v1 import types_pb2
from forbear_client.ledger_commands import ledger as command
from tests.integration.dispatcher.stage import Stage, make_contact
from tests.kit.databases import Database

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]


def contact(
    stage: Stage, number: int, *notices: str, region: str, zone: str, actor: str, product: str
) -> types_pb2.Contact:
    """A text to somebody in a region about a loan, after some notices."""
    one = make_contact(number, stage.clock.now(), recipient_actor=actor)
    one.recipient.places[0].zone, one.recipient.places[0].region = zone, region
    one.recipient.loan.product = product
    one.recipient.notices.extend(notices)
    return one


DC_CARD = {"region": "US-DC", "zone": "America/New_York", "actor": "collecting_servicer", "product": "card"}
GERMANY = {"region": "EU", "zone": "Europe/Berlin", "actor": "collector", "product": "loan"}


@pytest.mark.parametrize(
    ("notices", "where", "refused_by"),
    [
        ([], DC_CARD, "US-DC-3814"),
        (["US-DC-3814"], DC_CARD, ""),
        (["agency"], DC_CARD, "US-DC-3814"),
        ([], DC_CARD | {"product": "mortgage"}, ""),
        ([], GERMANY, "EU-NPL10"),
        (["agency"], GERMANY, ""),
        ([], GERMANY | {"actor": "creditor"}, ""),
    ],
    ids=["dc", "dc_given", "dc_another", "dc_mortgage", "agency", "agency_told", "no_agency"],
)
async def test_what_is_not_known_to_be_given_counts_as_not_given(
    stage: Stage, notices: list[str], where: dict[str, str], refused_by: str
) -> None:
    """D.C. Code 28-3814(m)(2)(A) and Directive (EU) 2021/2167, article 10; judged by what the provider got."""
    await stage.submit(contact(stage, 1, *notices, **where))
    await stage.run()
    reasons = {row["reason"] for row in await stage.pool.fetch("SELECT reason FROM contact WHERE reason <> ''")}

    assert [] == [one for one in stage.provider.sent if refused_by]
    assert refused_by in ("", *reasons)
    assert bool(refused_by) is not bool(stage.provider.sent)


async def test_a_permit_after_a_notice_is_decided_again_from_its_entry_alone(
    stage: Stage, database: Database, tmp_path: Path
) -> None:
    """I7: the notice stands among the permit's facts, so that the auditor comes to the same verdict."""
    await ledger.publish_key(stage.pool, stage.signer, stage.clock.now())
    await stage.submit(contact(stage, 1, "US-DC-3814", **DC_CARD), contact(stage, 2, "agency", **GERMANY))
    await stage.run()
    url = database.url("forbear_auditor")
    audited = await asyncio.to_thread(CliRunner().invoke, command, ["audit", "--database-url", url])

    assert 2 == len(stage.provider.sent)
    assert 0 == audited.exit_code, audited.output


async def test_more_notices_than_there_are_rules_for_are_refused_by_name(stage: Stage) -> None:
    """A limit with a name."""
    too_many = contact(stage, 1, *[f"N{number}" for number in range(21)], **DC_CARD)
    answer = await stage.submit(too_many)

    assert "recipient.notices" in str(answer)
