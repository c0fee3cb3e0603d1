"""Calls by a provider of the accounts file: the same dialogue and consequences, in its own words and signature."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest

from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear.types.v1 import types_pb2
from forbear_domain.model import Channel
from tests.integration.tracker.tracker_stage import CALLS, PAST_DUE, PUBLIC_URL, World

pytestmark = pytest.mark.needs_postgres
CALL = {"from": "18885550102", "to": "12125550123", "uuid": "63f61863-4a51-4f6b-86e1-46edebcf9356"}


async def post(world: World, path: str, body: dict[str, Any], *, secret: str = "", **claims: str) -> tuple[int, str]:
    """Post a callback as Vonage does: JSON, and a token over its hash; return status and answer."""
    raw = json.dumps(body).encode()
    said = {"iat": 1772470805, "jti": str(uuid4()), "payload_hash": hashlib.sha256(raw).hexdigest(), **claims}
    token = jwt.encode(said, secret or CALLS.options["signature_secret"], algorithm="HS256")
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
    async with world.session.post(f"{world.base_url}/gateway/vonage_voice/{path}", data=raw, headers=headers) as answer:
        text = await answer.text()
    await world.pump()
    return answer.status, text


async def step(world: World, attempt: UUID, name: str = "", **heard: Any) -> list[dict[str, Any]]:
    """Let the provider ask for the next step of a call; return the script."""
    status, text = await post(world, f"voice/{attempt}" + (f"/{name}" if name else ""), {**CALL, **heard})
    assert 200 == status, text
    script: list[dict[str, Any]] = json.loads(text)
    return script


def said(script: list[dict[str, Any]]) -> str:
    """Return all that a script says."""
    return " ".join(one["text"] for one in script if one["action"] == "talk")


async def test_the_debt_is_named_only_after_the_person_of_the_call_said_who_they_are(world: World) -> None:
    """The name, then, after "1", the matter; the script leads from step to step."""
    attempt = await world.attempt(channel=Channel.VOICE)

    greeting = await step(world, attempt)
    statement = await step(world, attempt, "identity", dtmf={"digits": "1", "timed_out": False})

    assert not PAST_DUE.search(said(greeting))
    assert "debt" not in said(greeting)
    assert "Maria" in said(greeting)
    assert [f"{PUBLIC_URL}/gateway/vonage_voice/voice/{attempt}/identity"] == greeting[-1]["eventUrl"]
    assert "612.40" in said(statement)
    assert dispatcher_pb.RECEIPT_STATE_CONVERSED == world.dispatcher.receipts[-1].state


async def test_silence_is_asked_once_more_and_then_ends_without_a_word_of_the_debt(world: World) -> None:
    """Whatever answered and said nothing hears no more than the question."""
    attempt = await world.attempt(channel=Channel.VOICE)

    again = await step(world, attempt, "identity", dtmf={"digits": "", "timed_out": True})
    goodbye = await step(world, attempt, "identity-again", dtmf={"digits": "", "timed_out": True})

    assert "input" == again[-1]["action"]
    assert {"talk"} == {one["action"] for one in goodbye}
    assert not PAST_DUE.search(said(again) + said(goodbye))


@pytest.mark.parametrize("heard", [{"dtmf": {"digits": "9"}}, {"speech": {"results": [{"text": "stop calling me"}]}}])
async def test_a_stop_by_key_or_word_is_in_force_before_the_call_goes_on(world: World, heard: dict[str, Any]) -> None:
    """As with every other provider."""
    attempt = await world.attempt(channel=Channel.VOICE)

    await step(world, attempt, "identity", **heard)

    assert types_pb2.SUPPRESSION_KIND_OPT_OUT in [one.kind for one in world.dispatcher.suppressions]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (["started", "ringing", "answered", "human", "completed"], "ANSWERED"),
        (["started", "ringing", "answered", "machine", "completed"], "MACHINE"),
        (["ringing", "unanswered"], "DELIVERED"),
        (["ringing", "busy"], "NOT_CONNECTED"),
    ],
)
async def test_what_became_of_a_call_is_told_by_its_events(world: World, events: list[str], expected: str) -> None:
    """The end of a call takes nothing back of who took it."""
    attempt = await world.attempt(channel=Channel.VOICE)

    statuses = [(await post(world, f"status?attempt={attempt}", {**CALL, "status": one}))[0] for one in events]

    assert {204} == set(statuses)
    assert expected == dispatcher_pb.ReceiptState.Name(world.dispatcher.receipts[-1].state).removeprefix(
        "RECEIPT_STATE_"
    )


async def test_a_call_that_we_do_not_know_yet_is_asked_to_come_back(world: World) -> None:
    """The attempt may be on its way to the tracker: no text can be chosen before it is here."""
    unknown = uuid4()

    (again,) = await step(world, unknown)

    assert "input" == again["action"]
    assert [f"{PUBLIC_URL}/gateway/vonage_voice/voice/{unknown}"] == again["eventUrl"]


@pytest.mark.parametrize(
    "forged",
    [
        {"secret": "another-secret-that-is-long-enough-for-this"},
        {"payload_hash": hashlib.sha256(b"{}").hexdigest()},
        {"application_id": "00000000-bbbb-cccc-dddd-0123456789ab"},
    ],
)
async def test_a_step_that_the_account_did_not_sign_changes_nothing(world: World, forged: dict[str, str]) -> None:
    """Another secret, another body, another application of the same account."""
    attempt = await world.attempt(channel=Channel.VOICE)

    status, text = await post(world, f"voice/{attempt}/identity", {**CALL, "dtmf": {"digits": "9"}}, **forged)

    assert (403, "signature") == (status, text)
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM event")
    assert [] == list(world.dispatcher.suppressions)


@pytest.mark.parametrize("body", [b"[]", b"not JSON", b'{"a":' * 50 + b"1" + b"}" * 50, b"\xff\x00"])
async def test_a_callback_that_is_no_json_of_theirs_is_refused(world: World, body: bytes) -> None:
    """Nothing of it is echoed."""
    url = f"{world.base_url}/gateway/vonage_voice/status"
    async with world.session.post(url, data=body, headers={"Content-Type": "application/json"}) as answer:
        assert (400, "malformed") == (answer.status, await answer.text())
