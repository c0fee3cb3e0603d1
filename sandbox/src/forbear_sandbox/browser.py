"""A borrower's browser: opens a link, and on a page with a choice presses the button it came for."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin

from forbear_sandbox.callbacks import CallbackError, Callbacks

# What the button of a way out may be called.
BUTTONS = {"1": ("1", "deferral"), "2": ("2", "instalments")}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass(slots=True)
class Form:
    """One form of a page: where it goes, what it holds anyway, and its buttons or choices (name, value)."""

    action: str
    hidden: dict[str, str] = field(default_factory=dict)
    choices: list[tuple[str, str]] = field(default_factory=list)


class Browser:
    """Visits pages of the product. What the product answers 4xx is counted, not raised: a link may have expired."""

    def __init__(self, callbacks: Callbacks) -> None:
        self._callbacks = callbacks
        self.refused = 0

    async def visit(self, url: str, option: str) -> None:
        """Open a link; with an option ("1" or "2"), press the button of that way out."""
        try:
            page = await self._callbacks.get(url)
            form, choice = _find(page, option) if option else (None, None)
            if form is not None and choice is not None:
                body = urlencode({**form.hidden, choice[0]: choice[1]}).encode()
                await self._callbacks.post_plain(urljoin(url, form.action), body, FORM)
        except CallbackError:
            self.refused += 1

    async def unsubscribe(self, url: str) -> None:
        """Do what a mail program does for one click (RFC 8058)."""
        try:
            await self._callbacks.post_plain(url, b"List-Unsubscribe=One-Click", FORM)
        except CallbackError:
            self.refused += 1


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take forms, and in them what can be sent."""
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif self.forms and tag in ("input", "button") and given.get("name"):
            if given.get("type") == "hidden":
                self.forms[-1].hidden[given["name"]] = given.get("value", "")
            else:
                self.forms[-1].choices.append((given["name"], given.get("value", "")))


def _find(page: str, option: str) -> tuple[Form | None, tuple[str, str] | None]:
    reader = _Reader()
    reader.feed(page)
    for form in reader.forms:
        for choice in form.choices:
            if choice[1] in BUTTONS[option]:
                return form, choice
    return None, None
