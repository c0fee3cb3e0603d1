"""The sandbox's own count: survives a restart, finds doubles, and knows where the borrower sleeps."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from forbear_sandbox.census import Census, Contact, attempt_of, is_lawful_hour
from forbear_sandbox.faults import FaultError, Faults
from forbear_sandbox.lots import Lots

ATTEMPT = UUID("6f1a8f0e-4b1d-5c86-9c35-0d6f7262ea72")
CONTACT = Contact(
    at=datetime(2026, 3, 2, 17, tzinfo=UTC), channel="sms", provider_ref="SM1", attempt=ATTEMPT.hex,
    sender="+18005550100", address="+12125550100", borrower="B1", zone="America/New_York", text_sha256="0",
)  # fmt: skip


def test_the_count_survives_a_restart(tmp_path: Path) -> None:
    """Every line is written before the sender gets an answer."""
    first = Census(tmp_path / "census.jsonl")
    first.reached(CONTACT)
    first.happened(CONTACT.at, "sms.delivered", "B1")

    again = Census(tmp_path / "census.jsonl")

    assert [CONTACT] == again.contacts
    assert first.summary() == again.summary()


def test_what_is_claimed_is_compared_with_what_was_seen() -> None:
    """Unseen, unclaimed and doubled attempts are each named; ids may have hyphens."""
    census, other = Census(), "b" * 32
    census.reached(CONTACT)
    census.reached(replace(CONTACT, attempt=other))
    census.reached(replace(CONTACT, attempt=other))

    result = census.compare([ATTEMPT, "c" * 32])

    assert 1 == result.agreed
    assert ({"c" * 32}, {other}, {other}) == (set(result.unseen), set(result.unclaimed), set(result.doubled))
    assert not result.is_equal
    assert census.compare([ATTEMPT, other]).doubled == {other}


@pytest.mark.parametrize(("hour_utc", "lawful"), [(13, True), (12, False), (1, True), (2, False)])
def test_hours_are_those_of_the_place_where_the_borrower_lives(hour_utc: int, lawful: bool) -> None:
    """Eight in the morning to nine at night in New York, five hours behind in winter (12 CFR 1006.6(b)(1)(i))."""
    contact = replace(CONTACT, at=datetime(2026, 3, 2 + (hour_utc < 5), hour_utc, tzinfo=UTC))

    assert lawful == is_lawful_hour(contact)


@pytest.mark.parametrize(
    ("url", "attempt"),
    [
        (f"http://127.0.0.1/twilio/status?attempt={ATTEMPT}", ATTEMPT.hex),
        (f"http://127.0.0.1/twilio/voice/{ATTEMPT}", ATTEMPT.hex),
        ("http://127.0.0.1/twilio/status", ""),
        ("", ""),
    ],
)
def test_the_attempt_is_read_off_the_callback(url: str, attempt: str) -> None:
    """As the sender writes it into the URLs that it gives the provider."""
    assert attempt == attempt_of(url)


def test_a_fault_hits_its_share_its_channel_and_no_more_than_its_count() -> None:
    """Whether a request is hit depends on the request; a count is used up."""
    faults = Faults(Lots(1))
    faults.set([{"kind": "error_500", "channel": "sms", "share": 0.5}])
    hits = [faults.hit("sms", ("error_500",), number) is not None for number in range(1000)]
    assert 400 < sum(hits) < 600
    assert faults.hit("voice", ("error_500",), 1) is None

    faults.set([{"kind": "hang", "count": 2}])
    assert [True, True, False] == [faults.hit("email", ("hang",), number) is not None for number in range(3)]


@pytest.mark.parametrize(
    "rule", [{"kind": "x"}, {"kind": "hang", "channel": "fax"}, {"kind": "hang", "share": 2.0}, {}]
)
def test_a_fault_that_is_not_known_is_refused_and_changes_nothing(rule: dict[str, object]) -> None:
    """The message names what is known."""
    faults = Faults(Lots(1))
    faults.set([{"kind": "slow"}])

    with pytest.raises(FaultError):
        faults.set([rule])

    assert ["slow"] == [fault.kind for fault in faults.rules()]
