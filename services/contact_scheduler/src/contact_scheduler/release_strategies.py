"""Releases, widens and takes back strategies at the plan's tick, by what the drawn contacts say. Keeps the record.

The same logs give the same decision: it depends on what happened before the tick alone, and is written in the plan's
transaction. A contact's value is what its answer is worth on that channel, less its cost (`learning.worth`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import structlog
from numpy.typing import NDArray

from contact_scheduler.learning.assign import Arm
from contact_scheduler.learning.explore import option_of
from contact_scheduler.learning.features import FEATURES
from contact_scheduler.learning.model import TenantSummary
from contact_scheduler.learning.ope import Estimate, LoggedChoices, compare_policies, release_gate, value_daily
from contact_scheduler.learning.strategies import (
    BUILT_IN,
    COMPLAINTS_LIMIT,
    EVEN,
    LEARNING,
    Counts,
    DrawnLog,
    Evidence,
    Live,
    Matrix,
    Move,
    Standing,
    Table,
    compare_live,
    decide_next,
    even_choice,
    one_hot,
    stand_after,
)
from contact_scheduler.learning.terms import TERMS
from contact_scheduler.learning.worth import Costs, Worth, weigh_channels
from contact_scheduler.metrics import STRATEGY_MOVES
from contact_scheduler.planning.deciding import Deciding
from contact_scheduler.planning.drawn import read_cells
from contact_scheduler.store import strategies as store
from contact_scheduler.store.learning import latest_summary
from contact_scheduler.store.strategies import Recorded
from contact_scheduler.store.worth import read_tally
from forbear_chassis.postgres import UUID, Connection, Pool

HOURS = 24  # of a plan that covers a whole day; a first plan of part of a day is left out

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gate would say today of one strategy that asks to be released."""

    strategy: str
    verdict: str
    reason: str
    evidence: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StrategyReport:
    """Who decides, what the gate says of those that ask to, and the record, newest first."""

    standing: Standing
    answers: list[Answer]
    record: list[Recorded]


async def release_strategies(connection: Connection, tenant_id: UUID, tick_at: datetime, worth: Worth) -> Deciding:
    """Take the one step that the evidence asks for, write it down, and return who decides."""
    judge = await _Judge.of(connection, tenant_id, tick_at, worth)
    decision = decide_next(judge.standing, judge.candidates(), judge.weigh, tick_at)
    standing = judge.standing
    if decision is not None:
        evidence = _document(decision.evidence)
        await store.add_decision(connection, tenant_id, len(judge.record) + 1, decision, evidence, tick_at)
        standing = stand_after(standing, decision, tick_at)
        STRATEGY_MOVES[decision.move].inc()
        log.info(
            "strategy_moved", tenant_id=str(tenant_id), move=str(decision.move), strategy=decision.strategy,
            against=decision.against, share=decision.share, reason=decision.reason,
        )  # fmt: skip
    return Deciding(standing, judge.tables)


async def report_strategies(connection: Connection, tenant_id: UUID, now: datetime, costs: Costs) -> StrategyReport:
    """Say who decides and what the gate would answer now; nothing is changed."""
    worth = weigh_channels(await read_tally(connection, tenant_id, "payment", now), costs)
    judge = await _Judge.of(connection, tenant_id, now, worth)
    answers = []
    present = judge.standing.strategy
    for name in judge.candidates():
        evidence = judge.weigh(name, present)
        if evidence is None:
            answers.append(Answer(name, "wait", "no drawn contact tells about it yet", {}))
            continue
        found = release_gate(evidence.comparison, evidence.complaints, COMPLAINTS_LIMIT)
        answers.append(Answer(name, found.verdict, found.reason, _document(evidence)))
    return StrategyReport(judge.standing, answers, judge.record[::-1])


