"""A campaign made, rehearsed, started and stopped on the console's pages: the API's fields, rules and errors."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from playwright.async_api import Page
from pydantic import BaseModel

from contact_scheduler.credentials import digest
from contact_scheduler.store.tenants import TenantStore
from contact_scheduler.web.campaign_form import INPUTS
from contact_scheduler.web.campaigns import CampaignBody
from forbear_chassis.http import App, HttpServer
from tests.integration.scheduler.scheduler_stage import KEY, OTHER_KEY, Scheduler
from tests.kit.browser import barriers
from tests.kit.browser import chromium as chromium
from tests.kit.browser import page as page

pytestmark = pytest.mark.needs_postgres
NEW = "/console/campaigns/new"
READERS_KEY = "fbk_of_a_reader"
WRONG = {
    "left_alone_share": "0.5", "control_share": "many", "cadence.rest_days": "0", "audience.regions": "NY, zz",
    "budget_a_day": "-1", "hours.end": "25", "starts_at": "tomorrow", "name": "",
}  # fmt: skip


@pytest.fixture
async def analyst(scheduler: Scheduler) -> AsyncIterator[httpx.AsyncClient]:
    """A browser's session of a key that may write; no key comes with its requests."""
    async with browse(scheduler, KEY) as client:
        yield client


def browse(scheduler: Scheduler, key: str) -> httpx.AsyncClient:
    """Return a client that has logged in with a key as soon as it is first used."""

    async def log_in(request: httpx.Request) -> None:
        if request.url.path != "/console/login" and "cookie" not in request.headers:
            await client.post("/console/login", data={"key": key})
            request.headers["cookie"] = "; ".join(f"{name}={value}" for name, value in client.cookies.items())

    client = httpx.AsyncClient(
        transport=httpx.ASGITransport(app=scheduler.app), base_url="http://scheduler", event_hooks={"request": [log_in]}
    )
    return client


async def filled_in(client: httpx.AsyncClient, **changes: Any) -> dict[str, Any]:
    """Return the form as it comes, with its defaults and the id of its request, and these changes."""
    found = await client.get(NEW)
    assert found.status_code == 200
    fields: dict[str, Any] = dict(re.findall(r'<input [^>]*?name="([\w.]+)" value="([^"]*)"', found.text))
    fields |= {"goal": "payment", "channels": ["sms", "email", "voice"], "audience.products": [], "name": "Spring"}
    return {**fields, "audience.languages": [], **changes}


