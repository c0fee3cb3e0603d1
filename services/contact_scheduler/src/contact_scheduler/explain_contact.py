"""Says why a borrower is contacted next as planned, or why not, in plain English."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson

from contact_scheduler.circumstances import FIRST_HELD, REASONS
from contact_scheduler.contacts import ContactPhase
from contact_scheduler.expectations import Expected, ExpectedNow, expected_now, expected_when_planned, local_time
from contact_scheduler.explain_hours import campaign_or_newest
from contact_scheduler.explain_lot import explain_lot
from contact_scheduler.explain_rest import because_silent, explain_rest
from contact_scheduler.learning.assign import Arm
from contact_scheduler.learning.slots import BoolArray
from contact_scheduler.learning.strategies import LEARNING
from contact_scheduler.learning.treatment import WHY, Treatment
from contact_scheduler.plan_day import PlanDay
from contact_scheduler.planning.drawn import read_cells
from contact_scheduler.planning.facts import score_candidates
from contact_scheduler.planning.treating import FOLLOW_UPS
from contact_scheduler.store import circumstances
from contact_scheduler.store.borrowers import BorrowerStore
from contact_scheduler.store.planning import read_borrower
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import UUID, Pool
from forbear_domain.model import Channel, ResponseKind

ARM_REASONS = {
    Arm.PLANNED: "chosen as the best use of this hour and channel, given what was learned from earlier contacts",
    Arm.EXPLORED: "drawn from a small share of contacts that tries other options, with the probability given",
    Arm.CONTROL: "drawn at random among lawful hours: this borrower is in the group that learning is measured against",
}
PAUSE_REASONS = {
    ResponseKind.PROMISED: "promised to pay",
    ResponseKind.PAID: "paid",
    ResponseKind.ARRANGED: "agreed to a deferral or to instalments",
    ResponseKind.HARDSHIP: "said that they cannot pay at present",
    ResponseKind.OPTED_OUT: "asked not to be contacted",
    ResponseKind.REPLIED: "wrote to us",
    ResponseKind.HANDED_OVER: "was given to a person",
}


@dataclass(frozen=True, slots=True)
class PlannedContact:
    """The next contact."""

    contact_id: UUID
    campaign_id: UUID
    loan_id: UUID
    channel: Channel
    template: str
    treatment: str
    not_before: datetime
    expire_at: datetime
    local_time: str
    arm: str
    propensity: float
    probability: float
    expected: Expected | None  # when it was planned; None: before such expectations were kept


@dataclass(frozen=True, slots=True)
class Explanation:
    """The next contact, or None, and the reasons, most important first."""

    contact: PlannedContact | None
    reasons: list[str]
    now: ExpectedNow | None = None


class ExplainContact:
    """The use case behind `next-contact`."""

    def __init__(self, pool: Pool, clock: Clock, plan: PlanDay) -> None:
        self._pool = pool
        self._store = BorrowerStore(pool)
        self._clock = clock
        self._plan = plan

    async def run(self, tenant_id: UUID, borrower_id: UUID) -> Explanation | None:
        """Explain, or return None when the tenant has no such borrower."""
        borrower = await self._store.find(tenant_id, borrower_id)
        if borrower is None:
            return None
        row = await self._store.next_contact(tenant_id, borrower_id)
        if row is not None:
            scored = await self._scored(row)
            now = expected_now(row, await self._plan.know_now.of(tenant_id))
            reasons = (
                [*_why(row), *scored] if now is None else [*_why(row), now.words(Channel(row["channel"])), *scored]
            )
            return Explanation(_planned(row), reasons, now)
        return Explanation(None, [reason async for reason in self._why_not(tenant_id, borrower)])

    async def _scored(self, row: Any) -> list[str]:
        """Say what moves the two scores of the contact's loan most, by the facts that a plan made now would use."""
        campaign = await campaign_or_newest(self._pool, row["tenant_id"], row["campaign_id"])
        if campaign is None:
            return []
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            found, history, _ = await read_borrower(connection, campaign, self._clock.now(), row["borrower_id"])
        if not found or found[0].loan_id != row["loan_id"]:
            return []  # paid meanwhile, or another loan has become the one that counts
        return [
            f"for the treatment: {reason}" for reason in score_candidates(found, history, self._plan.cards).reasons(0)
        ]

    async def _why_not(self, tenant_id: UUID, borrower: Any) -> Any:
        borrower_id = borrower["borrower_id"]
        told: set[str] = set()
        for pause in await self._store.pauses(tenant_id, borrower_id, self._clock.now()):
            until = "until it is lifted" if pause["until"] is None else f"until {pause['until']:%Y-%m-%d}"
            why = PAUSE_REASONS.get(ResponseKind(pause["kind"]), "asked for a later time")
            reason = f"the borrower {why} on {pause['since']:%Y-%m-%d} and is left in peace {until}"
            if reason not in told:  # two payments of one day say the same twice
                told.add(reason)
                yield reason
        for known, since in await circumstances.in_force(self._pool, tenant_id, borrower_id):
            is_held = known >= FIRST_HELD
            means = (
                "and is not contacted until a later file says otherwise"
                if is_held
                else "nothing is tried out with them"
            )
            yield f"the borrower {REASONS[known]}, as the lender's file says since {since:%Y-%m-%d}: {means}"
        if "" in borrower["zones"]:
            yield "nobody knows in which time zone the borrower is: give postal_code, region or time_zone"
        points = await self._store.points(tenant_id, borrower_id)
        if not any(point["consent_on"] for point in points):
            yield "there is no consent on any channel"
        if not any(loan["past_due"] for loan in await self._store.loans(tenant_id, borrower_id)):
            yield "nothing is past due"
        if not await self._store.active_campaigns(tenant_id):
            yield "no campaign is active"
        lots = await explain_lot(self._pool, self._plan, tenant_id, borrower_id, self._clock.now())
        for said in lots:
            yield said.words
        latest = await self._store.contacts(tenant_id, borrower_id, 1)
        if latest:
            state = ContactPhase(latest[0]["state"]).label
            reason = f" ({latest[0]['outcome_reason']})" if latest[0]["outcome_reason"] else ""
            yield f"the last contact, due {latest[0]['not_before']:%Y-%m-%d %H:%M} UTC, ended as {state}{reason}"
        rest = await explain_rest(self._pool, tenant_id, borrower_id, self._clock.now(), self._plan.cards)
        if rest is not None:
            yield rest
        if not any(said.is_left_alone for said in lots):
            yield "the next plan decides at its daily tick, after rest and weekly cap"


