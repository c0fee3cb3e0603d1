"""Calls through Vonage: the request and its token, the scripts that say an action, and finding a call again."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from hypothesis import given, settings
from hypothesis import strategies as st

from forbear_domain.messages import LANGUAGES, Catalogue
from forbear_domain.messages.lint import sample
from forbear_domain.model import Channel
from forbear_providers.accounts import Account, AccountError
from forbear_providers.call_dialogue import CallAction, decide
from forbear_providers.contract import CallParty, FindRequest, Found, NotFound, PayloadError, ReceiptState
from forbear_providers.vonage_voice import PAGE, parse_voice, read_callback, script, script_later
from tests.contract.providers.drivers import ATTEMPT, CANARIES, DRIVERS, NOW, accepted, ask, now, patience_s
from tests.contract.providers.local_servers import HttpStub, Reply

DRIVER = DRIVERS["vonage_voice"]
CATALOGUE = Catalogue.load()
CALL_URL = f"https://tracker.example.com/gateway/vonage_voice/voice/{ATTEMPT}"
ASKING = {
    CallAction.ASK_IDENTITY, CallAction.ASK_IDENTITY_AGAIN, CallAction.STATE_AND_OFFER, CallAction.OFFER_AGAIN,
    CallAction.OFFER_OPTIONS, CallAction.OFFER_OPTIONS_AGAIN,
}  # fmt: skip
LOOKED_FOR = FindRequest(
    ATTEMPT, "+12125550147", "+12125550100", NOW - timedelta(minutes=1), NOW + timedelta(minutes=1),
    known_refs=frozenset({"another-attempt"}),
)  # fmt: skip


def steps(language: str = "en") -> dict[str, str]:
    """Return the spoken texts of a usual reminder."""
    version = CATALOGUE.find("reminder.gentle", Channel.VOICE, language)
    slots = sample(version, "collector", is_first=False)
    return dict(CATALOGUE.render("reminder.gentle", Channel.VOICE, language, slots).steps)


def said(document: str) -> str:
    """Return what a script says."""
    return " ".join(one["text"] for one in json.loads(document) if one["action"] == "talk")


def public_key() -> bytes:
    """Return the public half of the driver's key."""
    private = load_pem_private_key(DRIVER.options["private_key"].encode(), None)
    return private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


async def test_a_call_is_made_with_the_numbers_doors_and_times_of_its_attempt() -> None:
    """Ringing and talking end with the lawful window; a machine is hung up on."""
    request = DRIVER.request._replace(die_by=NOW + timedelta(seconds=90))
    async with HttpStub(accepted("vonage_voice")) as server:
        await ask(dataclasses.replace(DRIVER, request=request), server)
    body: dict[str, Any] = json.loads(server.asked[0].body)

    assert ("POST", "/v1/calls") == (server.asked[0].method, server.asked[0].path)
    assert [{"type": "phone", "number": "12125550147"}] == body["to"]
    assert {"type": "phone", "number": "12125550100"} == body["from"]
    assert [CALL_URL] == body["answer_url"]
    assert [f"https://tracker.example.com/gateway/vonage_voice/status?attempt={ATTEMPT}"] == body["event_url"]
    assert ("POST", "POST", "hangup") == (body["answer_method"], body["event_method"], body["machine_detection"])
    assert (30, 90) == (body["ringing_timer"], body["length_timer"])


async def test_each_request_bears_a_token_of_the_application_that_soon_ends() -> None:
    """RS256; calls of the same minutes share one signature, and no secret travels."""
    async with HttpStub(accepted("vonage_voice")) as server:
        provider = DRIVER.start(server.port, patience_s(server))
        for _ in range(2):
            await provider.send(DRIVER.request)
        await provider.close()
    first, second = [asked.headers["authorization"] for asked in server.asked]
    claims = jwt.decode(
        first.removeprefix("Bearer "), public_key(), algorithms=["RS256"],
        options={"verify_exp": False, "verify_iat": False},
    )  # fmt: skip

    assert first == second
    assert DRIVER.options["application_id"] == claims["application_id"]
    assert timedelta(minutes=15) == timedelta(seconds=claims["exp"] - claims["iat"])
    assert [canary for canary in CANARIES if canary.encode() in server.asked[0].body and canary[0] != "+"] == []


@pytest.mark.parametrize("key", ["-----BEGIN PRIVATE KEY-----\n" + "A" * 200 + "\n-----END PRIVATE KEY-----"])
def test_a_key_that_is_none_stops_the_start_and_is_not_shown(key: str) -> None:
    """The message names the account and the option."""
    options = {**DRIVER.options, "private_key": key}
    account = Account("calls", "vonage_voice", ("+12125550100",), 1.0, 0.0, 1, 0, 1, options)

    with pytest.raises(AccountError, match=r"^account calls: option private_key is no key") as caught:
        account.open(now)

    assert "AAAA" not in str(caught.value)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("action", list(CallAction))
def test_a_script_speaks_its_language_and_either_listens_or_ends(action: CallAction, language: str) -> None:
    """What asks leads to the next step by one key or a word; everything else says its text and hangs up."""
    actions = json.loads(script(action, steps(language), language, CALL_URL))
    kinds = [one["action"] for one in actions]

    assert {"talk", "input"} >= set(kinds)
    assert (action in ASKING) == (kinds[-1:] == ["input"])
    if action in ASKING:
        (url,) = actions[-1]["eventUrl"]
        assert url.startswith(f"{CALL_URL}/")
        assert (["dtmf", "speech"], 1) == (actions[-1]["type"], actions[-1]["dtmf"]["maxDigits"])
        assert all(one["bargeIn"] for one in actions[:-1])


