"""What a campaign brought: states, refusals, learned policy beside control by answers and goal, channel by hour."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from contact_scheduler.campaigns import Campaign
from contact_scheduler.contacts import ContactPhase
from contact_scheduler.evaluate_goal import GoalReached, compare_goal
from contact_scheduler.learning.lift import Lift, Rate, lift, rate
from contact_scheduler.portfolio.derive import EMPLOYMENT_NAMES
from contact_scheduler.store.reports import ReportStore
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import UUID
from forbear_domain.model import Channel


@dataclass(frozen=True, slots=True)
class Week:
    """One week: contacts that were sent in it, learned against control; `number` from 1."""

    number: int
    lift: Lift


@dataclass(frozen=True, slots=True)
class Cell:
    """Contacts and answers of one channel at one hour of the borrower's clock."""

    channel: Channel
    hour: int
    rate: Rate
    segment: str = ""  # how the borrower earns; empty: all


@dataclass(frozen=True, slots=True)
class Refusal:
    """Contacts that did not go out for one reason."""

    rule: str
    state: str
    contacts: int


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `states` is contacts by channel and state."""

    states: dict[str, dict[str, int]]
    total: Lift
    weeks: list[Week]
    refusals: list[Refusal]
    cells: list[Cell]
    plan: dict[str, Any] | None
    goal: GoalReached


class ReportCampaign:
    """The use case behind reports and console."""

    def __init__(self, store: ReportStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def run(self, campaign: Campaign) -> Report:
        """Report one campaign."""
        tenant_id, campaign_id = campaign.tenant_id, campaign.campaign_id
        states, weeks, refusals, cells, plan, reached = await asyncio.gather(
            self._store.states(tenant_id, campaign_id),
            self._store.weeks(tenant_id, campaign_id),
            self._store.refusals(tenant_id, campaign_id),
            self.cells(tenant_id, campaign_id),
            self._store.latest_plan(tenant_id, campaign_id),
            self._store.goal(tenant_id, campaign_id, campaign.goal, self._clock.now()),
        )
        by_channel: dict[str, dict[str, int]] = defaultdict(dict)
        for row in states:
            by_channel[Channel(row["channel"]).label][ContactPhase(row["state"]).label] = row["contacts"]
        by_week: dict[int, dict[bool, tuple[int, int]]] = defaultdict(dict)
        for row in weeks:
            by_week[row["week"]][row["is_control"]] = (row["answers"], row["contacts"])
        return Report(
            states=dict(by_channel),
            total=_compare(list(by_week.values())),
            weeks=[Week(number + 1, _compare([groups])) for number, groups in sorted(by_week.items())],
            refusals=[Refusal(row["rule"], ContactPhase(row["state"]).label, row["contacts"]) for row in refusals],
            cells=cells,
            plan=plan,
            goal=compare_goal(campaign.goal, reached),
        )

    async def cells(self, tenant_id: UUID, campaign_id: UUID | None) -> list[Cell]:
        """Report channel by hour, of one campaign or of all."""
        rows = await self._store.heat(tenant_id, campaign_id)
        return [Cell(Channel(row["channel"]), row["hour"], rate(row["answers"], row["contacts"])) for row in rows]

    async def segments(self, tenant_id: UUID, campaign_id: UUID | None) -> list[Cell]:
        """Report channel by hour for each segment, of one campaign or of all."""
        rows = await self._store.segments(tenant_id, campaign_id)
        return [
            Cell(
                Channel(row["channel"]),
                row["hour"],
                rate(row["answers"], row["contacts"]),
                EMPLOYMENT_NAMES[row["segment"]],
            )
            for row in rows
        ]


def _compare(weeks: list[dict[bool, tuple[int, int]]]) -> Lift:
    """Compare learned with control over some weeks."""
    sums = {
        is_control: tuple(map(sum, zip(*(week.get(is_control, (0, 0)) for week in weeks), strict=True))) or (0, 0)
        for is_control in (False, True)
    }
    return lift(rate(*sums[False]), rate(*sums[True]))
