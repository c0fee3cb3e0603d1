"""What did learning bring? The learned plan beside the control group, and what other policies would have brought.

The lift compares contacts that were really made; `value_policies` and `compare_rules` estimate what nobody followed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
import orjson

from contact_scheduler.campaigns import Campaign
from contact_scheduler.compare_rules import RulesCompared, compare_rules
from contact_scheduler.evaluate_goal import ContactEffect, GoalReached, compare_contact
from contact_scheduler.learn_funnel import readable, to_courses
from contact_scheduler.learning.assign import Arm
from contact_scheduler.learning.calibration import StepCalibration, calibrate_steps
from contact_scheduler.learning.explore import option_of
from contact_scheduler.learning.lift import Lift
from contact_scheduler.learning.monitor import Alarm
from contact_scheduler.report_campaign import ReportCampaign
from contact_scheduler.store.reports import ReportStore
from contact_scheduler.trying import Trying, count_trying
from contact_scheduler.value_policies import Drawn, Policy, value_policies
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import UUID

CALIBRATED_MAX: Final = 5_000  # the latest contacts whose forecasts are compared with facts, for each window


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Learned beside control, by answers and by the goal; policies and rules by estimate; forecasts; alarms.

    `contact` sets contact beside none; None where the campaign leaves nobody alone by lot.
    """

    lift: Lift
    goal: GoalReached
    policies: list[Policy]
    rules: RulesCompared
    alarms: list[Alarm]
    steps: list[StepCalibration] = field(default_factory=list)
    contact: ContactEffect | None = None
    trying: Trying = field(default_factory=lambda: count_trying([]))

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
        report = await self._report.run(campaign)
        rows = await self._store.drawn(tenant_id, campaign_id, self._clock.now())
        drawn, given_up = [], []
        for row in rows:
            logged = orjson.loads(row["drawn"])
            given_up.append((Arm(row["arm"]), row["borrower"], logged.get("lost", 0.0)))
            option = int(option_of(np.array([row["channel"] - 1]), np.array([row["slot"]]))[0])
            drawn.append(
                Drawn(
                    Arm(row["arm"]), option, row["propensity"], logged["open"], logged["best"], row["has_answered"],
                    row["borrower"],
                )
            )  # fmt: skip
        alarms = [] if report.plan is None else report.plan["alarms"]
        return Evaluation(
            report.total, report.goal, value_policies(drawn),
            compare_rules(drawn, report.total.learned), alarms, await self._steps(tenant_id, campaign_id),
            await self._contact(campaign), count_trying(given_up),
        )  # fmt: skip

    async def _contact(self, campaign: Campaign) -> ContactEffect | None:
        """Compare those who could be contacted with those left alone, where the campaign leaves somebody alone."""
        if not campaign.left_alone_share:
            return None
        rows = await self._store.contact_effect(
            campaign.tenant_id, campaign.campaign_id, campaign.goal, self._clock.now()
        )
        return compare_contact(campaign.goal, rows)

    async def _steps(self, tenant_id: UUID, campaign_id: UUID) -> list[StepCalibration]:
        """Compare what was foreseen of the latest contacts with what became of them."""
        rows = await self._store.courses(tenant_id, campaign_id, self._clock.now(), CALIBRATED_MAX)
        rows = [row for row in readable(rows) if row["foreseen"] is not None]
        foreseen = [orjson.loads(row["foreseen"]) for row in rows]
        return calibrate_steps(to_courses(rows), foreseen)
