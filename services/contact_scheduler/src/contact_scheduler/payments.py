"""Payments that reached the lender."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from forbear_chassis.postgres import UUID


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment; amounts in minor units. `past_due_after` is what stays past due once it is booked."""

    payment_id: UUID
    borrower_id: UUID
    loan_id: UUID
    amount: int
    currency: str
    paid_at: datetime
    past_due_after: int
