"""Provider webhooks: signed, bounded, durable, idempotent, and in any order."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forbear.dispatcher.v1 import dispatcher_service_pb2 as dispatcher_pb
from forbear_domain.model import Channel
from response_tracker.forms import read_form
from tests.integration.tracker.tracker_stage import PHONE, SENDER, TENANT, World

pytestmark = pytest.mark.needs_postgres


def status_form(status: str, sid: str = "SM-out-1", **more: str) -> dict[str, str]:
    """Make the form of a status callback."""
    return {"MessageSid": sid, "MessageStatus": status, "To": PHONE, "From": SENDER, **more}


async def test_a_delivered_message_is_told_to_dispatcher_and_scheduler(world: World) -> None:
    """A receipt goes to the dispatcher, a response to the scheduler, credited to the contact."""
    attempt = await world.attempt()

    status, _ = await world.post_signed(f"/twilio/status?attempt={attempt}", status_form("delivered"))
    await world.pump()

    assert 204 == status
    assert [dispatcher_pb.RECEIPT_STATE_DELIVERED] == [one.state for one in world.dispatcher.receipts]
    assert ["DELIVERED"] == world.scheduler.kinds()
    assert 16 == len(world.scheduler.responses[0].contact_id)


async def test_statuses_in_any_order_and_number_only_move_forward(world: World) -> None:
    """ "sent" after "delivered", and each of them twice, changes nothing (Twilio promises no order)."""
    attempt = await world.attempt()

    for state in ("delivered", "sent", "queued", "delivered", "sent", "undelivered"):
        await world.post_signed(f"/twilio/status?attempt={attempt}", status_form(state))
        await world.pump()

    assert [dispatcher_pb.RECEIPT_STATE_DELIVERED] == [one.state for one in world.dispatcher.receipts]
    assert 2 == await world.pool.fetchval("SELECT receipt_state FROM attempt")


async def test_a_status_that_comes_before_its_attempt_waits_for_it(world: World) -> None:
    """The provider may be faster than the dispatcher's outbox: nothing is lost."""
    from uuid import UUID

    from tests.integration.tracker.tracker_stage import make_attempt

    attempt = UUID(bytes=make_attempt(1, world.clock).attempt_id)
    await world.post_signed(f"/twilio/status?attempt={attempt}", status_form("delivered"))
    await world.pump()
    before = list(world.dispatcher.receipts)

    await world.attempt()
    await world.pump()

    assert [] == before
    assert 1 == len(world.dispatcher.receipts)


@pytest.mark.parametrize(
    ("signature", "expected"),
    [("", 403), ("AAAA", 403), ("wrong-but-long-enough-to-be-one==", 403), ("ünïcode", 403)],
    ids=["missing", "short", "wrong", "no_ascii"],
)
async def test_a_forged_callback_is_refused_and_leaves_nothing(world: World, signature: str, expected: int) -> None:
    """Without the provider's signature nothing becomes an event."""
    attempt = await world.attempt()

    status, _ = await world.post_signed(
        f"/twilio/status?attempt={attempt}", status_form("delivered"), signature=signature
    )

    assert expected == status
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM event")


async def test_a_signature_is_good_for_its_own_url_only(world: World) -> None:
    """A signed body replayed at another address is forged."""
    from twilio.request_validator import RequestValidator

    from tests.integration.tracker.tracker_stage import AUTH_TOKEN, PUBLIC_URL

    attempt = await world.attempt()
    form = status_form("delivered")
    stolen = RequestValidator(AUTH_TOKEN).compute_signature(PUBLIC_URL + "/twilio/message", form)

    status, _ = await world.post_signed(f"/twilio/status?attempt={attempt}", form, signature=stolen)

    assert 403 == status


async def test_a_body_of_ten_megabytes_is_refused_unread(world: World) -> None:
    """Bodies are bounded at 64 KiB, whether the length is declared or not."""

    async def chunks():  # type: ignore[no-untyped-def]
        for _ in range(160):
            yield b"x" * 65_536

    headers = {"X-Twilio-Signature": "x"}
    async with world.session.post(world.base_url + "/twilio/message", data=b"x" * 10_485_760, headers=headers) as reply:
        declared = reply.status
    try:
        async with world.session.post(world.base_url + "/twilio/message", data=chunks(), headers=headers) as reply:
            undeclared = reply.status
    except OSError:
        undeclared = 413  # the connection was closed while we were still sending

    assert 413 == declared
    assert 413 == undeclared


@pytest.mark.parametrize(
    "body",
    [b"", b"%", b"%ff%fe=%80", b"\xff\xfe\x00", b"MessageSid", b"&" * 5000, b"a=b;c=d", "Body=‮文".encode()],
    ids=["empty", "percent", "bad_utf8", "bytes", "no_value", "many_fields", "semicolons", "direction"],
)
async def test_odd_bodies_get_an_answer_and_never_a_crash(world: World, body: bytes) -> None:
    """Whatever comes in, the answer is a status below 500."""
    for path in ("/twilio/message", "/twilio/status", "/twilio/voice/x", "/p/x", "/u/x"):
        async with world.session.post(world.base_url + path, data=body, headers={"X-Twilio-Signature": "x"}) as reply:
            assert reply.status < 500


async def test_an_unknown_code_is_kept_and_counted_not_fatal(world: World) -> None:
    """A status or code that no table knows keeps the event."""
    attempt = await world.attempt()

    status, _ = await world.post_signed(
        f"/twilio/status?attempt={attempt}", status_form("undelivered", ErrorCode="99999")
    )
    await world.pump()

    assert 204 == status
    assert ["99999"] == [one.code for one in world.dispatcher.receipts]


