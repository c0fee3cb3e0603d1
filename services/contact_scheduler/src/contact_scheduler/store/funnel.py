"""What became of contacts, step by step: deliveries, answers, the right person, promises, payments.

One statement reads the latest contacts that can be answered no more. Deliveries, answers and promises are those
credited to the contact; a payment is any of the borrower's within its window, as in `store.worth`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from contact_scheduler.contacts import ATTRIBUTION, ContactPhase
from contact_scheduler.learning.funnel import WINDOW_H, Step
from forbear_chassis.postgres import UUID, Connection
from forbear_domain.model import ResponseKind

TALK_WINDOW = timedelta(hours=WINDOW_H[Step.PROMISE])  # within which an answer shows who answered, and what follows
PAYMENT_WINDOW = timedelta(hours=WINDOW_H[Step.PAYMENT])
_K = ResponseKind
# What only the borrower does, in place of whoever has the phone or opens the mail: an answer to the question who is
# there, words or keys of their own, a commitment, money. A link that was followed shows a person, not which.
RIGHT_PARTY = frozenset({_K.CONVERSED, _K.REPLIED, _K.PROMISED, _K.ARRANGED, _K.HARDSHIP, _K.PAID, _K.KEPT})
PROMISES = frozenset({_K.PROMISED, _K.ARRANGED})
PAYMENTS = frozenset({_K.PAID, _K.KEPT})


def _in(kinds: frozenset[ResponseKind]) -> str:
    return f"r.kind IN ({', '.join(str(kind.value) for kind in sorted(kinds))})"


def _seconds(span: timedelta) -> str:
    return f"interval '{int(span.total_seconds())} seconds'"


ANSWER, TALK, PAYMENT = (_seconds(span) for span in (ATTRIBUTION, TALK_WINDOW, PAYMENT_WINDOW))


def _hours(until: str) -> str:
    return f"(extract(epoch FROM {until} - c.sent_at) / 3600)::float8"


def _latest(window: str) -> str:
    """Select the latest contacts whose window is over: each step has its own, so that a busy tenant has all of them."""
    return f"""(SELECT contact_id FROM contact
        WHERE tenant_id = $1 AND state = {ContactPhase.ACCEPTED.value} AND sent_at <= $2::timestamptz - {window}
          AND ($3::uuid IS NULL OR campaign_id = $3)
        ORDER BY sent_at DESC LIMIT $4)"""


COURSES = f"""
WITH latest AS ({_latest(ANSWER)} UNION {_latest(TALK)} UNION {_latest(PAYMENT)})
SELECT c.channel, c.slot, c.features, c.probability, c.reason->>'steps' AS foreseen,
       (extract(epoch FROM date_trunc('hour', c.sent_at) - date_trunc('hour', c.not_before)) / 3600)::int AS late_h,
       coalesce(c.responded_at <= c.sent_at + {ANSWER}, false) AS answered,
       {_hours("$2::timestamptz")} AS age_h, {_hours("f.right_party_at")} AS right_party_h,
       {_hours("f.promised_at")} AS promise_h, {_hours("f.paid_at")} AS payment_h,
       f.delivered, f.undelivered, f.is_wrong_party
FROM latest JOIN contact c ON c.tenant_id = $1 AND c.contact_id = latest.contact_id
CROSS JOIN LATERAL (
    SELECT bool_or(r.own AND r.kind = {_K.DELIVERED.value} AND r.event_at <= c.sent_at + {ANSWER}) AS delivered,
           bool_or(r.own AND {_in(frozenset({_K.UNDELIVERED, _K.BOUNCED}))} AND r.event_at <= c.sent_at + {ANSWER}
                  ) AS undelivered,
           bool_or(r.own AND r.kind = {_K.WRONG_PARTY.value} AND r.event_at <= c.sent_at + {TALK}) AS is_wrong_party,
           min(r.event_at) FILTER (WHERE r.own AND {_in(RIGHT_PARTY)}) AS right_party_at,
           min(r.event_at) FILTER (WHERE r.own AND {_in(PROMISES)}) AS promised_at,
           min(r.event_at) FILTER (WHERE {_in(PAYMENTS)}) AS paid_at
    FROM (SELECT kind, event_at, coalesce(contact_id = c.contact_id, true) AS own FROM response
          WHERE tenant_id = $1 AND borrower_id = c.borrower_id AND event_at >= c.sent_at
            AND event_at <= c.sent_at + {PAYMENT} AND event_at < $2) r
) f
ORDER BY c.sent_at, c.contact_id
"""


async def read_courses(
    connection: Connection, tenant_id: UUID, now: datetime, count: int, campaign_id: UUID | None = None
) -> list[Any]:
    """Return what became of the latest `count` contacts for each window, as known before `now`, oldest first.

    Of one campaign, or of all.
    """
    rows: list[Any] = await connection.fetch(COURSES, tenant_id, now, campaign_id, count)
    return rows
