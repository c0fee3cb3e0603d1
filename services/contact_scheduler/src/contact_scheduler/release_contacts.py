"""Hands due contacts to the dispatcher: several batches in flight on one stream, released once acknowledged.

The rows stay held until the dispatcher has them durably. A crash in between hands the same contacts over again, and
the dispatcher, which knows them by their ids, takes none twice.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Protocol

import structlog

from contact_scheduler.contacts import ContactPhase
from contact_scheduler.metrics import EXPIRED_CONTACTS, RELEASE_LAG, RELEASED_CONTACTS
from contact_scheduler.store import release
from contact_scheduler.store.release import HeldCampaign
from forbear.dispatcher.v1 import dispatcher_service_pb2 as pb
from forbear.types.v1 import types_pb2
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import UUID, Pool
from forbear_chassis.worker import Pass

BATCH_CONTACTS = 1_000  # the wire's limit
BATCHES_A_PASS = 10
TIMEOUT_S = 60.0

log = structlog.get_logger(__name__)


class SubmitCall(Protocol):
    """The stub's method."""

    def __call__(self, requests: AsyncIterator[pb.SubmitContactsRequest], /, *, timeout: float) -> Any: ...


class ReleaseContacts:
    """The worker between plan and dispatcher."""

    def __init__(self, pool: Pool, clock: Clock, submit: SubmitCall) -> None:
        self._pool = pool
        self._clock = clock
        self._submit = submit

    async def run_once(self) -> Pass:
        """Release what is due; say when the next contact is."""
        now = self._clock.now()
        expired = await release.expire(self._pool, now)
        EXPIRED_CONTACTS.inc(expired)
        released = await self._release(now)
        if expired or released:
            return Pass(expired + released)
        RELEASE_LAG.set(0)
        return Pass(0, await release.next_due(self._pool))

    async def _release(self, now: datetime) -> int:
        async with self._pool.acquire() as connection, connection.transaction():
            campaign = await release.hold_campaign(connection, now)
            if campaign is None:
                return 0
            rows = await release.take_due(connection, campaign, now, BATCH_CONTACTS * BATCHES_A_PASS)
            if not rows:
                return 0
            RELEASE_LAG.set((now - rows[0]["not_before"]).total_seconds())
            going = [row for row in rows if not row["is_paused"] and row["recipient"] is not None]
            if len(going) < len(rows):
                barred = [row["contact_id"] for row in rows if row["is_paused"] or row["recipient"] is None]
                await release.mark(connection, barred, ContactPhase.CANCELLED, "paused_before_release")
            refused = await self._hand_over(campaign, going)
            released = [row["contact_id"] for row in going]
            if refused:
                released = [contact_id for contact_id in released if contact_id.bytes not in refused]
                for contact_id, reason in sorted(refused.items()):
                    await release.mark(connection, [UUID(contact_id)], ContactPhase.REFUSED, reason)
            await release.mark(connection, released, ContactPhase.RELEASED)
        for channel, count in Counter(row["channel"] for row in going).items():
            RELEASED_CONTACTS[channel].inc(count)
        return len(rows)

    async def _hand_over(self, campaign: HeldCampaign, rows: list[Any]) -> dict[bytes, str]:
        """Stream contacts; return those that can never be sent, with the field that is wrong.

        Raises ConnectionError when the stream ends before all is acknowledged.
        """
        batches = [rows[start : start + BATCH_CONTACTS] for start in range(0, len(rows), BATCH_CONTACTS)]
        refused: dict[bytes, str] = {}
        acknowledged = 0
        async for answer in self._submit(_requests(campaign, batches), timeout=TIMEOUT_S):
            acknowledged += 1
            refused |= {item.contact_id: f"invalid_{item.field}" for item in answer.violations}
        if acknowledged != len(batches):
            raise ConnectionError("the dispatcher acknowledged fewer batches than were sent")
        return refused


async def _requests(campaign: HeldCampaign, batches: list[list[Any]]) -> AsyncIterator[pb.SubmitContactsRequest]:
    build = ContactBuilder(campaign)
    for batch in batches:
        first, last = batch[0]["contact_id"], batch[-1]["contact_id"]
        request = pb.SubmitContactsRequest(request_id=str(uuid.uuid5(first, f"release:{last}:{len(batch)}")))
        for row in batch:
            build.add(request, row)
        yield request


class ContactBuilder:
    """Builds wire contacts of one campaign from rows. What many contacts share is serialised once and merged in."""

    def __init__(self, campaign: HeldCampaign) -> None:
        self._campaign = campaign
        self._shared: dict[tuple[object, ...], bytes] = {}

    def add(self, request: pb.SubmitContactsRequest, row: Any) -> None:
        """Append the contact of one row. The recipient is joined from stored pieces; the later override the earlier."""
        contact = request.contacts.add()
        contact.MergeFromString(
            self._shared_fields(row["channel"], row["purpose"], row["template"], (row["not_before"], row["expire_at"]))
        )
        contact.contact_id = row["contact_id"].bytes
        contact.borrower_id = row["borrower_id"]
        contact.loan_id = row["loan_id"]
        contact.recipient.MergeFromString(row["recipient"])
        contact.recipient.notices.extend(row["notices"])
        loan = contact.recipient.loan
        loan.currency = row["currency"]
        loan.product = row["product"]
        loan.balance_minor = row["balance"]
        loan.past_due_minor = row["past_due"]
        loan.instalment_minor = row["instalment"]
        loan.past_due_days = row["past_due_days"]

    def _shared_fields(
        self,
        channel: types_pb2.Channel.ValueType,
        purpose: types_pb2.Purpose.ValueType,
        template: str,
        window: tuple[datetime, datetime],
    ) -> bytes:
        key = channel, purpose, template, window
        shared = self._shared.get(key)
        if shared is None:
            contact = types_pb2.Contact(
                tenant_id=self._campaign.tenant_id.bytes, campaign_id=self._campaign.campaign_id.bytes,
                channel=channel, purpose=purpose, template=template,
            )  # fmt: skip
            contact.not_before_time.FromDatetime(window[0])
            contact.expire_time.FromDatetime(window[1])
            contact.recipient.ParseFromString(self._campaign.recipient)
            shared = self._shared[key] = contact.SerializeToString()
        return shared
