"""Callbacks of a provider from the accounts file: both directions, signed, idempotent, and stop means stop."""

from __future__ import annotations

import hmac
from urllib.parse import urlencode

import pytest

from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear.types.v1 import types_pb2
from tests.integration.tracker.tracker_stage import ACCOUNT, PHONE, SENDER, World

pytestmark = pytest.mark.needs_postgres


async def post(world: World, what: str, form: dict[str, str], *, secret: str = "", attempt: object = "") -> int:
    """Post a callback as Vonage does: a form whose `sig` covers its sorted fields."""
    secret = secret or ACCOUNT.options["signature_secret"]
    signed = "".join(f"&{name}={form[name].replace('&', '_').replace('=', '_')}" for name in sorted(form))
    body = urlencode({**form, "sig": hmac.digest(secret.encode(), signed.encode(), "sha256").hex().upper()})
    url = f"{world.base_url}/gateway/vonage_sms/{what}" + (f"?attempt={attempt}" if attempt else "")
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    async with world.session.post(url, data=body.encode(), headers=headers) as answer:
        return answer.status


def receipt(status: str, code: str = "0", ref: str = "0A0000000123ABCD1") -> dict[str, str]:
    """Make the form of a receipt."""
    return {
        "msisdn": PHONE[1:], "to": SENDER[1:], "messageId": ref, "status": status, "err-code": code,
        "api-key": "abcd1234",
        "message-timestamp": "2026-03-02 17:00:05", "timestamp": "1772470805", "nonce": "n-1",
    }  # fmt: skip


def reply(text: str, ref: str = "0B0000000ABC1234") -> dict[str, str]:
    """Make the form of an inbound message."""
    return {
        "msisdn": PHONE[1:], "to": SENDER[1:], "messageId": ref, "text": text, "type": "text", "api-key": "abcd1234",
        "message-timestamp": "2026-03-02 17:01:00", "timestamp": "1772470860", "nonce": "n-2",
    }  # fmt: skip


async def test_a_receipt_moves_its_attempt_forward_once(world: World) -> None:
    """Accepted is no receipt; delivered is one, however often it comes."""
    attempt = await world.attempt()

    statuses = []
    for state in ("accepted", "delivered", "buffered", "delivered"):
        statuses.append(await post(world, "status", receipt(state), attempt=attempt))
        await world.pump()

    assert [204] * 4 == statuses
    assert [dispatcher_pb.RECEIPT_STATE_DELIVERED] == [one.state for one in world.dispatcher.receipts]


async def test_a_stop_by_reply_is_in_force_before_it_is_acknowledged(world: World) -> None:
    """The same words, the same consequence, whichever gateway brought them."""
    await world.attempt()

    status = await post(world, "message", reply("STOP"))

    assert 204 == status
    assert types_pb2.SUPPRESSION_KIND_OPT_OUT in [one.kind for one in world.dispatcher.suppressions]


async def test_an_opt_out_that_the_carrier_knows_is_one_for_us_too(world: World) -> None:
    """Receipt with err-code 9; the twin, 6 (filtered), bars nobody."""
    attempt = await world.attempt()
    await post(world, "status", receipt("rejected", "6"), attempt=attempt)
    await world.pump()
    filtered = list(world.dispatcher.suppressions)
    await post(world, "status", receipt("failed", "9"), attempt=attempt)
    await world.pump()

    assert [] == filtered
    assert types_pb2.SUPPRESSION_KIND_OPT_OUT in [one.kind for one in world.dispatcher.suppressions]


@pytest.mark.parametrize(
    ("what", "secret", "expected"), [("status", "wrong", 403), ("message", "wrong", 403), ("anything", "", 404)]
)
async def test_what_is_not_signed_by_the_account_changes_nothing(
    world: World, what: str, secret: str, expected: int
) -> None:
    """Nor does a path that nobody named."""
    await world.attempt()

    status = await post(world, what, reply("STOP") | receipt("delivered"), secret=secret)

    assert expected == status
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM event")
    assert [] == list(world.dispatcher.suppressions)
