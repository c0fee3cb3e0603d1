"""One borrower and one campaign that a plan may meet; tests replace what they are about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from uuid import UUID

from contact_scheduler.campaigns import Audience, Campaign, State
from contact_scheduler.planning.candidates import Candidate
from forbear_domain.model import Channel

ID: Final = UUID(int=1)
START: Final = datetime(2026, 3, 2, 9, 5, tzinfo=UTC)
CAMPAIGN: Final = Campaign(
    tenant_id=ID, campaign_id=ID, name="x", goal="payment", audience=Audience(), channels=tuple(Channel), rest_days=3,
    contacts_a_week_max=7, control_share=0.0, hour_start=9, hour_end=20, starts_at=START, ends_at=None,
    state=State.ACTIVE, next_plan_at=START, created_at=START,
)  # fmt: skip
BORROWER: Final = Candidate(
    borrower_id=ID, place_id=1, language="en", employment=0, monthly_income=None, unemployment_pct=None,
    preferred_channel=None, wished_channel=None, wished_hours=None, loan_id=ID, product="loan", instalment=1,
    past_due=1, past_due_days=400, missed_payments_12m=0, kept_promises=0, broken_promises=0, consented=0b1110,
    fresh=0b1110, kinds=(0, 2, 0), is_paused=False,
)  # fmt: skip
