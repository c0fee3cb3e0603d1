"""The end of the lawful window goes with every message, in each provider's own words."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from forbear_providers.contract import SendState
from tests.contract.providers.drivers import DRIVERS, NOW, accepted, ask
from tests.contract.providers.local_servers import HttpStub, SmtpStub

EHLO = "250-relay.example.com\r\n250-DELIVERBY{}\r\n250 8BITMIME"


@pytest.mark.parametrize(
    ("ehlo", "left", "expected"),
    [
        (EHLO.format(""), timedelta(hours=2), "BY=7200;R"),
        (EHLO.format(" 240"), timedelta(hours=2), "BY=7200;R"),
        (EHLO.format(" 240"), timedelta(minutes=3), ""),
        (EHLO.format(""), None, ""),
        ("250-relay.example.com\r\n250 8BITMIME", timedelta(hours=2), ""),
    ],
)
async def test_a_relay_that_can_gives_up_in_time(ehlo: str, left: timedelta | None, expected: str) -> None:
    """RFC 2852: return what was not delivered in so many seconds; not below the least that the relay takes."""
    driver = DRIVERS["smtp"]
    request = driver.request._replace(die_by=None if left is None else NOW + left)
    async with SmtpStub(EHLO=ehlo) as server:
        outcome = await ask(dataclasses.replace(driver, request=request), server)

    assert SendState.ACCEPTED is outcome.state
    assert expected in server.taken[0].options
    assert bool(expected) == ("BY=" in server.taken[0].options)


@pytest.mark.parametrize(
    ("left", "expected"),
    [(timedelta(hours=2), "7200000"), (timedelta(days=9), "604800000"), (timedelta(seconds=20), "20000"), (None, None)],
)
async def test_a_message_by_vonage_lives_no_longer_than_the_window(
    left: timedelta | None, expected: str | None
) -> None:
    """`ttl` in milliseconds, 20,000 to 604,800,000."""
    driver = DRIVERS["vonage_sms"]
    request = driver.request._replace(die_by=None if left is None else NOW + left)
    async with HttpStub(accepted("vonage_sms")) as server:
        await ask(dataclasses.replace(driver, request=request), server)

    assert expected == server.asked[0].form.get("ttl")


async def test_a_message_that_vonage_could_not_drop_in_time_is_not_handed_over() -> None:
    """The twin: nineteen seconds are less than its shortest life."""
    driver = DRIVERS["vonage_sms"]
    request = driver.request._replace(die_by=NOW + timedelta(seconds=19))
    async with HttpStub(accepted("vonage_sms")) as server:
        outcome = await ask(dataclasses.replace(driver, request=request), server)

    assert (SendState.REFUSED_TRANSIENT, "window_over") == (outcome.state, outcome.reason)
    assert [] == server.asked


async def test_a_request_to_vonage_names_the_attempt_and_where_receipts_go() -> None:
    """Numbers without a plus, our reference, the callback; a Chinese text is sent as Unicode."""
    driver = DRIVERS["vonage_sms"]
    rendered = driver.request.rendered._replace(text="还款 STOP")
    request = driver.request._replace(rendered=rendered)
    async with HttpStub(accepted("vonage_sms")) as server:
        await ask(dataclasses.replace(driver, request=request), server)

    form = server.asked[0].form
    attempt = request.attempt_id
    assert ("/sms/json", "12125550147", "12125550100") == (server.asked[0].path, form["to"], form["from"])
    assert (attempt.hex, "unicode") == (form["client-ref"], form["type"])
    assert f"https://tracker.example.com/gateway/vonage_sms/status?attempt={attempt}" == form["callback"]
