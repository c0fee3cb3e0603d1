"""One suite for every provider: it finds them by their files and fails where payloads, codes or redaction lack."""

from __future__ import annotations

import importlib
import json
import logging
import pkgutil
import re
from types import ModuleType
from typing import Any

import pytest

import forbear_providers
from forbear_providers.contract import Callback, Consequence, PayloadError, SendOutcome, SendState
from forbear_providers.inbound_mail import parse_inbound
from tests.contract.providers.drivers import (
    CANARIES,
    DRIVERS,
    PATIENCE_S,
    PAYLOADS,
    accepted,
    ask,
    http_reply,
    provider_of,
)
from tests.contract.providers.local_servers import HttpStub, Reply, SmtpStub

MODULES: dict[str, ModuleType] = {
    module.NAME: module
    for info in pkgutil.iter_modules(forbear_providers.__path__)
    if hasattr(module := importlib.import_module(f"forbear_providers.{info.name}"), "NAME")
}
OVER_HTTP = [name for name in DRIVERS if DRIVERS[name].transport == "http"]
OVER_SMTP = [name for name in DRIVERS if DRIVERS[name].transport == "smtp"]
PARSERS = {"status": "parse_status", "message": "parse_message", "voice": "parse_voice"}


def recorded(*kinds: str) -> list[Any]:
    """Return the recorded payloads of these kinds, of every provider."""
    files = [file for file in sorted(PAYLOADS.glob("*/*.json")) if file.stem != "driver"]
    cases = [(file, json.loads(file.read_text(encoding="utf-8"))) for file in files]
    return [
        pytest.param(file.parent.name, data, id=f"{file.parent.name}-{file.stem}")
        for file, data in cases
        if data["kind"] in kinds
    ]


def sendings() -> list[Any]:
    """Return the recorded answers to sending, for every way in which their provider is started."""
    return [
        pytest.param(name, data.values[1], id=f"{name}-{data.id}")
        for data in recorded("send")
        for name in DRIVERS
        if provider_of(name) == data.values[0]
    ]


def shown(value: Any, expected: dict[str, Any]) -> dict[str, Any]:
    """Return the expected fields of a value as plain data, enums by name."""
    plain = {name: getattr(value, name) for name in expected}
    return {name: one.name if hasattr(one, "name") else one for name, one in plain.items()}


def assert_nothing_leaks(outcome: SendOutcome, logs: str) -> None:
    """Show that neither an outcome nor a log line holds an address, a text or a secret."""
    said = f"{outcome!r} {logs}"
    assert [canary for canary in CANARIES if canary in said] == []


def test_every_provider_has_a_driver_and_every_driver_a_provider() -> None:
    """A file with a NAME in forbear_providers joins the suite by itself; here is where it says what is missing."""
    assert set(MODULES) == {provider_of(name) for name in DRIVERS}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_provider_has_payloads_for_sending_and_for_every_parser(name: str) -> None:
    """Adding a provider means one file and one folder of recorded payloads (STYLE: the test of the design)."""
    kinds = {data.values[1]["kind"] for data in recorded("send", "status", "message", "voice", "mail", "signature")
             if data.values[0] == name}  # fmt: skip

    wanted = {"send"} | {kind for kind, parser in PARSERS.items() if hasattr(MODULES[name], parser)}
    wanted |= {"signature"} if hasattr(MODULES[name], "is_authentic") else set()

    assert wanted <= kinds


@pytest.mark.parametrize("name", sorted(MODULES))
def test_provider_has_a_code_table_of_consequences(name: str) -> None:
    """Every code carries its consequence, and its reason is a word that can be a metric label."""
    codes: dict[Any, Consequence] = MODULES[name].CODES

    assert len(codes) >= 10
    assert [code for code, meaning in codes.items() if not re.fullmatch(r"[a-z][a-z_]+", meaning.reason)] == []
    assert SendState.ACCEPTED not in {meaning.state for meaning in codes.values()}


