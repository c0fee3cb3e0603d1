"""Hours that a borrower called inconvenient: in force at the gate, whoever plans a contact and for whatever reason.

Source: 12 CFR 1006.6(b)(1)(i) and comment 6(b)(1)-1.ii: a time that the consumer called inconvenient stays so until the
consumer says otherwise. What is said later replaces what was said before.
"""

from __future__ import annotations

from forbear_chassis.postgres import Connection
from forbear_domain.model import SuppressionKind
from response_tracker import wire
from response_tracker.heard import Heard
from response_tracker.model import Suppression, WeeklyHours, Wish, part_id
from response_tracker.store import outgoing

DAY_MINUTES = 1440
EVERY_DAY = tuple(range(7))


def unwelcome_hours(wish: Wish) -> tuple[WeeklyHours, ...]:
    """Return the hours that a wish for other hours or days shuts."""
    shut = []
    if wish.hour_start:
        shut.append(WeeklyHours(EVERY_DAY, 0, wish.hour_start * 60))
    if wish.hour_end is not None and wish.hour_end < 24:
        shut.append(WeeklyHours(EVERY_DAY, wish.hour_end * 60, DAY_MINUTES))
    if welcome := wish.weekdays:
        shut.append(WeeklyHours(tuple(day for day in EVERY_DAY if day not in welcome), 0, DAY_MINUTES))
    return tuple(shut)


async def bar_hours(connection: Connection, heard: Heard, shut: tuple[WeeklyHours, ...]) -> None:
    """Bar these hours for the borrower from now on, in place of those that were said before."""
    if not shut:
        return
    tenant_id, borrower_id = heard.of.tenant_id, heard.of.borrower_id
    await outgoing.lift_kind(connection, tenant_id, borrower_id, SuppressionKind.INCONVENIENT_TIME, "said_otherwise")
    for number, hours in enumerate(shut):
        made = Suppression(
            id=part_id(heard.event_id, "unwelcome", number),
            tenant_id=tenant_id,
            kind=SuppressionKind.INCONVENIENT_TIME,
            event_id=heard.event_id,
            cause_id=heard.event_id,
            source=heard.source,
            start=heard.at,
            borrower_id=borrower_id,
            hours=hours,
        )
        await outgoing.add_suppression(connection, made, wire.suppression(made))
