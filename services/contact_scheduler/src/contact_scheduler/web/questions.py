"""`/v1/questions`: borrowers whom nobody may contact until the tenant says what only the tenant knows."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from contact_scheduler.ask_tenant import SUPPLY, AskTenant
from contact_scheduler.web.access import Parts, Reader
from contact_scheduler.web.problems import RESPONSES

router = APIRouter(prefix="/v1", tags=["questions"], responses=RESPONSES)
ReasonName = Literal["place_unknown", "phone_region_unknown", "no_common_hour", "address_shared", "address_moved"]


class QuestionView(BaseModel):
    """One question about one borrower."""

    borrower_ref: str = Field(description="your reference")
    reason: ReasonName = Field(description="what is in the way")
    channel: Literal["sms", "email", "voice"] | None = Field(description="whose address it is about; absent: the place")
    is_unreachable: bool = Field(description="nobody may contact the borrower at all until this is answered")
    rests_until: datetime | None = Field(
        description="until when the gate uses an address for nobody that was another borrower's just before"
    )
    supply: str = Field(description="what to give in the next import, which closes the question")


class QuestionsView(BaseModel):
    """Questions by borrower, about a thousand at a time."""

    questions: list[QuestionView] = Field(description="the questions")
    next_after: str = Field(description="give it as `after` for the next page; empty on the last")


@router.get("/questions", summary="List borrowers whom nobody may contact for want of an answer")
async def list_questions(
    api: Parts,
    caller: Reader,
    after: Annotated[str, Query(max_length=64, description="`next_after` of the page before")] = "",
) -> QuestionsView:
    """List what stands in the way of contacting a borrower and can be mended by an import. Addresses are not shown."""
    found, following = await AskTenant(api.pool, api.clock).run(caller.tenant_id, after)
    return QuestionsView(
        questions=[
            QuestionView(
                borrower_ref=one.borrower_ref, reason=one.reason.value,
                channel=None if one.channel is None else one.channel.label,  # type: ignore[arg-type]
                is_unreachable=one.is_unreachable, rests_until=one.rests_until, supply=SUPPLY[one.reason],
            )
            for one in found
        ],
        next_after=following,
    )  # fmt: skip
