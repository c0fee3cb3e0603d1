"""The console in a real browser: it shows what the campaign brought, without an error, to everybody."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.kit.stack_kit import Scene

pytestmark = [
    pytest.mark.needs_postgres, pytest.mark.needs_valkey, pytest.mark.needs_browser, pytest.mark.slow,
    pytest.mark.xdist_group("tour"),
]  # fmt: skip

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
CHANNELS = ("sms", "email", "voice")
LEFT = "ERR_ABORTED"  # a page that was left while its script, or its refresh of every five seconds, was on its way
BAD = ("serious", "critical")
PHONE: ViewportSize = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium, which CI installs."""
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed (Debian: chromium)")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A fresh page; whatever the browser complains about is kept in `page.complaints`."""
    opened = browser.new_page(viewport={"width": 1280, "height": 1400})
    complaints: list[str] = []
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("requestfailed", lambda request: complaints.append(f"{request.failure}: {request.url}"))
    yield opened
    opened.close()
    assert [] == [told for told in complaints if LEFT not in told]


@pytest.fixture(scope="module")
def busy(tour: Scene) -> Scene:
    """The campaign with one more day behind it."""
    tour.run_until(tour.next_quiet_hour())
    return tour


def log_in(page: Page, scene: Scene) -> None:
    """Log in with the tenant's key."""
    page.goto(f"{scene.stack.scheduler_url}/console")
    page.get_by_label("API key").fill(scene.stack.api_key)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("heading", name="Campaigns").wait_for()
    page.wait_for_load_state()  # with its script, which a page that is left sooner never runs


def barriers(page: Page) -> list[str]:
    """Return the serious violations that axe finds."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found if one["impact"] in BAD]


def test_the_console_shows_the_progress_of_the_campaign(busy: Scene, page: Page, tmp_path: Path) -> None:
    """Contacts by channel and state are those of the report, and every hour that was tried is on the heat map."""
    report = busy.api.report(busy.campaign_id)
    accepted = {channel: f"{report['states'].get(channel, {}).get('accepted', 0):,}" for channel in CHANNELS}
    tried = {(cell["channel"], cell["hour"]) for cell in report["heat_map"] if cell["contacts"]}

    log_in(page, busy)
    page.screenshot(path=tmp_path / "console.png", full_page=True)

    progress = page.get_by_role("region", name="contacts by channel and state")
    heads = progress.get_by_role("columnheader").all_inner_texts()
    shown = {
        channel: progress.get_by_role("row", name=channel).get_by_role("cell").nth(heads.index("accepted") - 1)
        for channel in CHANNELS
    }
    assert accepted == {channel: cell.inner_text() for channel, cell in shown.items()}
    assert any(count != "0" for count in accepted.values())
    titles = [
        re.match(r"(\w+) at (\d+):00: .* of ([\d,]+)", text) for text in page.locator("svg g title").all_text_contents()
    ]
    assert tried
    assert tried == {(title[1], int(title[2])) for title in titles if title and title[3] != "0"}


def test_the_console_has_no_barrier(busy: Scene, page: Page) -> None:
    """axe finds nothing serious on the login form, nor on the page with a campaign."""
    page.goto(f"{busy.stack.scheduler_url}/console")
    at_the_door = barriers(page)
    log_in(page, busy)

    assert [] == at_the_door
    assert [] == barriers(page)
    page.set_viewport_size(PHONE)
    assert PHONE["width"] == page.evaluate("document.documentElement.scrollWidth")


def test_a_borrower_is_found_by_reference(busy: Scene, page: Page, tmp_path: Path) -> None:
    """From the first page: what was sent, why no contact is next at night, and nothing in anybody's way."""
    sent = "SELECT ref FROM scheduler.contact JOIN scheduler.borrower USING (tenant_id, borrower_id) WHERE state = 1"
    ref = busy.select(f"{sent} ORDER BY ref LIMIT 1")[0][0]
    log_in(page, busy)
    page.get_by_label("Borrower, by your reference").fill(ref)
    page.get_by_role("button", name="Show").click()
    page.get_by_role("heading", name=f"Borrower {ref}").wait_for()
    page.screenshot(path=tmp_path / "borrower.png", full_page=True)

    following = page.get_by_role("region", name="The next contact").inner_text()
    assert "nothing is expected of one" in following
    assert "the next plan decides at its daily tick" in following
    assert 1 <= page.get_by_role("region", name="The latest contacts").get_by_role("rowheader").count()
    assert [] == barriers(page)
    page.set_viewport_size(PHONE)  # its tables are pushed along inside the page, by keys too
    assert [] == barriers(page)


def test_compliance_reads_whether_a_language_fares_otherwise(busy: Scene, page: Page, tmp_path: Path) -> None:
    """From the campaign by its link: both lists with what can be said of each group, and nothing in anybody's way."""
    log_in(page, busy)
    page.get_by_role("link", name="Does a language or a state fare otherwise?").click()
    page.get_by_role("heading", name="Does a language or a state fare otherwise?").wait_for()
    page.screenshot(path=tmp_path / "disparity.png", full_page=True)

    found = busy.api.disparity(busy.campaign_id)
    for title, kind in (("By language", "language"), ("By state", "region")):
        region = page.get_by_role("region", name=title)
        assert found[f"{kind}_summary"] in region.inner_text()
        assert len(found[f"by_{kind}"]) == region.get_by_role("rowheader").count()
    assert [] == barriers(page)
    page.set_viewport_size({"width": 400, "height": 900})
    assert (
        page.evaluate("document.documentElement.scrollWidth") <= 400
    )  # tables scroll by themselves, the page does not
    assert [] == barriers(page)


def test_a_wrong_key_is_told_and_opens_nothing(busy: Scene, browser: Browser) -> None:
    """The form says so in a place that screen readers announce."""
    page = browser.new_page()
    page.goto(f"{busy.stack.scheduler_url}/console")
    page.get_by_label("API key").fill("not-a-key")
    page.get_by_role("button", name="Log in").click()

    assert "not valid" in page.get_by_role("alert").inner_text()
    assert 0 == page.get_by_role("heading", name="Campaigns").count()
    page.close()
