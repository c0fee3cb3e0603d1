"""What did learning bring? The learned plan beside the control group, and what other policies would have brought.

The lift compares contacts that were really made. The value of a policy that nobody followed is estimated from drawn
contacts with their logged probabilities, among twelve options (channel x part of the day). Even choice and the fixed
channels are valued by the control group alone, whose hours are even as theirs would be; the model's own choice, as it
stood before each answer, by the explored contacts too. An explored draw of "no contact" leaves no row: at the floor of
its probability, this shifts a value by less than a hundredth of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from contact_scheduler.campaigns import Campaign
from contact_scheduler.evaluate_goal import GoalReached, compare_goal
from contact_scheduler.learn_funnel import readable, to_courses
from contact_scheduler.learning.assign import Arm
from contact_scheduler.learning.calibration import StepCalibration, calibrate_steps
from contact_scheduler.learning.explore import OPTIONS, option_of
from contact_scheduler.learning.lift import Lift
from contact_scheduler.learning.monitor import Alarm
from contact_scheduler.learning.ope import LoggedChoices, PolicyValue, evaluate_policy
from contact_scheduler.learning.slots import DAY_PARTS
from contact_scheduler.report_campaign import ReportCampaign
from contact_scheduler.store.reports import ReportStore
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import UUID
from forbear_domain.model import Channel

EFFECTIVE_ROWS_MIN: Final = 50.0  # below it an interval is not worth showing as an answer
CALIBRATED_MAX: Final = 5_000  # the latest contacts whose forecasts are compared with facts, for each window
CHANNEL_OF_OPTION: Final = np.arange(OPTIONS) // len(DAY_PARTS)

Matrix = NDArray[np.float64]


class Drawn(NamedTuple):
    """One drawn contact whose window has closed. `open` counts the open cells of each option."""

    arm: Arm
    option: int
    propensity: float  # as logged: of the cell for control, of the option for explored contacts
    open: Sequence[int]
    best: int
    has_answered: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy and its value in answers per contact; None without a row to tell it by."""

    name: str
    words: str
    rows: int
    value: PolicyValue | None

    @property
    def is_telling(self) -> bool:
        """Whether enough rows stand behind it."""
        return self.value is not None and self.value.dr.effective_rows >= EFFECTIVE_ROWS_MIN


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Learned beside control, by answers and by the goal; policies by estimate; forecasts beside facts; alarms."""

    lift: Lift
    goal: GoalReached
    policies: list[Policy]
    alarms: list[Alarm]
    steps: list[StepCalibration] = field(default_factory=list)

    @property
    def summary(self) -> str:
        """Return the answer in one sentence."""
        found = self.lift
        if not found.control.rows or not found.learned.rows:
            return "Nothing can be said yet: contacts of both the learned plan and the control group are needed."
        verdict = "chance alone hardly explains it" if found.is_proven else "chance alone may explain it"
        return (
            f"Of 100 contacts {100 * found.learned.value:.1f} were answered under the learned plan and "
            f"{100 * found.control.value:.1f} in the control group: {100 * found.difference:+.1f} "
            f"({100 * found.low:+.1f} to {100 * found.high:+.1f}); {verdict}."
        )


class EvaluateCampaign:
    """The use case behind `evaluation`."""

    def __init__(self, store: ReportStore, report: ReportCampaign, clock: Clock) -> None:
        self._store = store
        self._report = report
        self._clock = clock

    async def run(self, campaign: Campaign) -> Evaluation:
        """Evaluate one campaign."""
        tenant_id, campaign_id = campaign.tenant_id, campaign.campaign_id
        report = await self._report.run(tenant_id, campaign_id)
        rows = await self._store.drawn(tenant_id, campaign_id, self._clock.now())
        drawn = []
        for row in rows:
            logged = orjson.loads(row["drawn"])
            option = int(option_of(np.array([row["channel"] - 1]), np.array([row["slot"]]))[0])
            drawn.append(
                Drawn(Arm(row["arm"]), option, row["propensity"], logged["open"], logged["best"], row["has_answered"])
            )
        alarms = [] if report.plan is None else report.plan["alarms"]
        goal = await self._store.goal(tenant_id, campaign_id, campaign.goal, self._clock.now())
        return Evaluation(
            report.total, compare_goal(campaign.goal, goal), value_policies(drawn), alarms,
            await self._steps(tenant_id, campaign_id),
        )  # fmt: skip

    async def _steps(self, tenant_id: UUID, campaign_id: UUID) -> list[StepCalibration]:
        """Compare what was foreseen of the latest contacts with what became of them."""
        rows = await self._store.courses(tenant_id, campaign_id, self._clock.now(), CALIBRATED_MAX)
        rows = [row for row in readable(rows) if row["foreseen"] is not None]
        foreseen = [orjson.loads(row["foreseen"]) for row in rows]
        return calibrate_steps(to_courses(rows), foreseen)


def value_policies(drawn: list[Drawn]) -> list[Policy]:
    """Value even choice, each fixed channel and the model's own choice."""
    control = [one for one in drawn if one.arm is Arm.CONTROL]
    even = _even(control)
    policies = [_policy("even", "channel and hour drawn evenly among what is lawful", control, even)]
    for channel in Channel:
        words = f"always {channel.label}, at an even hour; where it is not lawful, as above"
        policies.append(_policy(channel.label, words, control, _only(even, channel - 1)))
    best = np.zeros((len(drawn), OPTIONS))
    best[np.arange(len(drawn)), [one.best for one in drawn]] = 1.0
    words = "channel and part of the day that the model liked best before it knew the answer"
    return [*policies, _policy("model", words, drawn, best)]


def _policy(name: str, words: str, drawn: list[Drawn], target: Matrix) -> Policy:
    if not drawn:
        return Policy(name, words, 0, None)
    log = LoggedChoices(
        option=np.array([one.option for one in drawn], dtype=np.int64),
        propensity=np.array([_propensity(one) for one in drawn]),
        reward=np.array([one.has_answered for one in drawn], dtype=np.float64),
    )
    return Policy(name, words, len(drawn), evaluate_policy(log, target))


def _propensity(one: Drawn) -> float:
    """Return the probability of the option: a control row's even draw among cells, summed over its cells."""
    return one.open[one.option] / sum(one.open) if one.arm is Arm.CONTROL else one.propensity


def _even(control: list[Drawn]) -> Matrix:
    cells = np.array([one.open for one in control], dtype=np.float64).reshape(-1, OPTIONS)
    share: Matrix = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1.0)
    return share


def _only(even: Matrix, channel: int) -> Matrix:
    """Keep one channel's options, even where it has none."""
    kept = np.where(channel == CHANNEL_OF_OPTION, even, 0.0)
    total = kept.sum(axis=1, keepdims=True)
    target: Matrix = np.where(total > 0.0, kept / np.where(total > 0.0, total, 1.0), even)
    return target
