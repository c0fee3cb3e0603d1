"""The page on disparity: do borrowers of some language or state fare otherwise? For compliance officers.

Rendered here and usable without scripts; it shows what the API shows, to a session of the same tenant.
"""

from __future__ import annotations

import uuid

from fastapi import APIRouter, Response
from fastapi.responses import RedirectResponse

from contact_scheduler.learning.disparity import BORROWERS_MIN, CONTACTS_MIN, OTHER
from contact_scheduler.web.access import Parts
from contact_scheduler.web.console import LANGUAGES, Session, find_person, render
from contact_scheduler.web.disparity import UNKNOWN, GroupView, report_disparity
from contact_scheduler.web.problems import Problem
from forbear_chassis.postgres import UUID

REST = {OTHER: "all smaller groups together", UNKNOWN: "not known"}

router = APIRouter(prefix="/console/disparity", include_in_schema=False)


@router.get("")
async def show_disparity_page(api: Parts, campaign: uuid.UUID, session: Session = None) -> Response:
    """Show one campaign's groups."""
    person = await find_person(api, session)
    if person is None:
        return RedirectResponse("/console", status_code=303)
    brand = await api.tenants.brand(person.tenant_id)
    chosen = await api.campaigns.find(person.tenant_id, UUID(campaign.bytes))
    try:
        found = await report_disparity(campaign, api, person)
    except Problem as problem:
        message = "You have no such campaign."
        status = problem.document.status
        return render("problem.html", status, brand=brand, message=message, title="Campaigns", back="/console")
    kinds = (
        ("language", found.language_summary, found.by_language, LANGUAGES | REST),
        ("state", found.region_summary, found.by_region, REST),
    )
    return render(
        "disparity.html", brand=brand, chosen=chosen, kinds=kinds, treatments=_treatments, now=api.clock.now(),
        contacts_min=CONTACTS_MIN, borrowers_min=BORROWERS_MIN,
    )  # fmt: skip


def _treatments(groups: list[GroupView]) -> list[str]:
    """Return the treatments that any group was given."""
    return sorted({name for group in groups for name in group.treatments})
