"""The analysts' console: one page, rendered here, refreshed in place where scripts run and usable where they do not.

People log in with an API key, which buys a session cookie; the key itself is not kept. Nothing is loaded from any
other host. Nothing can be changed from this page: campaigns are made, started and stopped on pages of their own
(`campaign_pages`), and so are cases (`case_pages`).
"""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta
from functools import cache
from importlib import resources
from typing import Annotated, Any

from fastapi import APIRouter, Cookie, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from contact_scheduler.compare_rules import RuleVerdict
from contact_scheduler.credentials import Caller, digest
from contact_scheduler.release_strategies import describe_standing, report_strategies
from contact_scheduler.report_campaign import Cell, Report
from contact_scheduler.web.access import Api, Parts
from contact_scheduler.web.campaign_words import SAID_OF_STATE, meaning_of, tell_plan
from forbear_domain.model import Channel

SESSION = timedelta(hours=12)
COOKIE = "forbear_session"
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
STATIC = {"console.css": "text/css", "console.js": "text/javascript", "icon.svg": "image/svg+xml"}
SHADES = 6  # steps of the heat map's scale
RATE_OF_DARKEST = 0.5
SOUGHT_AFTER = 5
SAID_OF_RULE = {
    RuleVerdict.LEARNED_BETTER: "learned is better",
    RuleVerdict.RULE_BETTER: "the rule is better",
    RuleVerdict.NOT_TOLD_APART: "cannot be told apart",
    RuleVerdict.TOO_FEW: "too few contacts to tell",
}

LANGUAGES = {
    "en": "English", "es": "Spanish", "zh-Hans": "Chinese, simplified", "zh-Hant": "Chinese, traditional",
}  # fmt: skip

Session = Annotated[str | None, Cookie(alias=COOKIE)]

router = APIRouter(prefix="/console", include_in_schema=False)


@router.get("")
async def show_console(api: Parts, session: Session = None, campaign: uuid.UUID | None = None) -> Response:
    """Show the login form, or the campaigns of the session's tenant with one of them in full."""
    person = await find_person(api, session)
    if person is None:
        return render("login.html", error="")
    tenant_id = person.tenant_id
    campaigns = await api.campaigns.list(tenant_id)
    chosen = next((one for one in campaigns if campaign is None or one.campaign_id == campaign), None)
    if campaign is not None and chosen is None:
        return render(
            "problem.html", 404, brand=await api.tenants.brand(tenant_id), message="You have no such campaign.",
            title="Campaigns", back="/console",
        )  # fmt: skip
    report = None if chosen is None else await api.report.run(chosen)
    evaluation = None if chosen is None else await api.evaluate.run(chosen)
    async with api.pool.acquire() as connection:
        strategies = await report_strategies(connection, tenant_id, api.clock.now(), api.costs)
    return render(
        "console.html", strategies=strategies,
        deciding=describe_standing(strategies.standing, strategies.record),
        brand=await api.tenants.brand(tenant_id), now=api.clock.now(),
        campaigns=campaigns, chosen=chosen, report=report, evaluation=evaluation, heat=_heat(report),
        sought_after=_sought_after(report), said_of_rule=SAID_OF_RULE,
        may_work="cases" in person.scopes, may_write="write" in person.scopes,
        said_of_state={state.label: words for state, words in SAID_OF_STATE.items()},
        channels=[channel.label for channel in Channel],
    )  # fmt: skip


@router.post("/login")
async def log_in(request: Request, api: Parts, key: Annotated[str, Form(max_length=200)]) -> Response:
    """Open a session for a valid key."""
    caller = await api.tenants.find_caller(digest(key.strip()))
    if caller is None or "read" not in caller.scopes:
        return render("login.html", status=401, error="This key is not valid. Check that it was copied completely.")
    token, now = secrets.token_urlsafe(32), api.clock.now()
    await api.tenants.open_session(digest(token), caller, now + SESSION, now)
    response = RedirectResponse("/console", status_code=303)
    is_secure = request.url.scheme == "https" or request.headers.get("x-forwarded-proto") == "https"
    response.set_cookie(
        COOKIE, token, max_age=int(SESSION.total_seconds()), path="/console", secure=is_secure, httponly=True,
        samesite="strict",
    )  # fmt: skip
    return response


@router.post("/logout")
async def log_out(api: Parts, session: Session = None) -> Response:
    """End the session."""
    if session is not None:
        await api.tenants.close_session(digest(session))
    response = RedirectResponse("/console", status_code=303)
    response.delete_cookie(COOKIE, path="/console")
    return response


@router.get("/static/{name}")
async def serve_static(name: str) -> Response:
    """Serve style, script and icon."""
    if name not in STATIC:
        return Response(status_code=404)
    return Response(_static(name), media_type=STATIC[name], headers={"Cache-Control": "max-age=3600"})


async def find_person(api: Api, session: str | None) -> Caller | None:
    """Return whose session it is, while it is open."""
    return None if session is None else await api.tenants.find_session(digest(session), api.clock.now())


def render(name: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page of the console with its headers."""
    return HTMLResponse(_template(name).render(**values), status, SECURITY_HEADERS)


@cache
def _template(name: str) -> Template:
    environment = Environment(
        loader=PackageLoader("contact_scheduler.web"), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    environment.filters["instant"] = lambda at: at.strftime("%Y-%m-%d %H:%M")
    environment.filters["plain"] = lambda name: name.replace("_", " ")
    environment.filters["percent"] = lambda value: f"{value * 100:.1f} %"
    environment.filters["points"] = lambda value: f"{round(value * 100, 1) + 0.0:+.1f}"
    environment.filters["language"] = lambda tag: LANGUAGES.get(tag, tag)
    environment.filters["plan"] = tell_plan
    environment.filters["meaning"] = meaning_of
    environment.filters["count"] = lambda value: f"{value:,}"
    return environment.get_template(name)


@cache
def _static(name: str) -> bytes:
    return (resources.files("contact_scheduler.web") / "static" / name).read_bytes()


def _sought_after(report: Report | None) -> list[dict[str, Any]]:
    """Return the places of the last plan where one more contact would bring most: channel, hour, price."""
    if report is None or report.plan is None:
        return []
    places = [
        {"channel": channel.label, "at": report.plan["horizon_at"] + timedelta(hours=hour), "price": price}
        for channel, prices in zip(Channel, report.plan["prices"], strict=True)
        for hour, price in enumerate(prices)
        if price > 0.0
    ]
    return sorted(places, key=lambda place: -place["price"])[:SOUGHT_AFTER]


def _heat(report: Report | None) -> dict[str, list[dict[str, Any]]]:
    """Return 24 cells for each channel: hour, rate, contacts, shade 0 (none) to SHADES."""
    known = {} if report is None else {(cell.channel, cell.hour): cell for cell in report.cells}
    return {channel.label: [_cell(known.get((channel, hour)), hour) for hour in range(24)] for channel in Channel}


def _cell(cell: Cell | None, hour: int) -> dict[str, Any]:
    if cell is None:
        return {"hour": hour, "rate": 0.0, "contacts": 0, "shade": 0}
    shade = 1 + min(SHADES - 1, int(cell.rate.value / RATE_OF_DARKEST * SHADES))
    return {"hour": hour, "rate": cell.rate.value, "contacts": cell.rate.rows, "shade": shade}
