"""Credits each response to the attempt that brought it about, and keeps it.

Direct where the response names its attempt (a link, a call, a reply address, a provider's reference); else by window:
the last outreach to that address shortly before; else to none. Responses are kept first and told to the scheduler by
the outbox in the same transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from forbear_chassis.postgres import Connection
from response_tracker import metrics, wire
from response_tracker.model import ANSWERS, NO_OUTREACH, Attempt, Attribution, Credit, Response
from response_tracker.store import attempts, outgoing

WINDOW = timedelta(hours=48)
PAYMENT_WINDOW = timedelta(days=7)  # money takes days to arrive

NO_CREDIT = Credit(None, Attribution.NONE)


async def credit(connection: Connection, of: Attempt, at: datetime, *, is_direct: bool) -> Credit:
    """Return the attempt that a response at `at` is credited to; `of` is the attempt that it answers."""
    if is_direct and of.purpose not in NO_OUTREACH:
        return Credit(of, Attribution.DIRECT)
    return _by_window(await attempts.last_outreach(connection, of, at - WINDOW, at))


async def credit_payment(connection: Connection, of: Attempt, at: datetime) -> Credit:
    """Return the attempt that a payment is credited to: the last outreach on any channel within a week."""
    return _by_window(await attempts.last_outreach(connection, of, at - PAYMENT_WINDOW, at, same_address=False))


def _by_window(found: Attempt | None) -> Credit:
    return NO_CREDIT if found is None else Credit(found, Attribution.WINDOW)


async def keep(connection: Connection, response: Response) -> bool:
    """Keep a response, credit its attempt and tell the scheduler; a repeat changes nothing and returns False."""
    if not await outgoing.add_response(connection, response):
        return False
    if response.kind in ANSWERS and response.credit.attempt is not None:
        await attempts.mark_responded(connection, response.credit.attempt.id, response.at)
    await outgoing.hand_over(connection, outgoing.RESPONSES, [wire.response(response)])
    metrics.RESPONSES.labels(response.kind.label, response.credit.attribution.value).inc()
    return True
