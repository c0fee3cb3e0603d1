"""The daily plan of each active campaign: learn, read the audience, plan, write, all in one transaction.

A day is planned once (the key of `plan_run`), also after a crash or by another replica. After downtime the plan covers
what is left of the day; days that passed are not made up for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime
from typing import Protocol

import numpy as np
import orjson
import structlog
from numpy.typing import NDArray

from contact_scheduler.campaigns import Campaign, State, next_plan_at, tick_of
from contact_scheduler.know_now import KnowNow
from contact_scheduler.learn_funnel import learn_funnel
from contact_scheduler.learn_outcomes import Learned, learn_outcomes
from contact_scheduler.learning.model import Posterior
from contact_scheduler.learning.monitor import Alarm
from contact_scheduler.learning.scores import SHIPPED, Cards
from contact_scheduler.learning.worth import Costs, Worth, weigh_channels
from contact_scheduler.manage_policy import policy_of
from contact_scheduler.metrics import MODEL_ALARMS, PLAN_SECONDS, PLANNED_CONTACTS, PLANS
from contact_scheduler.planning.candidates import HOUR, Window
from contact_scheduler.planning.compose import plan_day
from contact_scheduler.planning.deciding import Deciding
from contact_scheduler.planning.networks import Network, NetworkLimit
from contact_scheduler.planning.request import PlannedDay, PlanRequest, Situation
from contact_scheduler.release_strategies import release_strategies
from contact_scheduler.store import left_alone, planning
from contact_scheduler.store.campaigns import next_to_plan
from contact_scheduler.store.networks import read_networks
from contact_scheduler.store.worth import read_tally
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import UUID, Connection, Pool
from forbear_chassis.worker import Pass

log = structlog.get_logger(__name__)


class CapacitySource(Protocol):
    """Says how many contacts each channel can carry."""

    async def by_hour(self, tenant_id: UUID, campaign_id: UUID | None = None) -> NDArray[np.int64]:
        """Return contacts by SMS, e-mail and voice in each of the next 24 hours: [3, 24]; of one campaign or all."""

    async def networks(self, tenant_id: UUID) -> list[NetworkLimit]:
        """Return what destination networks take that have a limit."""


class PlanDay:
    """The worker behind the daily tick."""

    def __init__(
        self, pool: Pool, clock: Clock, capacity: CapacitySource, wake_release: Callable[[], None], *,
        plan_hour_utc: int, seed: int, costs: Costs,
    ) -> None:  # fmt: skip
        self._pool = pool
        self._clock = clock
        self._capacity = capacity
        self._wake_release = wake_release
        self._plan_hour_utc = plan_hour_utc
        self._seed = seed
        self.costs = costs
        self.know_now = KnowNow(pool, clock)
        self.cards: Cards = SHIPPED

    async def run_once(self) -> Pass:
        """Plan the campaign that has waited longest; say when the next is due."""
        now = self._clock.now()
        async with self._pool.acquire() as connection, connection.transaction():
            campaign = await planning.take_due(connection, now)
            if campaign is not None:
                await self._plan(connection, campaign, now)
        if campaign is None:
            return Pass(0, await next_to_plan(self._pool))
        self._wake_release()
        return Pass(1)

    async def _plan(self, connection: Connection, campaign: Campaign, now: datetime) -> None:
        if campaign.ends_at is not None and campaign.ends_at <= now:
            await planning.close_plan(connection, campaign, State.COMPLETED, None)
            return
        next_at = next_plan_at(now, self._plan_hour_utc)
        day = tick_of(now, self._plan_hour_utc).date()
        number = await planning.plan_number(connection, campaign, day)
        if number is not None:
            window = Window.after(now, next_at)
            learned, request = await self._read(connection, campaign, window, number)
            with PLAN_SECONDS.time():
                planned = await asyncio.to_thread(plan_day, request)
            await planning.write_contacts(connection, planned.contacts)
            await left_alone.write_lots(connection, campaign, planned.lots)
            alarms = (*learned.alarms, *planned.alarms)
            run = planning.PlanRun(
                campaign.tenant_id, campaign.campaign_id, day, now, window.starts_at, learned.version,
                orjson.dumps(planned.counts).decode(), planned.prices, planned.gap, orjson.dumps(alarms).decode(),
            )  # fmt: skip
            await planning.write_run(connection, run)
            _tell(campaign, planned, alarms)
        ends_first = campaign.ends_at is not None and campaign.ends_at < next_at
        await planning.close_plan(connection, campaign, State.ACTIVE, campaign.ends_at if ends_first else next_at)

    async def rehearse(self, campaign: Campaign) -> tuple[PlanRequest, PlannedDay]:
        """Plan a campaign from now on as if it were started, and write nothing."""
        now, tenant_id = self._clock.now(), campaign.tenant_id
        window = Window.after(now, next_plan_at(now, self._plan_hour_utc))
        posterior = (await self.know_now.of(tenant_id)).posterior
        async with self._pool.acquire() as connection, connection.transaction():
            worth = weigh_channels(await read_tally(connection, tenant_id, campaign.goal, now), self.costs)
            number = await planning.plan_number(connection, campaign, tick_of(now, self._plan_hour_utc).date())
            request = await self.request(connection, campaign, window, number or 1, posterior, worth, Deciding())
        return request, await asyncio.to_thread(plan_day, request)

    async def _read(
        self, connection: Connection, campaign: Campaign, window: Window, number: int
    ) -> tuple[Learned, PlanRequest]:
        tenant_id = campaign.tenant_id
        learned = await learn_outcomes(connection, tenant_id, window.tick_at)
        worth = weigh_channels(await read_tally(connection, tenant_id, campaign.goal, window.tick_at), self.costs)
        deciding = await release_strategies(connection, tenant_id, window.tick_at, worth)
        funnel = await learn_funnel(connection, tenant_id, window.tick_at)
        request = await self.request(connection, campaign, window, number, learned.posterior, worth, deciding)
        return learned, replace(request, funnel=funnel)

    async def request(
        self, connection: Connection, campaign: Campaign, window: Window, number: int, posterior: Posterior,
        worth: Worth, deciding: Deciding,
    ) -> PlanRequest:  # fmt: skip
        """Read what a plan of this window is made from; nothing is written."""
        prices = await planning.latest_prices(connection, campaign)
        fits = prices is not None and len(prices[0]) == window.hours
        situation = await self.situation(connection, campaign, window)
        return PlanRequest(
            **{part.name: getattr(situation, part.name) for part in fields(situation)},
            posterior=posterior,
            capacity=await self._room(connection, campaign, window),
            networks=await self.networks(connection, campaign.tenant_id, window),
            worth=worth,
            budget=campaign.budget_a_day,
            money=self.costs.contact,
            number=number,
            start_prices=np.array(prices, dtype=np.float32) if fits else None,
            deciding=deciding,
        )

    async def situation(
        self, connection: Connection, campaign: Campaign, window: Window, only: UUID | None = None
    ) -> Situation:
        """Read what is known of a campaign's audience, or of one borrower of it, as a plan of this window would."""
        tenant_id = campaign.tenant_id
        candidates = await planning.read_audience(connection, campaign, window.tick_at, only)
        borrowers = [one.borrower_id for one in candidates]
        spoken = await planning.read_conversations(connection, tenant_id, window.tick_at)
        return Situation(
            campaign=campaign,
            actor=await planning.read_actor(connection, tenant_id),
            policy=await policy_of(connection, tenant_id),
            window=window,
            candidates=candidates,
            history=await planning.read_history(connection, tenant_id, borrowers, window.tick_at, spoken),
            conversations=planning.group_conversations(spoken),
            places=await planning.read_places(connection, {one.place_id for one in candidates}),
            seed=self._seed,
            cards=self.cards,
            lots=await left_alone.read_lots(connection, campaign, only),
            lots_elsewhere=await left_alone.read_lots_elsewhere(connection, campaign, window.tick_at, only),
        )

    def next_window(self, campaign: Campaign, now: datetime) -> Window | None:
        """Return the hours that the next plan of a campaign covers; None where none is to come."""
        if campaign.next_plan_at is None:
            return None
        tick_at = max(now, campaign.next_plan_at)
        if campaign.ends_at is not None and campaign.ends_at <= tick_at:
            return None
        return Window.after(tick_at, next_plan_at(tick_at, self._plan_hour_utc))

    async def places(self, tenant_id: UUID, window: Window, campaign_id: UUID | None = None) -> NDArray[np.int64]:
        """Return contacts by channel and hour of a window, as the dispatcher says; its last hour stands for later."""
        told = await self._capacity.by_hour(tenant_id, campaign_id)
        ahead = [int((window.starts_at - window.tick_at) / HOUR + hour + 0.5) for hour in range(window.hours)]
        result: NDArray[np.int64] = told[:, np.minimum(ahead, told.shape[1] - 1)]
        return result

    async def networks(
        self, connection: Connection, tenant_id: UUID, window: Window, *, with_taken: bool = True
    ) -> list[Network]:
        """Return the destination networks that take few, with what is left of them, or with all of it."""
        limits = await self._capacity.networks(tenant_id)
        return await read_networks(connection, tenant_id, limits, window.starts_at, window.hours, with_taken=with_taken)

    async def _room(self, connection: Connection, campaign: Campaign, window: Window) -> NDArray[np.int64]:
        """Return the places per channel and hour that other plans have left, and the campaign's own limits allow."""
        tenant_id = campaign.tenant_id
        load = await planning.read_load(connection, tenant_id, window.starts_at, window.hours)
        left = np.maximum(await self.places(tenant_id, window) - load, 0)
        room: NDArray[np.int64] = np.minimum(left, await self.places(tenant_id, window, campaign.campaign_id))
        return room


def _tell(campaign: Campaign, planned: PlannedDay, alarms: tuple[Alarm, ...]) -> None:
    PLANS.inc()
    for arm in ("planned", "explored", "control"):
        PLANNED_CONTACTS[arm].inc(planned.counts[arm])
    log.info("campaign_planned", campaign_id=str(campaign.campaign_id), gap=round(planned.gap, 4), **planned.counts)
    for alarm in alarms:
        MODEL_ALARMS[alarm.kind].inc()
        log.warning("model_alarm", tenant_id=str(campaign.tenant_id), kind=alarm.kind.value, words=alarm.words)