async def test_a_carriers_opt_out_is_in_force_before_its_status_is_acknowledged(world: World) -> None:
    """With the dispatcher away the provider hears 503 and comes again; its twin of another code does not wait."""
    attempt = await world.attempt()
    path = f"/twilio/status?attempt={attempt}"
    world.dispatcher.is_away = True

    other, _ = await world.post_signed(path, status_form("undelivered", ErrorCode="30003"))
    away, _ = await world.post_signed(path, status_form("undelivered", ErrorCode="21610"))
    world.dispatcher.is_away = False
    again, _ = await world.post_signed(path, status_form("undelivered", ErrorCode="21610"))
    in_force = world.suppression_kinds()

    assert (204, 503, 204) == (other, away, again)
    assert ["OPT_OUT"] == in_force
    assert [PHONE] == world.barred_for_everyone()


async def test_a_carrier_that_knows_of_an_opt_out_makes_it_ours(world: World) -> None:
    """Code 21610: the carrier blocks the number because its owner said STOP there (Twilio, error 21610)."""
    attempt = await world.attempt()

    await world.post_signed(f"/twilio/status?attempt={attempt}", status_form("undelivered", ErrorCode="21610"))
    await world.pump()

    assert ["OPT_OUT"] == world.suppression_kinds()
    assert PHONE == world.dispatcher.suppressions[0].address


async def test_word_of_a_recording_is_kept_with_its_call_and_nothing_follows(world: World) -> None:
    """Twice is once; a forged one is refused; nobody is opted out, answered or credited by it."""
    await world.attempt(channel=Channel.VOICE, provider_ref="CA1")
    form = {"RecordingSid": "RE1", "CallSid": "CA1", "RecordingStatus": "completed", "RecordingDuration": "31"}

    forged, _ = await world.post_signed("/twilio/recording", form, signature="x")
    statuses = [(await world.post_signed("/twilio/recording", form))[0] for _ in range(2)]
    nameless, _ = await world.post_signed("/twilio/recording", {"RecordingSid": "RE1"})
    await world.pump()

    rows = await world.pool.fetch("SELECT fate, tenant_id FROM event")
    assert (403, [204, 204], 400) == (forged, statuses, nameless)
    assert [("recorded", str(TENANT))] == [(row["fate"], str(row["tenant_id"])) for row in rows]
    assert ([], [], []) == (world.suppression_kinds(), world.templates(), world.scheduler.kinds())


SIGNED = st.dictionaries(
    st.sampled_from(
        ["MessageSid", "CallSid", "RecordingSid", "From", "To", "Body", "MessageStatus", "CallStatus", "ErrorCode",
         "Digits", "SpeechResult", "AnsweredBy", "OptOutType", "\x00", "漢字"],
    ),
    st.one_of(st.text(max_size=60), st.sampled_from(["STOP", "delivered", "30007", "-1", PHONE, "+", "9" * 400])),
    max_size=10,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(form=SIGNED, door=st.sampled_from(["status", "message", "recording", "voice"]))
async def test_whatever_a_provider_signs_gets_an_answer_and_never_a_crash(
    world: World, form: dict[str, str], door: str
) -> None:
    """The signature is right, the fields are anything: a status below 500, and the worker gets through."""
    attempt = await world.attempt()
    path = f"/twilio/voice/{attempt}/identity" if door == "voice" else f"/twilio/{door}"

    status, _ = await world.post_signed(path, form)
    await world.pump()

    assert status < 500
    assert 0 == await world.pool.fetchval("SELECT count(*) FROM event WHERE processed_at IS NULL")


VALUES = st.one_of(st.text(max_size=20), st.from_regex(r"\+\d{0,15}.?", fullmatch=True))


@given(fields=st.lists(st.tuples(st.text(max_size=20), VALUES).filter(lambda pair: any(pair)), max_size=30))
def test_a_form_is_read_as_the_standard_library_reads_it(fields: list[tuple[str, str]]) -> None:
    """Of a field given twice the last counts."""
    body = urlencode(fields, errors="replace").encode()

    assert dict(parse_qsl(body.decode(), keep_blank_values=True)) == dict(read_form(body))


@pytest.mark.parametrize("code", ["9" * 5_000, "²", "-1", "1e5", "\u0663"], ids=ascii)
async def test_a_code_that_is_no_number_of_theirs_is_kept_and_stops_nothing(world: World, code: str) -> None:
    """Figures that `int` does not take once ended the worker of statuses, each time it came back to the event."""
    attempt = await world.attempt()
    told = {"MessageSid": "SM-out-1", "MessageStatus": "failed", "ErrorCode": code}

    status, _ = await world.post_signed(f"/twilio/status?attempt={attempt}", told)
    await world.pump()

    assert 204 == status
    assert ["recorded"] == [row["fate"] for row in await world.pool.fetch("SELECT fate FROM event")]


@pytest.mark.parametrize("sum_", ["$" + "9" * 40, "$9999999999", "999999 lakhs", "9,999,999,999.99 dollars"])
async def test_a_promise_of_any_sum_is_taken_and_answered(world: World, sum_: str) -> None:
    """More than a loan, more than a column holds, more than arithmetic holds: a promise, an answer, and no crash."""
    await world.attempt()

    assert 200 == await world.text(f"I will pay {sum_} on Friday")
    await world.pump()
    assert ["answered"] == [row["fate"] for row in await world.pool.fetch("SELECT fate FROM event")]
    assert 1 == len(world.templates())
