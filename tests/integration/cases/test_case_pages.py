"""The queue of people in a real browser: from the login to the ledger, by keyboard and with axe looking on."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Page

from tests.integration.cases.conftest import ANAS_KEY, PROGRAM_KEY, Desk
from tests.kit.browser import barriers
from tests.kit.browser import chromium as chromium
from tests.kit.browser import page as page

pytestmark = [pytest.mark.needs_postgres, pytest.mark.needs_browser]


async def log_in(page: Page, desk: Desk, key: str = ANAS_KEY) -> None:
    """Log in with somebody's key and go to the cases."""
    await page.goto(f"{desk.url}/console")
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Log in").click()
    await page.goto(f"{desk.url}/console/cases")


async def test_a_person_takes_a_case_reads_the_story_and_gives_the_borrower_back(
    desk: Desk, page: Page, tmp_path: Path
) -> None:
    """Overdue stands first and says so; the words are there; each act is done once and stands under Ana's name."""
    await desk.hear("I never took out this loan")
    await desk.world.text("I want to end my life")
    await desk.world.advance(timedelta(minutes=20))
    await log_in(page, desk)
    rows = page.locator("tbody tr")
    order = [await rows.nth(number).get_by_role("cell").first.inner_text() for number in range(await rows.count())]
    in_queue = await barriers(page)
    await page.screenshot(path=tmp_path / "cases.png", full_page=True)

    await rows.first.get_by_role("link", name="b-1").click()
    await page.get_by_role("button", name="Take the case").click()
    await page.get_by_role("status").wait_for()
    story = await page.get_by_role("region", name="The whole story").inner_text()
    on_case = await barriers(page)
    await page.screenshot(path=tmp_path / "case.png", full_page=True)
    await page.get_by_label("Lift a bar").select_option(label="distress: spoken with borrower")
    await page.get_by_label("Note: how you know").fill("Spoke for half an hour; her sister is with her")
    await page.get_by_role("button", name="Lift it").click()
    await page.get_by_role("status").wait_for()
    await page.get_by_label("Close the case").select_option("returned")
    await page.get_by_label("Note: what was done, and why").fill("She is safe")
    await page.get_by_role("button", name="Close it").click()
    refusal = await page.get_by_role("alert").inner_text()
    await page.get_by_label("Close the case").select_option("resolved")
    await page.get_by_label("Note: what was done, and why").fill("She is safe")
    await page.get_by_role("button", name="Close it").click()
    await page.get_by_role("status").wait_for()
    await desk.world.pump()

    assert ["distress", "dispute", "verification"] == order
    assert "I want to end my life" in story
    assert "I never took out this loan" in story
    assert ([], []) == (in_queue, on_case)
    assert "other cases of this borrower wait (dispute, verification)" in refusal
    acts = [(one.person, one.act) for one in desk.world.dispatcher.statements if one.person]
    assert [("Ana Ruiz", "claim"), ("Ana Ruiz", "lift"), ("Ana Ruiz", "close")] == acts
    assert ["dispute", "verification"] == await desk.world.cases()


async def test_words_of_borrowers_cannot_become_markup(desk: Desk, page: Page) -> None:
    """Neither a script nor an image nor a form; right-to-left words turn no other line around."""
    words = "<script>alert(1)</script><img src=x onerror=alert(2)><form action=//evil.example>\u202eabc"
    await desk.hear(words)
    await desk.world.text("My husband is on active duty")
    await desk.world.pump()
    dialogs: list[str] = []
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))

    await log_in(page, desk)
    await page.locator("tbody tr a").first.click()
    story = page.get_by_role("region", name="The whole story")

    assert "<script>alert(1)</script>" in await story.inner_text()
    assert [] == dialogs
    assert 0 == await page.locator("blockquote script, blockquote img, blockquote form").count()


async def test_a_programs_key_is_told_how_to_get_a_persons(desk: Desk, page: Page) -> None:
    """The console of the analysts stays open to it; cases do not."""
    await desk.hear("I never took out this loan")

    await log_in(page, desk, PROGRAM_KEY)

    assert "create-key" in await page.inner_text("main")
    assert "loan" not in await page.inner_text("main")


async def test_a_form_that_is_posted_twice_acts_once_and_without_a_session_not_at_all(desk: Desk) -> None:
    """A double click is one act; a stranger is sent to the login."""
    await desk.hear("I never took out this loan")
    async with desk.browser() as browser:
        await browser.post("/console/login", data={"key": ANAS_KEY})
        queue = (await browser.get("/console/cases")).text
        found = re.search(r"/console/cases/([0-9a-f-]{36})", queue)
        assert found is not None
        path = found[0]
        form = {"act": "note", "note": "called", "request_id": "0d3c6c1e-8a0d-4b3e-9a59-6f3f6e6f0001"}
        answers = [await browser.post(path, data=form) for _ in range(2)]
    async with desk.browser() as stranger:
        refused = await stranger.post(path, data=form | {"request_id": "0d3c6c1e-8a0d-4b3e-9a59-6f3f6e6f0002"})

    assert [303, 303] == [answer.status_code for answer in answers]
    assert "/console/cases" == refused.headers["location"]
    assert 1 == await desk.world.pool.fetchval("SELECT count(*) FROM case_act")


async def test_the_session_cookie_is_kept_from_other_sites_and_pages_from_caches(desk: Desk) -> None:
    """Strict same-site and http-only; no page is stored, framed, or loads anything of another host."""
    await desk.hear("I never took out this loan")
    async with desk.browser() as browser:
        cookie = (await browser.post("/console/login", data={"key": ANAS_KEY})).headers["set-cookie"]
        shown = await browser.get("/console/cases")

    assert {"HttpOnly", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}
    assert "no-store" == shown.headers["cache-control"]
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"]
