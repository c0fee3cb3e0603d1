"""The pages on which people make a campaign, rehearse it, start it and stop it.

Rendered here and usable without scripts, for sessions of a key with the scope `write`; others see the settings. Each
form carries the id of its request, so that a double click makes one campaign; the session's cookie is never sent from
another site. What is asked for, and what is said against it, is the API's (`campaign_form`).
"""

from __future__ import annotations

import uuid
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse

from contact_scheduler.campaigns import TRANSITIONS, Campaign, Verb
from contact_scheduler.credentials import Caller
from contact_scheduler.web import rehearsal
from contact_scheduler.web.access import Api, Parts
from contact_scheduler.web.campaign_form import FIELDS, Values, blank, check, filled, read
from contact_scheduler.web.campaigns import CampaignBody, change_campaign, draft_of, to_view
from contact_scheduler.web.console import Session, find_person, render
from contact_scheduler.web.problems import FieldError, Problem
from forbear_chassis.postgres import UUID

DONE = {
    "create": "The draft is kept. Nobody is contacted before it is started.",
    Verb.START: "It is started: the first plan is made now, or when it begins.",
    Verb.PAUSE: "It is paused: what was released and not sent is taken back.",
    Verb.RESUME: "It goes on.",
    Verb.CANCEL: "It is cancelled for good.",
}
NO_CAMPAIGN = "You have no such campaign."
READS_ONLY = "This key may not make or change campaigns: it lacks the scope “write”. Log in with one that has it."

router = APIRouter(prefix="/console/campaigns", include_in_schema=False)


@router.get("/new")
async def show_form(api: Parts, session: Session = None) -> Response:
    """Show an empty form."""
    person = await find_person(api, session)
    if person is None or "write" not in person.scopes:
        return await _turned_away(api, person)
    return await _form(api, person, uuid.uuid4(), blank(), [])


@router.post("/new")
async def create(request: Request, api: Parts, session: Session = None) -> Response:
    """Keep a draft, or show the form again with what is to be mended."""
    person = await find_person(api, session)
    if person is None or "write" not in person.scopes:
        return await _turned_away(api, person)
    posted = await request.form()
    values = read({name: [str(value) for value in posted.getlist(name)] for name in posted})
    request_id = _id_of(str(posted.get("request_id", "")))
    found = check(values)
    if not isinstance(found, CampaignBody):
        return await _form(api, person, request_id, values, found)
    key = f"console:{request_id}:{found.model_dump_json()}"  # what was changed after going back is another campaign
    campaign = draft_of(found, person.tenant_id, key, api.clock.now())
    async with api.pool.acquire() as connection, connection.transaction():
        await api.manage_campaigns.create(connection, campaign)
    return RedirectResponse(f"/console/campaigns/{campaign.campaign_id}?done=create", status_code=303)


@router.get("/{campaign_id}")
async def show(
    campaign_id: uuid.UUID, api: Parts, session: Session = None, done: str = "", rehearse: bool = False
) -> Response:
    """Show a campaign's settings, on demand what its first day would bring, and what can be done with it."""
    person = await find_person(api, session)
    if person is None:
        return RedirectResponse("/console", status_code=303)
    return await _page(api, person, campaign_id, notice=DONE.get(done, ""), rehearse=rehearse)


@router.post("/{campaign_id}")
async def change(
    campaign_id: uuid.UUID, verb: Annotated[Verb, Form()], api: Parts, session: Session = None
) -> Response:
    """Start, pause, resume or cancel a campaign, and show it again."""
    person = await find_person(api, session)
    if person is None or "write" not in person.scopes:
        return await _turned_away(api, person)
    try:
        await change_campaign(campaign_id, verb, api, person)
    except Problem as problem:
        return await _page(api, person, campaign_id, error=problem)
    return RedirectResponse(f"/console/campaigns/{campaign_id}?done={verb}", status_code=303)


async def _form(
    api: Api, person: Caller, request_id: uuid.UUID, values: Values, errors: list[FieldError]
) -> Response:  # fmt: skip
    return render(
        "campaign_form.html", 422 if errors else 200, brand=await api.tenants.brand(person.tenant_id), fields=FIELDS,
        values=values, errors=errors, error_of={one.field: one.mend for one in errors}, request_id=request_id,
        label_of={one.path: one.label for group in FIELDS.values() for one in group},
    )  # fmt: skip


async def _page(
    api: Api, person: Caller, campaign_id: uuid.UUID, *, notice: str = "", error: Problem | None = None,
    rehearse: bool = False,
) -> Response:  # fmt: skip
    campaign = await api.campaigns.find(person.tenant_id, UUID(campaign_id.bytes))
    if campaign is None:
        return await _problem(api, person, 404, NO_CAMPAIGN)
    told = rehearsal.to_view(campaign_id, await api.rehearse.of(campaign)) if rehearse else None
    status, detail = (200, "") if error is None else (error.document.status, error.document.detail)
    return render(
        "campaign.html", status, brand=await api.tenants.brand(person.tenant_id), chosen=campaign, fields=FIELDS,
        values=filled(to_view(campaign)), verbs=_verbs(person, campaign), notice=notice, error=detail, told=told,
    )  # fmt: skip


def _verbs(person: Caller, campaign: Campaign) -> list[Verb]:
    """Return what this person can do with a campaign as it stands."""
    return [
        verb for verb, (sources, _) in TRANSITIONS.items() if campaign.state in sources and "write" in person.scopes
    ]


async def _turned_away(api: Api, person: Caller | None) -> Response:
    if person is None:
        return RedirectResponse("/console", status_code=303)
    return await _problem(api, person, 403, READS_ONLY)


async def _problem(api: Api, person: Caller, status: int, message: str) -> Response:
    brand = await api.tenants.brand(person.tenant_id)
    return render("problem.html", status, brand=brand, message=message, title="Campaigns", back="/console")


def _id_of(text: str) -> uuid.UUID:
    try:
        return uuid.UUID(text)
    except ValueError:
        return uuid.uuid4()
