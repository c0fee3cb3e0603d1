"""The Twilio-shaped API, asked by the official client and checked by the official signature validator."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from forbear_sandbox.callbacks import Callbacks
from forbear_sandbox.people import Answer, Fate, Gather, Listener
from forbear_sandbox.world import World
from tests.kit.worlds import (
    SENDER,
    STARTS_AT,
    TOKEN,
    open_customer,
    open_twilio,
    open_world,
    portfolio_file,
    world_settings,
)

STRANGER = "+12125550142"
GOOD_TEXT = {"to": STRANGER, "from_": SENDER, "body": "hello"}
GOOD_CALL = {"to": STRANGER, "from_": SENDER, "twiml": "<Response><Say>hello</Say></Response>"}

# What is wrong with a message, the code that Twilio answers with, and the HTTP status (twilio.com/docs/api/errors).
REFUSED_TEXTS = [
    ({"to": ""}, 21604, 400),
    ({"to": "not a number"}, 21211, 400),
    ({"to": "+0123"}, 21211, 400),
    ({"from_": "Harbor Home"}, 21212, 400),
    ({"from_": "+12125550199"}, 21606, 400),
    ({"to": SENDER}, 21266, 400),
    ({"body": ""}, 21602, 400),
    ({"body": "x" * 1601}, 21617, 400),
    ({"status_callback": "not a url"}, 21609, 400),
    ({"validity_period": 36_001}, 30045, 400),
    ({"messaging_service_sid": "MG123"}, 21701, 404),
]
REFUSED_CALLS = [
    ({"to": ""}, 21201),
    ({"from_": ""}, 21213),
    ({"to": "911"}, 21211),
    ({"from_": "x"}, 21212),
    ({"from_": "+12125550199"}, 21210),
    ({"twiml": ""}, 21205),
    ({"url": "ftp://x"}, 21205),
]


@pytest.mark.parametrize(("change", "code", "status"), REFUSED_TEXTS)
async def test_a_wrong_message_is_refused_with_the_real_code(change: dict[str, object], code: int, status: int) -> None:
    """Each line differs from a good message in one field."""
    settings = world_settings()
    async with open_world(settings) as world, open_twilio(settings) as client:
        with pytest.raises(TwilioRestException) as refusal:
            await client.messages.create_async(**{**GOOD_TEXT, **change})

        assert (code, status) == (refusal.value.code, refusal.value.status)
        assert [] == world.census.contacts


@pytest.mark.parametrize(("change", "code"), REFUSED_CALLS)
async def test_a_wrong_call_is_refused_with_the_real_code(change: dict[str, object], code: int) -> None:
    """Each line differs from a good call in one field."""
    settings = world_settings()
    async with open_world(settings), open_twilio(settings) as client:
        with pytest.raises(TwilioRestException) as refusal:
            await client.calls.create_async(**{**GOOD_CALL, **change})

        assert code == refusal.value.code


async def test_wrong_credentials_are_refused() -> None:
    """401 with code 20003, before anything else is looked at."""
    settings = world_settings()
    async with open_world(settings), open_twilio(settings) as client:
        stranger = Client(settings.account_sid, "wrong", http_client=client.http_client)
        with pytest.raises(TwilioRestException) as refusal:
            await stranger.messages.create_async(**GOOD_TEXT)

        assert (20003, 401) == (refusal.value.code, refusal.value.status)


async def test_a_message_is_taken_shown_and_called_back_with_a_valid_signature() -> None:
    """From create to "delivered", as twilio.com/docs/messaging/guides/track-outbound-message-status tells."""
    async with open_customer() as customer:
        settings = world_settings(customer.url)
        async with open_world(settings) as world, open_twilio(settings) as client:
            url = f"{customer.url}/twilio/status?attempt={'a' * 32}"
            made = await client.messages.create_async(**GOOD_TEXT, status_callback=url)
            await settled(world)
            shown = await client.messages(made.sid).fetch_async()

    validator = RequestValidator(TOKEN)
    assert ("queued", None, "1") == (made.status, made.date_sent, made.num_segments)
    assert ("delivered", STARTS_AT) == (shown.status, shown.date_sent)
    assert ["sent", "delivered"] == [form["MessageStatus"] for form in customer.forms("/twilio/status")]
    assert all(validator.validate(url, form, signature) for url, form, signature in customer.received)
    assert not validator.validate(url, {**customer.forms()[0], "MessageStatus": "failed"}, customer.received[0][2])
    assert ["a" * 32] == [contact.attempt for contact in world.census.contacts]


async def test_messages_are_found_by_number_and_time() -> None:
    """The list that reconciliation relies on: filters by To and by both bounds of the time, page by page."""
    settings = world_settings()
    async with open_world(settings) as world, open_twilio(settings) as client:
        for number in range(5):
            await client.messages.create_async(**{**GOOD_TEXT, "body": f"text {number}"})
        await client.messages.create_async(**{**GOOD_TEXT, "to": "+12125550143"})
        await settled(world)

        async def found(**filters: object) -> list[str]:
            return [message.body for message in await client.messages.list_async(**filters)]

        around = {"date_sent_after": STARTS_AT, "date_sent_before": STARTS_AT + timedelta(minutes=1)}
        assert 5 == len(await found(to=STRANGER, page_size=2, **around))
        assert [] == await found(to=STRANGER, date_sent_after=STARTS_AT + timedelta(minutes=1))
        assert 1 == len(await found(to="+12125550143", from_=SENDER))


@pytest.mark.parametrize("page", [{"Page": "-1"}, {"Page": str(10**20)}, {"PageSize": "0"}, {"PageSize": "x"}])
async def test_a_page_that_is_none_is_refused(page: dict[str, str]) -> None:
    """400 in the words of the API, whatever stands where a number belongs."""
    settings = world_settings()
    async with open_world(settings), aiohttp.ClientSession() as session:
        url = f"http://{settings.twilio}/2010-04-01/Accounts/{settings.account_sid}/Messages.json"
        login = aiohttp.BasicAuth(settings.account_sid, settings.auth_token).encode()
        async with session.get(url, params=page, headers={"Authorization": login}) as answer:
            assert (400, 20001) == (answer.status, (await answer.json())["code"])


async def test_after_stop_the_carrier_blocks_until_start() -> None:
    """21610 for this pair of numbers (support.twilio.com, default opt-out handling)."""
    async with open_customer() as customer:
        settings = world_settings(customer.url)
        async with open_world(settings) as world, open_twilio(settings) as client:
            await world._api.receive_text(STRANGER, SENDER, "Stop")
            with pytest.raises(TwilioRestException) as refusal:
                await client.messages.create_async(**GOOD_TEXT)
            await world._api.receive_text(STRANGER, SENDER, "START")
            made = await client.messages.create_async(**GOOD_TEXT)

    assert 21610 == refusal.value.code
    assert "queued" == made.status
    assert ["Stop", "START"] == [form["Body"] for form in customer.forms("/twilio/message")]


async def test_a_stalled_message_is_not_delivered_after_its_validity_period() -> None:
    """30036, at the end of the period by the clock of the world."""
    async with open_customer() as customer:
        settings = world_settings(customer.url)
        async with open_world(settings) as world, open_twilio(settings) as client:
            world.faults.set([{"kind": "stall", "seconds": 10_800}])
            made = await client.messages.create_async(
                **GOOD_TEXT, validity_period=3_600, status_callback=f"{customer.url}/twilio/status"
            )
            assert world.coordinator is not None
            await world.coordinator.run_until(STARTS_AT + timedelta(hours=4))
            shown = await client.messages(made.sid).fetch_async()

    assert ("failed", 30036) == (shown.status, shown.error_code)
    assert ["30036"] == [form.get("ErrorCode") for form in customer.forms()]
    assert STARTS_AT + timedelta(hours=1) == shown.date_updated


async def test_callbacks_are_repeated_until_the_customer_answers() -> None:
    """A webhook that fails twice gets the same form a third time."""
    failures = iter([500, 503])
    async with open_customer() as customer:
        customer.answers = lambda path, form: next(failures, "ok")
        settings = world_settings(customer.url, all_receipts=False)
        async with open_world(settings) as world, open_twilio(settings) as client:
            await client.messages.create_async(**GOOD_TEXT, status_callback=f"{customer.url}/twilio/status")
            await settled(world)

    assert 3 == len(customer.received)
    assert 1 == len({str(sorted(form.items())) for form in customer.forms()})


async def test_a_payment_is_reported_again_while_its_first_report_is_worked_on() -> None:
    """409 of the campaign API: the connection broke, the request did not. It is no reason to lose a payment."""
    answers = iter([503, 409])
    async with open_customer() as customer:
        customer.answers = lambda path, form: next(answers, "{}")
        callbacks = Callbacks(TOKEN)
        try:
            said = await callbacks.post_plain(f"{customer.url}/v1/payments", b"{}", {})
        finally:
            await callbacks.close()

    assert ("{}", 3) == (said, len(customer.received))


@pytest.mark.parametrize(
    ("kind", "taken", "raises"),
    [
        ("error_500", 0, True),
        ("too_many", 0, True),
        ("cut_before", 0, True),
        ("cut_after", 1, True),
        ("slow", 1, False),
    ],
)
async def test_faults_take_or_do_not_take_the_message(kind: str, taken: int, raises: bool) -> None:
    """What the sender cannot know, the census does."""
    settings = world_settings()
    async with open_world(settings) as world, open_twilio(settings) as client:
        world.faults.set([{"kind": kind, "seconds": 0.01}])
        expectation = pytest.raises((TwilioRestException, aiohttp.ClientError)) if raises else nullcontext()
        with expectation:
            await client.messages.create_async(**GOOD_TEXT)

        assert taken == len(world.census.contacts)


async def test_a_request_that_hangs_is_over_when_its_client_gives_up() -> None:
    """The clock of the world waits for requests in flight: one that is never answered must not hold it for ever."""
    settings = world_settings()
    async with open_world(settings) as world, aiohttp.ClientSession() as session:
        world.faults.set([{"kind": "hang"}])
        url = f"http://{settings.twilio}/2010-04-01/Accounts/{settings.account_sid}/Messages.json"
        login = aiohttp.BasicAuth(settings.account_sid, settings.auth_token).encode()
        form = {"To": STRANGER, "From": SENDER, "Body": "hello"}
        with pytest.raises(TimeoutError):
            await session.post(
                url, data=form, headers={"Authorization": login}, timeout=aiohttp.ClientTimeout(total=0.2)
            )

        async with asyncio.timeout(5):
            await settled(world)
        assert [] == world.census.contacts


async def test_a_call_follows_twiml_and_reports_its_end(tmp_path: Path) -> None:
    """Url is fetched with the call's fields, a pause and a redirect are followed, a key goes to the action."""
    pages = {
        "/voice/1": '<Response><Pause length="2"/><Redirect>/voice/2</Redirect></Response>',
        "/voice/2": '<Response><Gather action="/voice/3"><Say>Is this you? Press 1</Say></Gather><Hangup/></Response>',
        "/voice/3": "<Response><Say>Thank you</Say></Response>",
        "/status": "ok",
    }
    async with open_customer() as customer:
        customer.answers = lambda path, form: pages[path]
        settings = world_settings(customer.url, portfolio=portfolio_file(tmp_path, mobile=STRANGER))
        async with open_world(settings) as world, open_twilio(settings) as client:
            answer_always(world)
            made = await client.calls.create_async(
                to=STRANGER, from_=SENDER, url=f"{customer.url}/voice/1", status_callback=f"{customer.url}/status",
                status_callback_event=["initiated", "answered", "completed"], machine_detection="Enable",
            )  # fmt: skip
            await settled(world)
            shown = await client.calls(made.sid).fetch_async()

    assert [] == world.traffic.failures
    assert ["initiated", "in-progress", "completed"] == [form["CallStatus"] for form in customer.forms("/status")]
    assert ["human"] * 3 == [form["AnsweredBy"] for form in customer.forms("/voice")]
    assert ["1"] == [form["Digits"] for form in customer.forms("/voice/3")]
    assert ("completed", "human") == (shown.status, shown.answered_by)
    assert int(customer.forms("/status")[-1]["CallDuration"]) == int(shown.duration) > 3


