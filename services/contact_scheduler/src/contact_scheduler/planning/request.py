"""What one plan is made from, and what it comes to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from contact_scheduler.campaigns import Campaign
from contact_scheduler.learning.funnel import Funnel
from contact_scheduler.learning.model import Posterior
from contact_scheduler.learning.monitor import Alarm
from contact_scheduler.learning.scores import SHIPPED, Cards
from contact_scheduler.learning.slots import FloatArray
from contact_scheduler.learning.worth import PerChannel, Worth
from contact_scheduler.planning.candidates import Candidate, Conversations, History, Window
from contact_scheduler.planning.deciding import Deciding
from contact_scheduler.planning.lawful import Place
from contact_scheduler.planning.left_alone import Lot, Lots
from contact_scheduler.planning.networks import Network
from forbear_chassis.postgres import UUID
from forbear_domain.policy import TenantPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known of an audience, or of one borrower, before anything is chosen."""

    campaign: Campaign
    actor: str
    policy: TenantPolicy | None  # the tenant's own rules
    window: Window
    candidates: list[Candidate]
    history: History
    conversations: Conversations
    places: dict[int, Place]
    seed: int
    cards: Cards = SHIPPED
    lots: Lots = field(default_factory=dict)  # that the campaign has cast
    lots_elsewhere: Lots = field(default_factory=dict)  # of those whom other campaigns leave alone


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest(Situation):
    """Everything one plan is made from."""

    posterior: Posterior
    capacity: NDArray[np.int64]  # [channel, hour]
    worth: Worth
    number: int  # of the campaign's plan, from 1
    start_prices: FloatArray | None
    deciding: Deciding = field(default_factory=Deciding)
    budget: float | None = None  # most that the plan may cost in `money`
    money: PerChannel = (0.0, 0.0, 0.0)  # what a contact costs by channel, complaints not counted
    networks: list[Network] = field(default_factory=list)  # those that take few
    funnel: Funnel = field(default_factory=Funnel.before_any_contact)


@dataclass(frozen=True, slots=True)
class PlannedDay:
    """What one plan came to: rows of `contact`, counts, prices and how far from the optimum it can be."""

    contacts: list[tuple[object, ...]]
    counts: dict[str, int]
    prices: list[list[float]]
    gap: float
    budget_price: float = 0.0  # what one more unit of money would bring
    alarms: tuple[Alarm, ...] = ()  # what the facts about these borrowers lack
    lots: dict[UUID, Lot] = field(default_factory=dict)  # cast by this plan
