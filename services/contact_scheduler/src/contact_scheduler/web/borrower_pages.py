"""The page of one borrower: the next contact with what is expected of it and why, what bars contact, what was done.

For analysts and compliance officers. Rendered here and usable without scripts; it shows what the API shows, with
addresses masked, to a session of the same tenant.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import RedirectResponse

from contact_scheduler.web.access import Parts
from contact_scheduler.web.borrowers import NextContactView, explain_next_contact, show_borrower
from contact_scheduler.web.console import Session, find_person, render
from contact_scheduler.web.problems import Problem

STEPS = (
    ("delivered", "delivered; a call: taken, if only by a machine"),
    ("answered", "answered within two days"),
    ("right_party", "by the right person"),
    ("promise", "a promise or an arrangement within a week"),
    ("payment", "a payment within two weeks"),
    ("anyway", "a payment without an answer, by such borrowers"),
)

router = APIRouter(prefix="/console/borrowers", include_in_schema=False)


@router.get("")
async def show_borrower_page(
    api: Parts, ref: Annotated[str, Query(max_length=128)] = "", session: Session = None
) -> Response:
    """Show one borrower by the tenant's reference."""
    person = await find_person(api, session)
    if person is None:
        return RedirectResponse("/console", status_code=303)
    brand = await api.tenants.brand(person.tenant_id)
    try:
        borrower = await show_borrower(ref.strip(), api, person)
        following = await explain_next_contact(ref.strip(), api, person)
    except Problem as problem:
        message = "You have no borrower with this reference. Check that it was copied completely."
        status = problem.document.status
        return render("problem.html", status, brand=brand, message=message, title="Campaigns", back="/console")
    return render("borrower.html", brand=brand, borrower=borrower, next=following, steps=_steps(following))


def _steps(following: NextContactView) -> list[tuple[str, float | None, float | None]]:
    """Return each step with its chance when planned and by what is known now; nothing where none is foreseen."""
    planned, now = following.expected, following.expected_now
    if planned is None and now is None:
        return []
    return [(words, getattr(planned, name, None), getattr(now, name, None)) for name, words in STEPS]