async def test_a_document_that_is_not_twiml_ends_the_call_and_is_counted(tmp_path: Path) -> None:
    """12200, as the real provider's debugger says."""
    async with open_customer() as customer:
        customer.answers = lambda path, form: "<Response><Shout>hello</Shout></Response>"
        settings = world_settings(customer.url, portfolio=portfolio_file(tmp_path, mobile=STRANGER))
        async with open_world(settings) as world, open_twilio(settings) as client:
            answer_always(world)
            await client.calls.create_async(to=STRANGER, from_=SENDER, url=f"{customer.url}/voice")
            await settled(world)

    assert 1 == world.census.events["voice.twiml_error"]


async def test_what_a_carrier_refuses_comes_back_in_the_receipt(tmp_path: Path) -> None:
    """Undelivered with the carrier's code; nobody reads the text."""
    async with open_customer() as customer:
        settings = world_settings(customer.url, portfolio=portfolio_file(tmp_path, mobile=STRANGER))
        async with open_world(settings) as world, open_twilio(settings) as client:
            world.population.text_fate = lambda to, at: Fate("undelivered", 30005)  # type: ignore[method-assign]
            await client.messages.create_async(**GOOD_TEXT, status_callback=f"{customer.url}/status")
            await settled(world)

    assert [("sent", None), ("undelivered", "30005")] == [
        (form["MessageStatus"], form.get("ErrorCode")) for form in customer.forms()
    ]
    assert [] == next(iter(world.population.by_ref.values())).contacts


async def settled(world: World) -> None:
    """Return when nothing is in flight."""
    while world.traffic.in_flight:
        await asyncio.sleep(0.005)


def answer_always(world: World) -> None:
    """Let every borrower take every call, be who they are, and never hang up or misunderstand."""

    class Willing:
        outcome = "human"

        def hear(self, said: str, gather: Gather | None) -> Answer:
            return Answer(digits="1")

        def hung_up(self) -> None:
            pass

    def pick_up(to: str, sender: str) -> Listener:
        return Willing()

    world.population.pick_up = pick_up  # type: ignore[method-assign]