def describe_standing(standing: Standing, record: Sequence[Recorded]) -> str:
    """Say in one sentence who decides; `record` is newest first."""
    names = {EVEN: "even choice", LEARNING: "the model as it learns"}
    who, other = (names.get(name, f"the strategy {name}") for name in (standing.strategy, standing.fallback))
    since = "" if standing.since is None else f" since {standing.since:%Y-%m-%d}"
    if standing.share < 1.0:
        return f"{_upper(who)} decides for {standing.share:.0%} of the borrowers{since}, {other} for the rest."
    if standing.strategy != standing.fallback:
        return f"{_upper(who)} decides for all borrowers{since}; {other} stands in should it do harm."
    back = next((one for one in record if one.decision.move is Move.ROLLED_BACK), None)
    if back is None:
        return f"{_upper(who)} decides for all borrowers{since}."
    taken = names.get(back.decision.strategy, f"the strategy {back.decision.strategy}")
    return f"{_upper(who)} decides for all borrowers{since}, when {taken} was taken back: {back.decision.reason}."


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


async def who_decides(pool: Pool, tenant_id: UUID) -> str:
    """Say in one sentence who decides for a tenant's borrowers."""
    async with pool.acquire() as connection:
        record = await store.read_decisions(connection, tenant_id)
    return describe_standing(standing_of(record), record[::-1])


def standing_of(record: Sequence[Recorded]) -> Standing:
    """Return who decides after all that was decided; `record` is oldest first."""
    standing = Standing()
    for entry in record:
        standing = stand_after(standing, entry.decision, entry.decided_at)
    return standing


async def present_weights(connection: Connection, tenant_id: UUID) -> tuple[Matrix, datetime | None]:
    """Return the model's coefficients as they were last learned, and when; the prior's means before that."""
    kept = await latest_summary(connection, tenant_id)
    summary = None if kept is None else TenantSummary.from_bytes(kept[0])
    if kept is None or summary is None:
        return TERMS.prior_mean, None
    return summary.mean, kept[1]


@dataclass(frozen=True, slots=True)
class _Rows:
    """The drawn contacts as arrays."""

    sent_at: list[datetime]
    option: NDArray[np.int64]
    propensity: Matrix
    reward: Matrix
    complained: Matrix
    open_cells: Matrix
    best: NDArray[np.int64]
    log: DrawnLog


@dataclass(frozen=True, slots=True)
class _Judge:
    """Values strategies of one tenant on its drawn contacts."""

    standing: Standing
    record: list[Recorded]
    tables: list[Table]
    rows: _Rows | None
    live: dict[str, Counts]
    worth: Worth

    @classmethod
    async def of(cls, connection: Connection, tenant_id: UUID, tick_at: datetime, worth: Worth) -> _Judge:
        record = await store.read_decisions(connection, tenant_id)
        standing = standing_of(record)
        since = max(standing.since or tick_at - store.LIVE_BACK, tick_at - store.LIVE_BACK)
        live = await store.read_live(connection, tenant_id, tick_at, since) if _has_live(standing) else {}
        drawn = await store.read_drawn(connection, tenant_id, tick_at)
        tables = await store.read_tables(connection, tenant_id)
        return cls(standing, record, tables, _rows(drawn, worth) if drawn else None, live, worth)

    def candidates(self) -> list[str]:
        """Return who asks to be released: proposed and neither refused nor taken back, and the model if it is out."""
        out = {
            entry.decision.strategy
            for entry in self.record
            if entry.decision.move in (Move.REFUSED, Move.ROLLED_BACK) and entry.decision.strategy not in BUILT_IN
        }
        standing = self.standing
        if standing.share < 1.0:
            return []
        waiting = [table.name for table in self.tables if table.name not in out and table.name != standing.strategy]
        return waiting if standing.strategy == LEARNING else [LEARNING, *waiting]

    def weigh(self, new: str, present: str) -> Evidence | None:
        """Value two strategies on the same contacts: those that neither has seen the answers of."""
        if self.rows is None:
            return None
        since = [at for name in (new, present) if (at := self._since(name)) is not None]
        kept = np.array([all(at >= one for one in since) for at in self.rows.sent_at], dtype=np.bool_)
        if int(kept.sum()) < 2:
            return None
        targets = self._target(new)[kept], self._target(present)[kept]
        option, propensity = self.rows.option[kept], self.rows.propensity[kept]
        compared = compare_policies(LoggedChoices(option, propensity, self.rows.reward[kept]), *targets)
        complaints = value_daily(LoggedChoices(option, propensity, self.rows.complained[kept]), targets[0])
        return Evidence(compared, complaints, self._live(new, present))

    def _since(self, name: str) -> datetime | None:
        """Return from when on contacts tell about a strategy."""
        for table in self.tables:
            if table.name == name:
                return table.learned_until
        taken_back = [e.decided_at for e in self.record if e.decision.move is Move.ROLLED_BACK]
        was_taken_back = any(e.decision.strategy == name and e.decision.move is Move.ROLLED_BACK for e in self.record)
        return taken_back[-1] if was_taken_back else None

    def _target(self, name: str) -> Matrix:
        assert self.rows is not None
        if name == EVEN:
            return even_choice(self.rows.open_cells)
        for table in self.tables:
            if table.name == name:
                return one_hot(self.rows.log.choices(table, self.worth))
        return one_hot(self.rows.best)

    def _live(self, new: str, present: str) -> Live | None:
        if not _has_live(self.standing) or (new, present) != (self.standing.strategy, self.standing.fallback):
            return None
        own, others = (self.live.get(name) or store.no_contacts() for name in (new, present))
        return compare_live(own, others, self.worth)


