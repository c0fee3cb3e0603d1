"""`POST /v1/borrowers/{ref}:erase`: deletion of personal data, and what law still keeps."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from contact_scheduler.store import erasures
from contact_scheduler.store.erasures import ErasureRow
from contact_scheduler.web.access import Parts, Reader, Writer
from contact_scheduler.web.problems import RESPONSES, not_found
from forbear_chassis.postgres import UUID
from forbear_domain import ids

router = APIRouter(prefix="/v1/borrowers", tags=["borrowers"], responses=RESPONSES)


class ErasureView(BaseModel):
    """How far an erasure is."""

    state: Literal["pending", "kept_by_law", "erased"] = Field(
        description="pending: erased here, the other services have still to answer; kept_by_law: until "
        "`evidence_until` the evidence stays readable to auditors; erased: nobody can read it"
    )
    asked_at: datetime = Field(description="when it was first asked for")
    asked_by: str = Field(description="name of the API key that asked")
    evidence_until: datetime | None = Field(description="until when law keeps the evidence; absent where none is kept")


@router.post("/{borrower_ref}:erase", summary="Erase a borrower", status_code=202)
async def erase_borrower(borrower_ref: str, api: Parts, caller: Writer) -> ErasureView:
    """Delete the personal data of a borrower and never contact them again. It cannot be undone; repeating is harmless.

    What is known here goes at once. Evidence of contacts made is kept as long as law asks for it and is erased then;
    what the borrower wrote with it. The proofs of the ledger stay valid.
    """
    borrower_id = UUID(ids.borrower_id(caller.tenant_id, borrower_ref).bytes)
    async with api.pool.acquire() as connection, connection.transaction():
        row = await api.erase_borrower.run(connection, caller.tenant_id, borrower_id, caller.key_name, api.clock.now())
    if row is None:
        raise not_found()
    api.erase_borrower.wake()
    return _view(row, api.clock.now())


@router.get("/{borrower_ref}/erasure", summary="Show how far an erasure is")
async def show_erasure(borrower_ref: str, api: Parts, caller: Reader) -> ErasureView:
    """Show the erasure of a borrower."""
    borrower_id = UUID(ids.borrower_id(caller.tenant_id, borrower_ref).bytes)
    row = await erasures.find(api.pool, caller.tenant_id, borrower_id)
    if row is None:
        raise not_found()
    return _view(row, api.clock.now())


def _view(row: ErasureRow, now: datetime) -> ErasureView:
    state: Literal["pending", "kept_by_law", "erased"] = "pending"
    if row.handed_over_at is not None:
        state = "kept_by_law" if row.evidence_until is not None and now < row.evidence_until else "erased"
    return ErasureView(state=state, asked_at=row.asked_at, asked_by=row.asked_by, evidence_until=row.evidence_until)
