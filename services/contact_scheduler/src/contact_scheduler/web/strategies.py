"""Strategies: `/v1/strategies`. Who decides, what asks to, what the logs say of it, and the record of every change."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from contact_scheduler.learning.strategies import BUILT_IN, Table, coefficients_from, term_names
from contact_scheduler.learning.terms import TERMS
from contact_scheduler.release_strategies import (
    StrategyReport,
    describe_standing,
    present_weights,
    report_strategies,
)
from contact_scheduler.store.strategies import add_table
from contact_scheduler.web import once
from contact_scheduler.web.access import Parts, Reader, Writer
from contact_scheduler.web.bodies import Instant, Strict
from contact_scheduler.web.problems import RESPONSES, FieldError, Problem
from forbear_chassis.postgres import Connection

WEIGHTS_MAX = 10 * len(TERMS)  # a limit on the work; a name too many is told by name

router = APIRouter(prefix="/v1/strategies", tags=["strategies"], responses=RESPONSES)


class StrategyBody(Strict):
    """A strategy to propose: weights in log-odds by term. A term that is not named keeps its prior mean."""

    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,39}$", description="lower-case letters, digits, hyphens")
    origin: str = Field(min_length=1, max_length=300, description="who made it, from what: it stands in the record")
    weights: dict[str, float] = Field(
        max_length=WEIGHTS_MAX, description="weight of each term; `GET /v1/strategies/learning` gives their names"
    )
    learned_until: Instant | None = Field(
        default=None, description="up to when its maker saw our outcomes; earlier contacts then do not count for it"
    )


class AnswerView(BaseModel):
    """What the gate would say today of one strategy."""

    strategy: str = Field(description="its name")
    verdict: str = Field(description="release, wait or refuse")
    reason: str = Field(description="why, in words")
    evidence: dict[str, Any] = Field(description="estimates behind it, in answers less costs per contact")


class DecisionView(BaseModel):
    """One entry of the record."""

    number: int = Field(description="from 1")
    decided_at: datetime = Field(description="the tick at which it was decided")
    move: str = Field(description="released, widened, rolled_back or refused")
    strategy: str = Field(description="the strategy that moved")
    against: str = Field(description="the one it was compared with")
    share: float = Field(description="share of the borrowers for whom it decides since then")
    reason: str = Field(description="why, in words")
    evidence: dict[str, Any] = Field(description="estimates behind it")


class StrategiesView(BaseModel):
    """Who decides, who asks to, and the record."""

    words: str = Field(description="who decides for whom, and what stands in, in one sentence")
    present: str = Field(description="the strategy that decides")
    share: float = Field(description="for this share of the borrowers")
    fallback: str = Field(description="decides for the others, and for all if the present one is taken back")
    asking: list[AnswerView] = Field(description="strategies that ask to be released, and the gate's answer today")
    record: list[DecisionView] = Field(description="every change, newest first")


class WeightsView(BaseModel):
    """The model as it has learned, as a table."""

    learned_until: datetime = Field(description="it has seen the outcomes up to here")
    weights: dict[str, float] = Field(description="weight of each term, in log-odds")


@router.get("", summary="Show who decides and what asks to")
async def show_strategies(api: Parts, caller: Reader) -> StrategiesView:
    """Show the present strategy, those that ask to be released with what the logs say, and every change so far."""
    async with api.pool.acquire() as connection:
        return view(await report_strategies(connection, caller.tenant_id, api.clock.now(), api.costs))


@router.get("/learning", summary="Export the model as a table of weights")
async def export_learning(api: Parts, caller: Reader) -> WeightsView:
    """Give what the model has learned as weights by term: a start for a strategy of your own."""
    async with api.pool.acquire() as connection:
        coefficients, learned_at = await present_weights(connection, caller.tenant_id)
    weights = dict(zip(term_names(), coefficients.round(6).tolist(), strict=True))
    return WeightsView(learned_until=learned_at or api.clock.now(), weights=weights)


@router.post("", summary="Propose a strategy", status_code=201, response_model=StrategiesView)
async def propose_strategy(
    body: StrategyBody, request: Request, api: Parts, caller: Writer, key: once.KeyHeader = None
) -> Response:
    """Propose a strategy. It decides nothing until the logs of drawn contacts show that it gains; then for 5 %, 25 %
    and 100 % of the borrowers, and it is taken back by itself where it does harm."""
    if body.name in BUILT_IN:
        raise Problem(409, "name-taken", f"{body.name} is built in; choose another name")
    now = api.clock.now()
    if body.learned_until is not None and body.learned_until > now:
        raise _wrong("learned_until", "give an instant that is not later than now")
    try:
        coefficients = coefficients_from(body.weights)
    except ValueError as error:
        raise _wrong("weights", str(error)) from None
    learned_until = None if body.learned_until is None else body.learned_until.astimezone(UTC)
    table = Table(body.name, coefficients, learned_until)

    async def act(connection: Connection) -> tuple[int, BaseModel]:
        if not await add_table(connection, caller.tenant_id, table, body.origin, now):
            raise Problem(409, "name-taken", f"there is a strategy {body.name} already; choose another name")
        return 201, view(await report_strategies(connection, caller.tenant_id, now, api.costs))

    return await once.answer_once(api, request, caller.tenant_id, key, act)


def _wrong(field: str, mend: str) -> Problem:
    return Problem(422, "validation", "the request has errors", [FieldError(field=field, mend=mend)])


def view(report: StrategyReport) -> StrategiesView:
    """Show a report."""
    standing = report.standing
    return StrategiesView(
        words=describe_standing(standing, report.record),
        present=standing.strategy, share=standing.share, fallback=standing.fallback,
        asking=[
            AnswerView(strategy=one.strategy, verdict=one.verdict, reason=one.reason, evidence=one.evidence)
            for one in report.answers
        ],
        record=[
            DecisionView(
                number=one.number, decided_at=one.decided_at, move=one.decision.move, strategy=one.decision.strategy,
                against=one.decision.against, share=one.decision.share, reason=one.decision.reason,
                evidence=one.evidence,
            )
            for one in report.record
        ],
    )  # fmt: skip
