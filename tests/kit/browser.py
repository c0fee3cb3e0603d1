"""A real browser that fails the test for whatever it complains about, and axe, which looks for barriers."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page, async_playwright

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="session")
def chromium() -> Path:
    """Debian's chromium, which CI installs."""
    if not CHROMIUM.exists():
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed")
        pytest.skip("chromium is not installed (Debian: chromium)")
    return CHROMIUM


@pytest.fixture
async def page(chromium: Path) -> AsyncIterator[Page]:
    """A fresh page; whatever the browser complains about fails the test."""
    complaints: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        opened = await browser.new_page(viewport={"width": 1280, "height": 1400})
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        opened.on("requestfailed", lambda request: complaints.append(f"{request.failure}: {request.url}"))
        yield opened
        await browser.close()
    assert [] == [told for told in complaints if "ERR_ABORTED" not in told]  # a page left while it was loading


async def barriers(page: Page) -> list[str]:
    """Return the serious violations that axe finds."""
    found = (await Axe().run(page)).response["violations"]
    return [f"{one['id']}: {[node['target'] for node in one['nodes']]}" for one in found
            if one["impact"] in ("serious", "critical")]  # fmt: skip
