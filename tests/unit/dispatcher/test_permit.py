"""A permit is for one attempt, one person, one address, one channel and one minute."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from channel_dispatcher.signing import Notary
from forbear_domain.messages import Rendered
from forbear_domain.model import Channel, address_key
from forbear_providers.contract import SendRequest

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)
TENANT = uuid.UUID(int=1)
ADDRESS = "+12125550100"
RENDERED = Rendered("reminder.gentle", "", "en", "", "Hello", "", 1)
REQUEST = SendRequest(uuid.UUID(int=9), Channel.SMS, ADDRESS, "+12125550101", RENDERED, "en")


def contact() -> Any:
    """What a permit is made out of."""
    return SimpleNamespace(
        contact_id=uuid.UUID(int=2),
        tenant_id=TENANT,
        borrower_id=uuid.UUID(int=3),
        loan_id=uuid.UUID(int=4),
        channel=Channel.SMS,
        address_key=address_key(TENANT.bytes, ADDRESS),
    )


@pytest.mark.parametrize(("age_s", "objection"), [(0, ""), (59.9, ""), (60, "permit_expired"), (-1, "permit_expired")])
def test_a_permit_lives_for_a_minute(age_s: float, objection: str) -> None:
    """Sixty seconds are too old (DESIGN, invariant I1); a permit of the future is none."""
    notary = Notary()
    permit = notary.issue(contact(), REQUEST, NOW)

    assert objection == notary.objection(permit, REQUEST, NOW + timedelta(seconds=age_s))


@pytest.mark.parametrize(
    "request_",
    [
        REQUEST._replace(address="+12125550102"),
        REQUEST._replace(channel=Channel.VOICE),
        REQUEST._replace(attempt_id=uuid.UUID(int=10)),
    ],
)
def test_a_permit_is_for_this_request_only(request_: SendRequest) -> None:
    """Another address, channel or attempt is not covered."""
    notary = Notary()

    assert "permit_mismatch" == notary.objection(notary.issue(contact(), REQUEST, NOW), request_, NOW)


@pytest.mark.parametrize(
    "change",
    [{"borrower_id": uuid.UUID(int=8)}, {"loan_id": uuid.UUID(int=8)}, {"issued_at": NOW + timedelta(minutes=5)}],
)
def test_a_changed_permit_is_a_forgery(change: dict[str, Any]) -> None:
    """Every field is signed, and only this process can sign."""
    notary = Notary()
    permit = notary.issue(contact(), REQUEST, NOW)

    assert "permit_forged" == notary.objection(permit._replace(**change), REQUEST, NOW)
    assert "permit_forged" == Notary().objection(permit, REQUEST, NOW)