def _has_live(standing: Standing) -> bool:
    """Return whether two strategies decide side by side: in a ramp, and beside the control group, always."""
    return standing.strategy != standing.fallback and (standing.share < 1.0 or standing.fallback == EVEN)


def _rows(drawn: list[Any], worth: Worth) -> _Rows | None:
    """Put the contacts into arrays; those of plans that did not log their open cells are left out."""
    told = [(row, orjson.loads(row["drawn"])) for row in drawn]
    told = [(row, one) for row, one in told if one.get("hours") == HOURS]
    if not told:
        return None
    rows, logged = [row for row, _ in told], [one for _, one in told]
    channel = np.array([row["channel"] - 1 for row in rows])
    option = option_of(channel, np.array([row["slot"] for row in rows]))
    open_cells = np.array([one["open"] for one in logged], dtype=np.float64)
    is_control = np.array([row["arm"] == Arm.CONTROL for row in rows])
    logged_propensity = np.array([row["propensity"] for row in rows], dtype=np.float64)
    even = open_cells[np.arange(len(rows)), option] / open_cells.sum(axis=1)
    answered = np.array([row["has_answered"] for row in rows], dtype=np.float64)
    return _Rows(
        sent_at=[row["sent_at"] for row in rows],
        option=option,
        propensity=np.where(is_control, even, logged_propensity),
        reward=answered * np.asarray(worth.of_answer)[channel] - np.asarray(worth.cost)[channel],
        complained=np.array([row["has_complained"] for row in rows], dtype=np.float64),
        open_cells=open_cells,
        best=np.array([one["best"] for one in logged]),
        log=DrawnLog(
            np.frombuffer(b"".join(row["features"] for row in rows), dtype=np.float32).reshape(-1, FEATURES),
            np.stack([read_cells(one["cells"], HOURS) for one in logged]),
            np.array([one["first"] for one in logged], dtype=np.int64),
        ),
    )


def _document(evidence: Evidence | None) -> dict[str, Any]:
    """Write evidence as JSON."""
    if evidence is None:
        return {}
    document: dict[str, Any] = {
        name: _numbers(estimate)
        for name, estimate in (
            ("difference", evidence.comparison.difference), ("new", evidence.comparison.new),
            ("present", evidence.comparison.present), ("complaints", evidence.complaints),
        )
    }  # fmt: skip
    if evidence.live is not None:
        document["live"] = asdict(evidence.live)
    return document


def _numbers(estimate: Estimate) -> dict[str, float]:
    return {name: round(value, 6) for name, value in asdict(estimate).items()}
