"""The two cards Forbear starts with. Designed, not fitted: directions from public knowledge, sizes chosen by hand.

Sizes follow one rule: a bin that lenders treat as a clear warning costs about 0.7 (odds halved), a grave one about 1.2;
the middle of each scale and an unknown value cost nothing or little. Treat the scores as an order, not as measured
probabilities, until the cards are retrained on the tenant's own outcomes.
"""

from __future__ import annotations

from typing import Final

from contact_scheduler.learning.scorecard import Attribute, Scorecard

_ORIGIN: Final = "designed by hand for Forbear, fitted to no data; 2026"

ABILITY_CARD: Final = Scorecard(
    name="ability",
    version="designed-1",
    origin=_ORIGIN,
    base=0.4,
    attributes=(
        Attribute(
            "payment_to_income",
            "the payment as a share of income",
            (0.2, 0.28, 0.36, 0.5),
            (0.7, 0.3, 0, -0.6, -1.2),
            -0.3,
        ),
        Attribute(
            "debt_to_income", "all debt service as a share of income", (0.36, 0.43, 0.55), (0.4, 0, -0.4, -0.9), -0.3
        ),
        Attribute("income_change", "the change of income", (-0.4, -0.15, -0.05, 0.05), (-1.2, -0.7, -0.2, 0, 0.2), 0),
        Attribute(
            "unemployment_pct",
            "unemployment in the region, percent,",
            (4.0, 6.0, 8.0, 10.0),
            (0.2, 0, -0.2, -0.4, -0.6),
            0,
        ),
        Attribute(
            "unemployment_change",
            "the year's change of regional unemployment, points,",
            (0.5, 1.5, 3.0),
            (0.1, -0.1, -0.4, -0.7),
            0,
        ),
        Attribute(
            "loan_to_value", "the loan as a share of the property's value", (0.6, 0.8, 1.0), (0.3, 0, -0.2, -0.5), 0
        ),
        Attribute("missed_12m", "missed instalments in twelve months", (1, 2, 4, 7), (0.5, 0.1, -0.3, -0.7, -1.1), 0),
    ),
)

WILLINGNESS_CARD: Final = Scorecard(
    name="willingness",
    version="designed-1",
    origin=_ORIGIN,
    base=0.3,
    attributes=(
        Attribute("promises_kept", "kept less broken promises", (-1, 0, 1, 2), (-1.0, -0.5, 0, 0.6, 1.0), 0),
        Attribute(
            "partial_share_6m",
            "the share paid of what was due in six months",
            (0.05, 0.3, 0.7, 0.95),
            (-0.7, -0.1, 0.3, 0.6, 0.8),
            0,
        ),
        Attribute("reply_share", "the share of contacts that got a reply", (0.02, 0.1, 0.3), (-0.5, -0.1, 0.4, 0.8), 0),
        Attribute("days_past_due", "days overdue", (15, 30, 60, 90), (0.5, 0.2, -0.1, -0.5, -0.9), 0),
        Attribute("missed_12m", "missed instalments in twelve months", (1, 2, 4, 7), (0.4, 0.1, -0.1, -0.4, -0.6), 0),
    ),
)
