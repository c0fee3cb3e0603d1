"""Before launch: plan a campaign as it stands, write nothing, and say what would happen.

The rehearsal is the plan itself, from what is known now, written nowhere: whoever is skipped here is skipped there for
the same reason. Only the law at the moment of sending is not asked, because that moment has not come.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from contact_scheduler.campaigns import Campaign
from contact_scheduler.clocks import SERVICING, ClockKind, clocks_of, is_at_risk
from contact_scheduler.plan_day import PlanDay
from contact_scheduler.planning.candidates import HOUR, Candidate, Skipped
from contact_scheduler.planning.compose import CHANNEL_LABELS
from contact_scheduler.planning.request import PlannedDay, PlanRequest
from contact_scheduler.store import clocks
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import UUID, Pool
from forbear_domain.messages import Catalogue
from forbear_domain.messages.lint import sample
from forbear_domain.model import Channel

BORROWER, CHANNEL, TEMPLATE, NOT_BEFORE = 3, 5, 12, 16  # positions in a planned contact, see `store.planning.CONTACT`


@dataclass(frozen=True, slots=True)
class Load:
    """What one hour brings, beside what the dispatcher can carry in it."""

    at: datetime
    contacts: tuple[int, int, int]  # by SMS, e-mail and voice
    room: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What the first day of a campaign would bring, and how long all of it takes at that pace."""

    audience: int
    planned: int
    skipped: dict[str, int]
    contacts: tuple[int, int, int]
    parts: int  # of all SMS together
    cost: tuple[float, float, float]  # in the currency of the settings
    load: list[Load]
    ends_at: datetime | None  # when the last contact of the first day begins
    days: int  # until everybody was reached once who may be, at this pace
    deadlines_at_risk: dict[str, int]  # borrowers of the audience whose clock runs out soon, by what must be done


class RehearseCampaign:
    """Rehearses."""

    def __init__(self, pool: Pool, clock: Clock, plan: PlanDay, catalogue: Catalogue) -> None:
        self._pool = pool
        self._clock = clock
        self._plan = plan
        self._catalogue = catalogue
        self._parts_of = lru_cache(maxsize=1024)(self._count_parts)

    async def of(self, campaign: Campaign) -> Rehearsal:
        """Return what would happen if the campaign were started now."""
        request, planned = await self._plan.rehearse(campaign)
        return self.report(request, planned, await self._running_out(request))

    async def _running_out(self, request: PlanRequest) -> dict[ClockKind, set[UUID]]:
        """Return the tenant's borrowers with a clock that runs out soon; none where the duties do not bind it."""
        found: dict[ClockKind, set[UUID]] = {kind: set() for kind in ClockKind}
        if request.actor not in SERVICING:
            return found
        now = self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            async for page in clocks.read_loans(connection, request.campaign.tenant_id, now):
                for loan_id, arrears in page.arrears.items():
                    for clock in clocks_of(arrears, now.date()):
                        if is_at_risk(clock, now.date()):
                            found[clock.kind].add(page.borrowers[loan_id])
        return found

    def report(
        self, request: PlanRequest, planned: PlannedDay, running_out: Mapping[ClockKind, set[UUID]]
    ) -> Rehearsal:
        """Put a plan into figures."""
        people = {one.borrower_id: one for one in request.candidates}
        rows: list[tuple[Any, ...]] = planned.contacts
        by_channel = Counter(int(row[CHANNEL]) for row in rows)
        contacts = (by_channel[1], by_channel[2], by_channel[3])
        parts = sum(
            self._parts_of(str(row[TEMPLATE]), people[row[BORROWER]].language, request.actor)
            for row in rows
            if row[CHANNEL] == Channel.SMS
        )
        sms, email, voice = self._plan.costs.contact
        left = planned.counts[Skipped.NOT_WORTH.label]
        return Rehearsal(
            audience=len(request.candidates),
            planned=len(rows),
            skipped={reason.label: planned.counts[reason.label] for reason in Skipped},
            contacts=contacts,
            parts=parts,
            cost=(parts * sms, contacts[1] * email, contacts[2] * voice),
            load=_load(request, rows),
            ends_at=max((_begins(row) for row in rows), default=None),
            days=math.ceil((len(rows) + left) / len(rows)) if rows else 0,
            deadlines_at_risk=_at_risk(request.candidates, rows, running_out),
        )

    def _count_parts(self, template: str, language: str, actor: str) -> int:
        version = self._catalogue.find(template, Channel.SMS, language)
        slots = sample(version, actor, is_first=False)
        return self._catalogue.render(template, Channel.SMS, language, slots).parts


def _begins(row: tuple[Any, ...]) -> datetime:
    begins: datetime = row[NOT_BEFORE]
    return begins


def _load(request: PlanRequest, rows: list[tuple[Any, ...]]) -> list[Load]:
    """Return the hours that bring anything, in order."""
    starts_at = request.window.starts_at
    found = Counter((int((_begins(row) - starts_at) / HOUR), int(row[CHANNEL]) - 1) for row in rows)
    hours = sorted({hour for hour, _ in found})
    channels = range(len(CHANNEL_LABELS))

    def three(values: list[int]) -> tuple[int, int, int]:
        sms, email, voice = values
        return sms, email, voice

    return [
        Load(
            starts_at + hour * HOUR,
            three([found[hour, channel] for channel in channels]),
            three([int(request.capacity[channel, hour]) for channel in channels]),
        )
        for hour in hours
    ]


def _at_risk(
    candidates: list[Candidate], rows: list[tuple[Any, ...]], running_out: Mapping[ClockKind, set[UUID]]
) -> dict[str, int]:
    """Count those of the audience whose clock this plan does not stop: a call may be live contact, no letter goes."""
    called = {row[BORROWER] for row in rows if row[CHANNEL] == Channel.VOICE}
    audience = {one.borrower_id for one in candidates}
    return {
        kind.label: len((borrowers & audience) - (called if kind is ClockKind.LIVE_CONTACT else set()))
        for kind, borrowers in running_out.items()
    }
