"""What if there were twice the lines, or one more unit of money? The latest plan, solved again and written nowhere."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from contact_scheduler.campaigns import Campaign
from contact_scheduler.learning.model import Posterior
from contact_scheduler.learning.worth import weigh_channels
from contact_scheduler.plan_day import PlanDay
from contact_scheduler.planning.candidates import HOUR, History, Window
from contact_scheduler.planning.compose import plan_day
from contact_scheduler.planning.deciding import Deciding
from contact_scheduler.planning.request import PlannedDay, PlanRequest
from contact_scheduler.store import planning
from contact_scheduler.store.worth import read_tally
from forbear_chassis.postgres import Connection, Pool
from forbear_domain.model import Channel

PROBABILITY, VALUE, CHANNEL = (planning.CONTACT.index(name) for name in ("probability", "value", "channel"))
SOUGHT_AFTER = 5  # places that are named


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one plan would come to: contacts by channel, answers expected of them, their value less costs, its gap."""

    contacts: dict[str, int]
    expected_answers: float
    value: float
    budget_price: float  # value of one more unit of money; 0 where money does not limit
    gap: float  # largest possible loss against the best assignment, as a share of it


@dataclass(frozen=True, slots=True)
class Place:
    """A channel and an hour that is sought after: what one more contact there would bring."""

    channel: str
    at: datetime
    price: float


@dataclass(frozen=True, slots=True)
class WhatIf:
    """The plan as it was possible, as it would be, and the most sought-after places of each."""

    day: datetime
    as_is: Outcome
    changed: Outcome
    places_as_is: list[Place]
    places_changed: list[Place]

    @property
    def summary(self) -> str:
        """Return the answer in one sentence."""
        gain = self.changed.expected_answers - self.as_is.expected_answers
        more = sum(self.changed.contacts.values()) - sum(self.as_is.contacts.values())
        return (
            f"{more:+,} contacts and {gain:+.1f} expected answers a day: {self.changed.expected_answers:.1f} "
            f"instead of {self.as_is.expected_answers:.1f}; value less costs "
            f"{self.changed.value - self.as_is.value:+.2f}."
        )


class AskWhatIf:
    """The use case behind `what-if`. One at a time: a plan of a large audience is work."""

    def __init__(self, pool: Pool, plan: PlanDay) -> None:
        self._pool = pool
        self._plan = plan
        self._turn = asyncio.Lock()

    async def run(self, campaign: Campaign, factors: tuple[float, float, float], budget: float | None) -> WhatIf | None:
        """Solve the campaign's latest plan with its capacity as it is and multiplied; None before the first plan."""
        async with self._turn:
            posterior = (await self._plan.know_now.of(campaign.tenant_id)).posterior
            async with self._pool.acquire() as connection, connection.transaction():
                request = await self._request(connection, campaign, posterior)
            if request is None:
                return None
            times = np.array(factors)[:, None]
            capacity = np.floor(request.capacity * times).astype(np.int64)
            other = replace(request, capacity=capacity, budget=request.budget if budget is None else budget)
            before = await asyncio.to_thread(plan_day, request)
            after = await asyncio.to_thread(plan_day, other)
        window = request.window
        return WhatIf(
            window.starts_at, _outcome(before), _outcome(after), _places(before, window), _places(after, window)
        )

    async def _request(self, connection: Connection, campaign: Campaign, posterior: Posterior) -> PlanRequest | None:
        run = await planning.latest_run(connection, campaign)
        if run is None:
            return None
        window = Window(run.tick_at, run.horizon_at, len(run.prices[0]))
        tally = await read_tally(connection, campaign.tenant_id, campaign.goal, window.tick_at)
        worth = weigh_channels(tally, self._plan.costs)
        request = await self._plan.request(connection, campaign, window, 1, posterior, worth, Deciding())
        return replace(
            request,
            history=_before(request.history, window.starts_at),
            capacity=await self._plan.places(campaign.tenant_id, window, campaign.campaign_id),
            networks=await self._plan.networks(connection, campaign.tenant_id, window, with_taken=False),
        )


def _before(history: History, starts_at: datetime) -> History:
    """Return what had gone out when the plan began: the plan's own contacts are no reason to rest.

    Whoever had no contact by then is left out, as in every history.
    """
    earlier = {
        borrower: [touch._replace(is_open=False) for touch in touches if touch.at < starts_at]
        for borrower, touches in history.items()
    }
    return {borrower: touches for borrower, touches in earlier.items() if touches}


def _outcome(planned: PlannedDay) -> Outcome:
    channels = [row[CHANNEL] for row in planned.contacts]
    return Outcome(
        {channel.label: channels.count(channel) for channel in Channel},
        _sum(planned, PROBABILITY),
        _sum(planned, VALUE),
        planned.budget_price,
        planned.gap,
    )


def _sum(planned: PlannedDay, column: int) -> float:
    values: list[Any] = [row[column] for row in planned.contacts]
    return float(np.sum(values)) if values else 0.0


def _places(planned: PlannedDay, window: Window) -> list[Place]:
    """Return the places with the highest prices, the highest first."""
    priced = [
        Place(channel.label, window.starts_at + hour * HOUR, price)
        for channel, prices in zip(Channel, planned.prices, strict=True)
        for hour, price in enumerate(prices)
        if price > 0.0
    ]
    return sorted(priced, key=lambda place: -place.price)[:SOUGHT_AFTER]