@pytest.mark.parametrize(("name", "data"), sendings())
async def test_recorded_answer_gives_its_outcome(
    name: str, data: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Each recorded answer of a provider, served by a real local server, has the outcome written beside it."""
    caplog.set_level(logging.DEBUG)
    driver = DRIVERS[name]
    server = driver.stub(http_reply(data)) if driver.transport == "http" else SmtpStub(**data["answers"])

    async with server:
        outcome = await ask(driver, server)

    assert data["expected"] == shown(outcome, data["expected"])
    assert_nothing_leaks(outcome, caplog.text)


@pytest.mark.parametrize("name", OVER_HTTP)
@pytest.mark.parametrize(
    "status", [*range(200, 210), *range(300, 309), *range(400, 432), 451, 499, *range(500, 512), 599]
)
async def test_every_http_status_has_an_outcome_that_never_sends_twice(name: str, status: int) -> None:
    """Without a code of the provider only 429 and refused credentials prove that nothing was taken."""
    proved = {401, 403, 404, 429}
    expected = SendState.REFUSED_TRANSIENT if status in proved else SendState.UNKNOWN

    async with DRIVERS[name].stub(Reply(status, "{}")) as server:
        outcome = await ask(DRIVERS[name], server)

    assert expected == outcome.state
    assert len(server.asked) == 1


@pytest.mark.parametrize("name", OVER_HTTP)
async def test_every_code_of_the_table_gives_its_consequence(name: str) -> None:
    """The code decides, whatever the sentence beside it says."""
    codes: dict[int, Consequence] = MODULES[provider_of(name)].CODES
    replies = [DRIVERS[name].refuse(code) for code in codes]
    async with DRIVERS[name].stub(*replies) as server:
        provider = DRIVERS[name].start(server.port, PATIENCE_S)
        outcomes = [await provider.send(DRIVERS[name].request) for _ in codes]
        await provider.close()

    got = [
        Consequence(one.state, one.reason, one.is_opted_out, one.retry_after_s, one.is_address_dead) for one in outcomes
    ]
    assert list(codes.values()) == got
    assert [str(code) for code in codes] == [one.code for one in outcomes]


@pytest.mark.parametrize("name", OVER_SMTP)
async def test_every_enhanced_code_gives_its_consequence(name: str) -> None:
    """A 5yz answer with a known enhanced code has the table's state; a 4yz answer is never final."""
    for code, meaning in MODULES[provider_of(name)].CODES.items():
        async with SmtpStub(RCPT=f"550 5.{code} {CANARIES[3]}") as server:
            final = await ask(DRIVERS[name], server)
        async with SmtpStub(RCPT=f"450 4.{code} {CANARIES[3]}") as server:
            transient = await ask(DRIVERS[name], server)

        assert (meaning.state, meaning.reason, f"5.{code}") == (final.state, final.reason, final.code)
        assert meaning.is_address_dead == final.is_address_dead
        assert not transient.is_address_dead
        assert (SendState.REFUSED_TRANSIENT, f"4.{code}") == (transient.state, transient.code)


@pytest.mark.parametrize("name", OVER_HTTP)
@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        (Reply(how="hang"), "timed_out"),
        (Reply(how="close"), "connection_lost"),
        (Reply(how="tear"), "connection_lost"),
        (Reply(how="garbage"), "connection_lost"),
        (Reply(201, "<html>ok</html>"), "torn_reply"),
        (Reply(201, "[]"), "torn_reply"),
        (Reply(201, '{"sid": null}'), "torn_reply"),
        (Reply(201, '{"sid": 4711}'), "torn_reply"),
        (Reply(201, '{"status": "que'), "torn_reply"),
        (Reply(201, '{"sid": "' + "x" * 1_100_000 + '"}'), "torn_reply"),
        (Reply(307, "{}", (("Location", "/elsewhere"),)), "redirected"),
    ],
    ids=lambda value: value if isinstance(value, str) else f"{value.status}-{value.how}-{len(value.body)}",
)
async def test_whatever_may_have_been_taken_is_unknown_and_asked_once(
    name: str, reply: Reply, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A timeout, a torn or an unreadable answer proves nothing, so it is never repeated."""
    caplog.set_level(logging.DEBUG)
    async with DRIVERS[name].stub(reply) as server:
        outcome = await ask(DRIVERS[name], server)

    assert (SendState.UNKNOWN, reason) == (outcome.state, outcome.reason)
    assert len(server.asked) == 1
    assert_nothing_leaks(outcome, caplog.text)


@pytest.mark.parametrize("name", sorted(DRIVERS))
async def test_a_refused_connection_may_be_asked_again(name: str) -> None:
    """Nothing listens: not a byte was written, so it is proved that nothing was taken."""
    async with SmtpStub() as server:
        port = server.port
    provider = DRIVERS[name].start(port, PATIENCE_S)

    outcome = await provider.send(DRIVERS[name].request)
    await provider.close()

    assert (SendState.REFUSED_TRANSIENT, "not_connected") == (outcome.state, outcome.reason)


@pytest.mark.parametrize("name", sorted(DRIVERS))
async def test_nothing_is_sent_after_the_lawful_window(name: str) -> None:
    """A permit whose window has ended in the meantime reaches no provider."""
    driver = DRIVERS[name]
    late = driver.request._replace(die_by=driver.request.die_by and driver.request.die_by.replace(hour=15))
    server: HttpStub | SmtpStub = driver.stub(Reply()) if driver.transport == "http" else SmtpStub()
    async with server:
        provider = driver.start(server.port, PATIENCE_S)
        outcome = await provider.send(late)
        await provider.close()

    assert (SendState.REFUSED_TRANSIENT, "window_over") == (outcome.state, outcome.reason)
    assert server.connections == 0


@pytest.mark.parametrize("name", sorted(DRIVERS))
async def test_connections_are_reused(name: str) -> None:
    """Ten messages one after the other take one connection."""
    driver = DRIVERS[name]
    server: HttpStub | SmtpStub = driver.stub(accepted(name)) if driver.transport == "http" else SmtpStub()
    async with server:
        provider = driver.start(server.port, PATIENCE_S)
        outcomes = {(await provider.send(driver.request)).state for _ in range(10)}
        await provider.close()

    assert {SendState.ACCEPTED} == outcomes
    assert server.connections == 1


@pytest.mark.parametrize(("name", "data"), recorded("status", "message", "voice"))
def test_recorded_callback_is_read_as_written_beside_it(name: str, data: dict[str, Any]) -> None:
    """Each recorded callback gives its event; one that lacks a field names the field and nothing of the person."""
    parse = getattr(MODULES[name], PARSERS[data["kind"]])
    if data["expected"] == "PayloadError":
        with pytest.raises(PayloadError, match=r"the callback has no \w+$"):
            parse(data["form"])
        return

    event = parse(data["form"])

    assert data["expected"] == (None if event is None else shown(event, data["expected"]))


@pytest.mark.parametrize(("name", "data"), recorded("signature"))
def test_a_signed_callback_is_believed_and_a_changed_one_is_not(name: str, data: dict[str, Any]) -> None:
    """Every field is covered: none can be altered, left out or added, and no other secret signs it."""
    options, form = DRIVERS[name].options, data["form"]

    def is_authentic(form: dict[str, str], **changes: str) -> bool:
        body = json.dumps(form).encode() if hasattr(MODULES[name], "read_callback") else b""
        callback = Callback(data["url"], data["headers"], form, body)
        return bool(MODULES[name].is_authentic({**options, **changes}, callback))

    secret = data["secret"]
    assert is_authentic(form)
    assert [key for key in form if is_authentic({**form, key: form[key] + "0"})] == []
    assert [key for key in form if is_authentic({one: form[one] for one in form if one != key})] == []
    assert not is_authentic({**form, "zz": "1"})
    assert not is_authentic(form, **{secret: options[secret] + "x"})


@pytest.mark.parametrize(("name", "data"), recorded("mail"))
def test_recorded_mail_is_matched_to_its_attempt(name: str, data: dict[str, Any]) -> None:
    """Replies, bounces, complaints and automatic answers are told apart and find the attempt they belong to."""
    raw = (PAYLOADS / name / data["file"]).read_bytes()
    if "replace" in data:
        old, new = data["replace"]
        assert old.encode() in raw
        raw = raw.replace(old.encode(), new.encode())

    mail = parse_inbound(raw, data["rcpt_to"])

    expected = {key: value for key, value in data["expected"].items() if key != "attempt"}
    assert data["expected"]["attempt"] == (mail.attempt_id.hex if mail.attempt_id else None)
    assert expected == shown(mail, expected)
