"""The gate counts a check for reassigned numbers as what keeps a consent to texts fresh, and as nothing more."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.integration.dispatcher.stage import Stage, make_contact

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_valkey]


@pytest.mark.parametrize(
    ("consented", "checked_days_ago", "sent"),
    [(True, 59, 1), (True, 61, 0), (True, None, 0), (False, 1, 0)],
)
async def test_a_text_on_an_old_consent_needs_a_check_within_sixty_days(
    stage: Stage, consented: bool, checked_days_ago: int | None, sent: int
) -> None:
    """The consent is 100 days old; judged by what the provider got."""
    now = stage.clock.now()
    contact = make_contact(1, now, recipient_consented=consented)
    contact.recipient.consent_time.FromDatetime(now - timedelta(days=100))
    if checked_days_ago is not None:
        contact.recipient.number_check_time.FromDatetime(now - timedelta(days=checked_days_ago))
    await stage.submit(contact)

    await stage.run()

    assert sent == len(stage.provider.sent)
