"""`/v1/campaigns/{id}/disparity`: do borrowers of some language or state fare otherwise than the others?"""

from __future__ import annotations

import uuid
from dataclasses import asdict

from fastapi import APIRouter
from pydantic import BaseModel, Field

from contact_scheduler.learning.disparity import Apart, Group, compare_groups, summarize
from contact_scheduler.store.disparity import tally_groups
from contact_scheduler.web.access import Parts, Reader
from contact_scheduler.web.problems import RESPONSES, not_found
from contact_scheduler.web.reports import RateView
from forbear_chassis.postgres import UUID

UNKNOWN = "unknown"
router = APIRouter(prefix="/v1", tags=["reports"], responses=RESPONSES)


class ApartView(BaseModel):
    """A group less the others; the intervals of all groups of a list hold together (95 %)."""

    difference: float = Field(description="this group less all others")
    low: float = Field(description="lower end of the interval")
    high: float = Field(description="upper end of it")


class GroupView(BaseModel):
    """One group of borrowers beside all others."""

    group: str = Field(description="language or state as imported; unknown, or other: groups under 30 contacts")
    borrowers: int = Field(description="borrowers who were contacted")
    contacts_per_borrower: float = Field(description="contacts / borrowers")
    answered: RateView = Field(description="contacts and how many were answered")
    explored: float = Field(description="share of the contacts whose channel and hour were drawn by lot")
    treatments: dict[str, float] = Field(description="share of the contacts by treatment")
    is_answer_rate_unequal: bool | None = Field(description="differs from the others beyond chance; null: no verdict")
    is_contact_count_unequal: bool | None = Field(description="the same of the contacts per borrower")
    answers_apart: ApartView | None = Field(description="answers per contact less the others'; null: too few to say")
    contacts_apart: ApartView | None = Field(description="contacts per borrower less the others'; null: too few to say")
    words: str = Field(description="the same in words")


class DisparityView(BaseModel):
    """The contacts that the plan chose, by groups. A list is empty while there are fewer than 30 contacts."""

    campaign_id: uuid.UUID = Field(description="the campaign")
    language_summary: str = Field(description="whether a language fares otherwise, in plain sentences")
    by_language: list[GroupView] = Field(description="by language, the largest first")
    region_summary: str = Field(description="the same of states")
    by_region: list[GroupView] = Field(description="by state of the address, the largest first")


@router.get("/campaigns/{campaign_id}/disparity", summary="Compare languages and regions")
async def report_disparity(campaign_id: uuid.UUID, api: Parts, caller: Reader) -> DisparityView:
    """Compare borrowers by language and by state: contacts, answers, exploration, treatments. Control is left out."""
    known = UUID(campaign_id.bytes)
    if await api.campaigns.find(caller.tenant_id, known) is None:
        raise not_found()
    cells = await tally_groups(api.pool, caller.tenant_id, known)
    languages = compare_groups((cell.language or UNKNOWN, cell.tally) for cell in cells)
    regions = compare_groups((cell.region or UNKNOWN, cell.tally) for cell in cells)
    return DisparityView(
        campaign_id=campaign_id,
        language_summary=summarize(languages), by_language=[_view(one) for one in languages],
        region_summary=summarize(regions), by_region=[_view(one) for one in regions],
    )  # fmt: skip


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
        is_answer_rate_unequal=_is_clear(group.answers_apart), is_contact_count_unequal=_is_clear(group.contacts_apart),
        answers_apart=_apart(group.answers_apart), contacts_apart=_apart(group.contacts_apart),
        words=group.words,
    )  # fmt: skip


def _is_clear(apart: Apart | None) -> bool | None:
    return None if apart is None else apart.is_clear


def _apart(apart: Apart | None) -> ApartView | None:
    return None if apart is None else ApartView(**asdict(apart))
