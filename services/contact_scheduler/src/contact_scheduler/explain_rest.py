"""Until when a borrower rests after the latest contact, and what makes the rest as long as it is: as things stand."""

from __future__ import annotations

from datetime import datetime, timedelta

from contact_scheduler.explain_hours import campaign_or_newest
from contact_scheduler.learning.scores import SHIPPED, Cards
from contact_scheduler.learning.treatment import Treatment
from contact_scheduler.planning.candidates import WEEK, free_at
from contact_scheduler.planning.facts import score_candidates
from contact_scheduler.planning.rest import rest_of, silences, stretch, unanswered
from contact_scheduler.planning.treating import treatments_of
from contact_scheduler.store import planning
from forbear_chassis.postgres import UUID, Pool

DAY = timedelta(days=1)


async def explain_rest(
    pool: Pool, tenant_id: UUID, borrower_id: UUID, now: datetime, cards: Cards = SHIPPED
) -> str | None:
    """Ask for the newest active campaign; None where none means this borrower, or no rest holds."""
    campaign = await campaign_or_newest(pool, tenant_id, None)
    if campaign is None:
        return None
    async with pool.acquire() as connection, connection.transaction(readonly=True):
        found, history, spoken = await planning.read_borrower(connection, campaign, now, borrower_id)
    touches = [touch for touch in history.get(borrower_id, []) if touch.at <= now]
    if not found or not touches:
        return None
    one = found[0]
    treatment = Treatment(int(treatments_of(found, score_candidates(found, history, cards))[0]))
    silent = silences(unanswered(one, touches, planning.group_conversations(spoken).get(borrower_id, [])))
    rest = rest_of(campaign, treatment, one, silent)
    free = free_at(touches, rest, campaign.contacts_a_week_max)
    if free is None or free <= now:
        return None
    own = timedelta(days=campaign.rest_days)
    if free > touches[-1].at + rest:
        why = f"the campaign's limit of {campaign.contacts_a_week_max} contacts in {WEEK.days} days"
    elif rest > stretch(own, silent):
        why = f"{days(rest)} after a contact, because contact beyond the duty would only do harm"
    elif rest > own:
        why = because_silent(silent, rest / DAY, own / DAY)
    else:
        why = f"{days(rest)} after a contact, as the campaign says"
    return f"rests until {free:%Y-%m-%d %H:%M} UTC: {why}"


def because_silent(silent: int, rest_days: float, own_rest_days: float) -> str:
    """Say why a rest is longer than the campaign's, all in days."""
    return (
        f"{rest_days:g} days after a contact in place of the campaign's {own_rest_days:g}, "
        f"because the last {silent} contacts stayed unanswered"
    )


def days(rest: timedelta) -> str:
    """Write a rest in days, such as "1 day" or "4.5 days"."""
    number = rest / DAY
    return f"{number:g} day" if number == 1 else f"{number:g} days"
