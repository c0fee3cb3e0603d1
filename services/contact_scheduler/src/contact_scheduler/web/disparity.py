"""`/v1/campaigns/{id}/disparity`: do borrowers of some language or state fare otherwise than the others?"""

from __future__ import annotations

import uuid

from fastapi import APIRouter
from pydantic import BaseModel, Field

from contact_scheduler.learning.disparity import Group, compare_groups
from contact_scheduler.store.disparity import tally_groups
from contact_scheduler.web.access import Parts, Reader
from contact_scheduler.web.problems import RESPONSES, not_found
from contact_scheduler.web.reports import RateView
from forbear_chassis.postgres import UUID

UNKNOWN = "unknown"
router = APIRouter(prefix="/v1", tags=["reports"], responses=RESPONSES)


class GroupView(BaseModel):
    """One group of borrowers beside all others."""

    group: str = Field(description="language or state as imported; unknown, or other: groups under 30 contacts")
    borrowers: int = Field(description="borrowers who were contacted")
    contacts_per_borrower: float = Field(description="contacts / borrowers")
    answered: RateView = Field(description="contacts and how many were answered")
    explored: float = Field(description="share of the contacts whose channel and hour were drawn by lot")
    treatments: dict[str, float] = Field(description="share of the contacts by treatment")
    is_answer_rate_unequal: bool | None = Field(description="differs from the others beyond chance; null: no others")
    is_contact_count_unequal: bool | None = Field(description="the same of the contacts per borrower")
    words: str = Field(description="the same in words")


class DisparityView(BaseModel):
    """The contacts that the plan chose, by groups. A list is empty while there are fewer than 30 contacts."""

    campaign_id: uuid.UUID = Field(description="the campaign")
    by_language: list[GroupView] = Field(description="by language, the largest first")
    by_region: list[GroupView] = Field(description="by state of the address, the largest first")


@router.get("/campaigns/{campaign_id}/disparity", summary="Compare languages and regions")
async def report_disparity(campaign_id: uuid.UUID, api: Parts, caller: Reader) -> DisparityView:
    """Compare borrowers by language and by state: contacts, answers, exploration, treatments. Control is left out."""
    known = UUID(campaign_id.bytes)
    if await api.campaigns.find(caller.tenant_id, known) is None:
        raise not_found()
    cells = await tally_groups(api.pool, caller.tenant_id, known)
    return DisparityView(
        campaign_id=campaign_id,
        by_language=[_view(one) for one in compare_groups((cell.language, cell.tally) for cell in cells)],
        by_region=[_view(one) for one in compare_groups((cell.region or UNKNOWN, cell.tally) for cell in cells)],
    )


def _view(group: Group) -> GroupView:
    tally, answered = group.tally, group.answered
    return GroupView(
        group=group.name, borrowers=tally.borrowers, contacts_per_borrower=tally.contacts / tally.borrowers,
        answered=RateView(
            contacts=answered.rows, answers=answered.positives, rate=answered.value, low=answered.low,
            high=answered.high,
        ),
        explored=tally.explored / tally.contacts,
        treatments={name: count / tally.contacts for name, count in sorted(tally.treatments.items())},
        is_answer_rate_unequal=group.is_answer_rate_unequal, is_contact_count_unequal=group.is_contact_count_unequal,
        words=group.words,
    )  # fmt: skip