def _planned(row: Any) -> PlannedContact:
    return PlannedContact(
        contact_id=row["contact_id"], campaign_id=row["campaign_id"], loan_id=row["loan_id"],
        channel=Channel(row["channel"]), template=row["template"], treatment=row["treatment"],
        not_before=row["not_before"], expire_at=row["expire_at"], local_time=local_time(row["slot"]),
        arm=Arm(row["arm"]).name.lower(), propensity=row["propensity"], probability=row["probability"],
        expected=expected_when_planned(row),
    )  # fmt: skip


def _why(row: Any) -> Iterator[str]:
    reason = orjson.loads(row["reason"])
    channel = Channel(row["channel"]).label
    yield f"{channel} on {local_time(row['slot'])} of the borrower's clock: {ARM_REASONS[Arm(row['arm'])]}"
    if row["arm"] != Arm.PLANNED:
        yield f"the probability of drawing exactly this was {row['propensity']:.4f}"
    learned = reason["outcomes_learned"]
    yield f"an answer is expected with probability {row['probability']:.1%}, learned from {learned} earlier contacts"
    expected = expected_when_planned(row)
    if expected is not None:
        yield f"expected when planned: {expected.words(Channel(row['channel']))}"
    if reason["second"] is not None:
        second = reason["second"]
        yield f"second best was {Channel(second['channel']).label} on {local_time(second['slot'])}"
    treatment = Treatment[row["treatment"].upper()]
    yield (
        f"treatment {row['treatment']} ({row['template']}): {WHY[treatment]}"
        f" (ability {reason['ability']:.2f}, willingness {reason['willingness']:.2f})"
    )
    yield f"{reason['lawful_cells']} hours and channels were lawful, welcome and free of rest; all others were left out"
    if "cells" in reason:
        yield from _open_hours(read_cells(reason["cells"], reason["hours"]), reason["first"])
    if reason.get("strategy", LEARNING) != LEARNING:
        yield f"decided by the strategy {reason['strategy']!r}, not by the model as it learns"
    if row["template"] in FOLLOW_UPS:
        yield f"the text is another one than before, because the last {reason['unanswered']} contacts had no answer"
    if "in_vain" in reason:
        channel, part = reason["in_vain"]
        yield f"{Channel(channel).label} in the {part} was left out, because the last contacts there had no answer"
    if "rest_days" in reason:
        yield f"rests {because_silent(reason['silent'], reason['rest_days'], reason['own_rest_days'])}"
    if "waiting" in reason:
        yield f"waited long for a place, and so counts {reason['waiting']:.1f} times as much as others"
    if reason["price"] > 0:
        yield f"the hour is sought after: one more place in it would bring {reason['price']:.4f} average answers"


def _open_hours(is_open: BoolArray, first: int) -> Iterator[str]:
    """Say for each channel which hours of the borrower's clock were open, and name the channels that were not."""
    for channel, hours in zip(Channel, is_open, strict=True):
        if not hours.any():
            yield f"{channel.label}: no hour was open: no recent consent, a wish for another channel, rest, or the law"
            continue
        edges = np.flatnonzero(np.diff(np.concatenate(([False], hours, [False]))))
        spans = [f"{(first + a) % 24:02d}:00-{(first + b) % 24:02d}:00" for a, b in edges.reshape(-1, 2).tolist()]
        yield f"{channel.label}: open {', '.join(spans)}; closed else by law, by the campaign's hours or by a wish"
