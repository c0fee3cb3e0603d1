"""The page of settings is written from the code, and must be written anew when the code changes."""

from __future__ import annotations

from tools import settings_page


def test_the_page_of_settings_is_fresh() -> None:
    """`python tools/settings_page.py` writes it."""
    assert settings_page.page() == settings_page.PAGE.read_text(encoding="utf-8")
