"""Takes what a database of reassigned numbers answered (12 CFR 1006.6(d)(5), 47 CFR 64.1200(a)(1)(iv), FCC DA 21-1649).

"No" keeps a consent to texts fresh if the date asked about is not after the consent. "Yes" bars the number: the plan
drops it at once, the dispatcher is told and refuses it to everybody of the tenant. "No data" changes nothing at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from contact_scheduler import hand_over
from contact_scheduler.portfolio.derive import checked_fields
from contact_scheduler.store import number_checks
from contact_scheduler.store.channel_bars import ClosedChannel
from contact_scheduler.store.number_checks import Answer, CheckRow, Holder
from contact_scheduler.take_feedback import close_channels
from forbear_chassis.postgres import UUID, Connection
from forbear_domain.model import address_key

REASSIGNED = "number_reassigned"


class NumberCheck(NamedTuple):
    """One answer about one number, E.164."""

    phone: str
    since: date
    checked_on: date
    answer: Answer


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a batch of answers came to, counted by answer."""

    new: int  # not known yet
    fresh: int  # "no": consents kept fresh
    barred: int  # "yes": numbers that nobody is contacted at any more
    silent: int  # "no data", and "no" about a date after the consent or a number without one: nothing changes
    unknown: int  # numbers that no borrower of the tenant has


class RecordNumberChecks:
    """The use case behind `POST /v1/numbers:record`; works in the caller's transaction, `wake` is called after it."""

    def __init__(self, wake: Callable[[], None]) -> None:
        self.wake = wake

    async def run(
        self, connection: Connection, tenant_id: UUID, checks: Sequence[NumberCheck], recorded_by: str, now: datetime
    ) -> Recorded:
        """Record answers. Idempotent: what was recorded before changes nothing."""
        keys = [address_key(tenant_id.bytes, check.phone) for check in checks]
        rows = [
            CheckRow(key, check.since, check.checked_on, check.answer, checked_fields(check.checked_on))
            for key, check in zip(keys, checks, strict=True)
        ]
        new = await number_checks.insert(connection, tenant_id, rows, recorded_by, now)
        found = await number_checks.holders(connection, tenant_id, keys)
        fresh = await number_checks.keep_fresh(connection, tenant_id, keys)
        reassigned = {
            key: check.phone for key, check in zip(keys, checks, strict=True) if check.answer is Answer.YES
        }  # fmt: skip
        if reassigned:
            await self._bar(connection, tenant_id, reassigned, found, now)
        known = {holder.address_key for holder in found}
        told = Counter(key in known for key in set(keys))
        silent = {key for key in keys if key in known} - fresh - reassigned.keys()
        return Recorded(new, len(fresh), len(reassigned), len(silent), told[False])

    async def _bar(
        self, connection: Connection, tenant_id: UUID, phones: dict[str, str], found: list[Holder], now: datetime
    ) -> None:
        closed = [
            ClosedChannel(tenant_id, holder.borrower_id, holder.channel, REASSIGNED, now)
            for holder in found
            if holder.address_key in phones
        ]
        if closed:
            await close_channels(connection, closed)
        body = hand_over.suppress_numbers(tenant_id, phones, now)
        await hand_over.put(connection, hand_over.SUPPRESS, [body])
