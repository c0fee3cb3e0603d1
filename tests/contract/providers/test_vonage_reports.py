"""Unknown messages through Vonage are looked up in the account's records, by our own reference."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from forbear_providers.accounts import module_of
from forbear_providers.contract import FindRequest, Found, NotFound, ReceiptState
from tests.contract.providers.drivers import ATTEMPT, DRIVERS, NOW, now
from tests.contract.providers.local_servers import HttpStub, Reply

LOOKED_FOR = FindRequest(
    ATTEMPT, "+12125550147", "+12125550100", NOW - timedelta(minutes=1), NOW + timedelta(minutes=1)
)  # fmt: skip
OURS, OTHER = ATTEMPT.hex, "0" * 32


def records(*found: tuple[str, str, str]) -> Reply:
    """Make an answer with records: message id, reference, status."""
    rows = [{"message_id": name, "client_ref": ref, "status": status} for name, ref, status in found]
    return Reply(200, json.dumps({"items_count": len(rows), "records": rows}))


async def find(server: HttpStub, **options: str) -> Found | NotFound:
    """Ask once, of an account that names where its records are."""
    driver = DRIVERS["vonage_sms"]
    provider: Any = module_of("vonage_sms").open_provider(
        {**driver.options, "reports_url": server.url, "timeout_s": "1", **options}, now
    )
    found: Found | NotFound = await provider.find(LOOKED_FOR)
    await provider.close()
    return found


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (records(("A1", OURS, "delivered")), Found("A1", ReceiptState.DELIVERED)),
        (records(("A2", OURS, "delivered"), ("A1", OURS, "delivered")), Found("A1", ReceiptState.DELIVERED)),
        (records(("B1", OTHER, "failed"), ("A1", OURS, "Failed")), Found("A1", ReceiptState.UNDELIVERED)),
        (records(("A1", OURS, "something")), Found("A1", ReceiptState.SENT)),
        (records(("B1", OTHER, "delivered")), NotFound.CANNOT_TELL),
        (records(), NotFound.CANNOT_TELL),
        (Reply(200, "[]"), NotFound.CANNOT_TELL),
        (Reply(200, '{"records": [7]}'), NotFound.CANNOT_TELL),
        (Reply(500), NotFound.CANNOT_TELL),
        (Reply(how="hang"), NotFound.CANNOT_TELL),
    ],
)
async def test_a_message_is_found_by_our_reference_and_never_called_absent(
    reply: Reply, expected: Found | NotFound
) -> None:
    """Records may come late: only a receipt or a person ends what they do not hold."""
    async with HttpStub(reply) as server:
        found = await find(server)

    assert expected == found
    assert "/v2/reports/records" == server.asked[0].path
    assert ("SMS", "12125550147") == (server.asked[0].query["product"], server.asked[0].query["to"])
    assert "2026-09-14T15:29:00Z" == server.asked[0].query["date_start"]


async def test_an_account_that_does_not_name_its_records_is_not_asked() -> None:
    """Each record costs: who runs it decides."""
    async with HttpStub(records(("A1", OURS, "delivered"))) as server:
        found = await find(server, reports_url="")

    assert NotFound.CANNOT_TELL is found
    assert [] == server.asked