def test_nothing_of_the_debt_is_said_before_the_person_is_known() -> None:
    """The amount and the word stand in the statement, and in no step that leads to it."""
    texts = steps()
    before = [CallAction.ASK_IDENTITY, CallAction.ASK_IDENTITY_AGAIN, CallAction.SAY_GOODBYE, CallAction.WRONG_PARTY]

    assert "debt collector" in said(script(CallAction.STATE_AND_OFFER, texts, "en", CALL_URL))
    for action in before:
        spoken = said(script(action, texts, "en", CALL_URL))
        assert ("$" in spoken, "debt" in spoken, "mortgage" in spoken) == (False, False, False), action


def test_the_first_request_of_a_call_is_answered_with_the_question_who_it_is() -> None:
    """Vonage says nothing of a machine there."""
    event = parse_voice(read_callback(b'{"uuid": "u-1", "from": "12125550100", "to": "12125550147"}'))

    assert CallParty.UNKNOWN is event.party
    assert CallAction.ASK_IDENTITY is decide("", event)


def test_a_person_is_connected_where_there_is_a_number_for_it() -> None:
    """Without one, the call ends: the person calls back."""
    with_number = json.loads(script(CallAction.TO_PERSON, steps(), "en", CALL_URL, transfer_to="+12125550199"))
    without = json.loads(script(CallAction.TO_PERSON, steps(), "en", CALL_URL))

    assert {"action": "connect", "endpoint": [{"type": "phone", "number": "12125550199"}]} == with_number[-1]
    assert ["talk"] == [one["action"] for one in without]


@settings(max_examples=60)
@given(st.text(max_size=80), st.sampled_from(list(CallAction)))
def test_no_value_becomes_an_action_or_markup_of_speech(value: str, action: CallAction) -> None:
    """A name may hold quotes, brackets or tags: the script keeps its shape."""
    texts = steps()
    plain = json.loads(script(action, dict.fromkeys(texts, "x"), "en", CALL_URL))
    odd = json.loads(script(action, dict.fromkeys(texts, f"x{value}"), "en", CALL_URL))

    assert [sorted(one) for one in plain] == [sorted(one) for one in odd]
    assert [] == [one for one in odd if "<" in one.get("text", "") or ">" in one.get("text", "")]


def test_a_call_is_asked_back_where_it_is() -> None:
    """After two seconds of silence, at the same door."""
    (again,) = json.loads(script_later(CALL_URL))

    assert ("input", [CALL_URL], 2) == (again["action"], again["eventUrl"], again["dtmf"]["timeOut"])


@given(st.binary(max_size=200))
def test_no_callback_breaks_the_reading(body: bytes) -> None:
    """Whatever comes in: fields of text, or the one error that the door knows."""
    fields: dict[str, str] = {}
    with contextlib.suppress(PayloadError):
        fields = read_callback(body)

    assert {str} >= {type(value) for value in fields.values()}


def listed(*calls: tuple[str, str, str, str], count: int | None = None) -> Reply:
    """Make an answer with a list of calls: reference, to, from, status."""
    found = [
        {"uuid": ref, "to": {"number": to}, "from": {"number": sender}, "status": state}
        for ref, to, sender, state in calls
    ]
    body = {"count": len(found) if count is None else count, "page_size": PAGE, "_embedded": {"calls": found}}
    return Reply(200, json.dumps(body))


OURS = ("12125550147", "12125550100")


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ([listed(("u-1", *OURS, "completed"))], Found("u-1", ReceiptState.SENT)),
        ([listed(("u-1", *OURS, "busy"))], Found("u-1", ReceiptState.NOT_CONNECTED)),
        ([listed(("u-1", *OURS, "something"))], Found("u-1", ReceiptState.SENT)),
        ([listed(("u-2", "12125550148", OURS[1], "completed"))], NotFound.ABSENT),
        ([listed(("another-attempt", *OURS, "completed"))], NotFound.ABSENT),
        ([listed()], NotFound.ABSENT),
        ([listed(count=PAGE + 1), listed(("u-1", *OURS, "completed"), count=PAGE + 1)],
         Found("u-1", ReceiptState.SENT)),
        ([listed(("u-1", *OURS, "completed"), ("u-2", *OURS, "completed"))], NotFound.CANNOT_TELL),
        ([listed(count=5000)], NotFound.CANNOT_TELL),
        ([Reply(500)], NotFound.CANNOT_TELL),
        ([Reply(200, "{}")], NotFound.CANNOT_TELL),
        ([Reply(200, '{"count": 1, "_embedded": {"calls": [7]}}')], NotFound.CANNOT_TELL),
        ([Reply(how="hang")], NotFound.CANNOT_TELL),
    ],
)  # fmt: skip
async def test_a_call_is_found_or_proved_absent_or_nobody_can_tell(
    replies: list[Reply], expected: Found | NotFound
) -> None:
    """ABSENT needs the whole list; two candidates, a list without end or a failing provider prove nothing."""
    async with HttpStub(*replies) as server:
        provider = DRIVER.start(server.port, patience_s(server))
        found = await provider.find(LOOKED_FOR)
        await provider.close()

    assert expected == found
    assert "2026-09-14T15:29:00Z" == server.asked[0].query["date_start"]
    assert {"GET"} == {asked.method for asked in server.asked}