def api_fields(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Yield the paths of all fields that the API takes."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from api_fields(field.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name


def test_the_form_has_every_field_that_the_api_takes() -> None:
    """A field that is added to the API and forgotten on the form fails here."""
    assert sorted(api_fields(CampaignBody)) == sorted(one.path for one in INPUTS)


async def test_an_untouched_form_makes_the_campaign_that_a_bare_name_makes(
    scheduler: Scheduler, analyst: httpx.AsyncClient
) -> None:
    """Its defaults are those of the API; what is filled in arrives as the API would have taken it; nobody is met."""
    bare = (await scheduler.http.post("/v1/campaigns", json={"name": "Spring"})).json()
    plain = await analyst.post(NEW, data=await filled_in(analyst))
    changes = {
        "goal": "promise", "channels": ["email"], "audience.products": ["mortgage"], "audience.regions": "ny, CA",
        "audience.languages": ["es", "zh-Hant"], "audience.past_due_days_max": "90", "left_alone_share": "0.15",
        "control_share": "0.2", "budget_a_day": "12.5", "hours.start": "10", "cadence.rest_days": "4.5",
        "starts_at": "2026-04-01T09:30", "ends_at": "2026-05-01T00:00",
    }  # fmt: skip
    full = await analyst.post(NEW, data=await filled_in(analyst, **changes))
    made = [
        (await scheduler.http.get(f"/v1/campaigns/{answer.headers['location'][19:55]}")).json()
        for answer in (plain, full)
    ]

    assert bare | {"campaign_id": 0} == made[0] | {"campaign_id": 0}
    assert {
        "goal": "promise", "channels": ["email"], "left_alone_share": 0.15, "control_share": 0.2, "budget_a_day": 12.5,
        "starts_at": "2026-04-01T09:30:00Z", "ends_at": "2026-05-01T00:00:00Z", "hours": {"start": 10, "end": 21},
        "cadence": {"rest_days": 4.5, "contacts_a_week_max": 2}, "state": "draft",
    }.items() <= made[1].items()  # fmt: skip
    assert ["NY", "CA"] == made[1]["audience"]["regions"]
    assert (["es", "zh-Hant"], 90) == (made[1]["audience"]["languages"], made[1]["audience"]["past_due_days_max"])


async def test_what_the_api_refuses_the_form_refuses_in_the_same_words_and_keeps_what_was_filled_in(
    scheduler: Scheduler, analyst: httpx.AsyncClient
) -> None:
    """Each error stands beside its field; nothing is kept, and no word of the borrower's or the person's is markup."""
    nested: dict[str, Any] = {"audience": {"regions": ["NY", "ZZ"]}, "cadence": {}, "hours": {}}
    for path, value in WRONG.items():
        parent, _, name = path.rpartition(".")
        if path != "audience.regions":
            (nested[parent] if parent else nested)[name] = value
    told = (await scheduler.http.post("/v1/campaigns", json=nested)).json()["errors"]
    answer = await analyst.post(NEW, data=await filled_in(analyst, **WRONG, goal="<b>riches</b>"))
    order = await analyst.post(NEW, data=await filled_in(analyst, **{"hours.start": "12", "hours.end": "9"}))

    shown = dict(re.findall(r'class="mend" id="([\w.]+)-error">([^<]*)<', answer.text))
    assert {**WRONG, "goal": ""}.keys() == shown.keys()
    said = {one["field"].removesuffix(".1"): one["mend"] for one in told}
    assert {path: said[path] for path in WRONG if path != "audience.regions"} == {
        path: mend for path, mend in shown.items() if path not in ("audience.regions", "goal")
    }
    assert f"entry 2: {said['audience.regions']}" == shown["audience.regions"]
    assert (422, 422) == (answer.status_code, order.status_code)
    assert 'value="NY, zz"' in answer.text
    assert "<b>riches" not in answer.text
    assert "&#34;First hour&#34; must be before &#34;First hour that is too late&#34;" in order.text
    assert [] == (await scheduler.http.get("/v1/campaigns")).json()


async def test_a_form_sent_twice_makes_one_campaign_and_a_changed_one_another(
    scheduler: Scheduler, analyst: httpx.AsyncClient
) -> None:
    """A double click leads to the same draft; going back, changing a field and sending again is no double click."""
    form = await filled_in(analyst)
    answers = [await analyst.post(NEW, data=one) for one in (form, form, form | {"control_share": "0.2"})]

    places = [answer.headers["location"] for answer in answers]
    assert [303, 303, 303] == [answer.status_code for answer in answers]
    assert places[0] == places[1] != places[2]
    assert [0.1, 0.2] == sorted(one["control_share"] for one in (await scheduler.http.get("/v1/campaigns")).json())


async def test_who_may_only_read_and_who_belongs_to_another_tenant_change_nothing(
    scheduler: Scheduler, analyst: httpx.AsyncClient
) -> None:
    """A reader sees the settings without a button; a stranger's campaign looks like none; without a session: login."""
    await TenantStore(scheduler.pool).add_key(
        digest(READERS_KEY), scheduler.tenant_id, "reader", ["read"], scheduler.clock.now()
    )
    form = await filled_in(analyst)
    path = (await analyst.post(NEW, data=form)).headers["location"].partition("?")[0]
    async with browse(scheduler, READERS_KEY) as reader, browse(scheduler, OTHER_KEY) as stranger:
        seen = await reader.get(path)
        refused = [
            await reader.get(NEW),
            await reader.post(NEW, data=form),
            await reader.post(path, data={"verb": "start"}),
        ]
        foreign = [await stranger.get(path), await stranger.post(path, data={"verb": "start"})]
        front = await reader.get("/console")
    unknown = httpx.AsyncClient(transport=httpx.ASGITransport(app=scheduler.app), base_url="http://scheduler")
    async with unknown as nobody:
        sent_away = [
            await nobody.get(NEW),
            await nobody.post(NEW, data=form),
            await nobody.post(path, data={"verb": "start"}),
        ]

    assert (200, False) == (seen.status_code, "Start it" in seen.text)
    assert [403, 403, 403] == [answer.status_code for answer in refused]
    assert all("it lacks the scope" in answer.text for answer in refused)
    assert [404, 404] == [answer.status_code for answer in foreign]
    assert NEW not in front.text
    assert ["/console"] * 3 == [answer.headers["location"] for answer in sent_away]
    assert ["draft"] == [one["state"] for one in (await scheduler.http.get("/v1/campaigns")).json()]


@pytest.mark.needs_browser
async def test_an_analyst_makes_mends_rehearses_starts_and_pauses_a_campaign(
    scheduler: Scheduler, page: Page, portfolio: str, tmp_path: Path
) -> None:
    """In a browser, light and wide, dark and narrow, with axe looking on; the rehearsal's figures are the API's."""
    await scheduler.upload(portfolio)
    http = HttpServer(cast("App", scheduler.app), "127.0.0.1:0")
    await http.start()
    found: list[list[str]] = []
    wide: list[int] = []

    async def look(name: str) -> None:
        for scheme, width in (("light", 1280), ("dark", 400)):
            await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            await page.set_viewport_size({"width": width, "height": 900})
            await page.screenshot(path=tmp_path / f"{name}-{scheme}-{width}.png", full_page=True)
            found.append(await barriers(page))
            wide.append(await page.evaluate("document.documentElement.scrollWidth") - width)

    await page.goto(f"http://127.0.0.1:{http.port}/console")
    await page.get_by_label("API key").fill(KEY)
    await page.get_by_role("button", name="Log in").click()
    await page.get_by_role("link", name="New campaign").click()
    await page.get_by_label("Name").fill("Spring")
    await page.get_by_label("Share left alone by lot").fill("0.3")
    await page.get_by_role("button", name="Keep the draft").click()
    alert = await page.get_by_role("alert").inner_text()
    await look("mend")
    await page.get_by_label("Share left alone by lot").fill("0.1")
    await page.get_by_role("button", name="Keep the draft").click()
    await page.get_by_role("status").wait_for()
    await page.get_by_role("button", name="Rehearse it").click()
    rehearsal = await page.get_by_role("region", name="If it were started now").inner_text()
    await look("draft")
    campaign = (await scheduler.http.get("/v1/campaigns")).json()[0]
    told = (await scheduler.http.get(f"/v1/campaigns/{campaign['campaign_id']}/preflight")).json()
    await page.get_by_role("button", name="Start it").click()
    await page.get_by_text("It is started").wait_for()
    await scheduler.run_plan()
    await page.get_by_role("button", name="Pause it").click()
    await page.get_by_text("It is paused").wait_for()
    await page.get_by_role("link", name="What it brings").click()
    await page.get_by_role("heading", name="Spring: contacts by channel and state").wait_for()
    await look("console")
    await http.stop(1.0)

    assert "Share left alone by lot: input should be less than or equal to 0.2" in alert
    assert [[]] * 6 == found
    assert 0 == max(wide)
    assert f"{told['planned']} of {told['audience']} borrowers" in rehearsal
    assert told["planned"] > 0
    after = (await scheduler.http.get(f"/v1/campaigns/{campaign['campaign_id']}")).json()
    assert ("Spring", 0.1, "paused") == (after["name"], after["left_alone_share"], after["state"])
    assert told["planned"] == await scheduler.count("SELECT count(*) FROM contact")
