"""The form that every peer posts: as long as a message of ours."""

from __future__ import annotations


def form_of(number: int) -> dict[str, str]:
    """Return one message to a reserved number."""
    to = f"+1{212 + number // 100 % 700}55501{number % 100:02d}"
    return {"To": to, "From": "+12125550100", "Body": "x" * 300, "ValidityPeriod": "3600"}
