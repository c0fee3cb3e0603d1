"""A text with slots, compiled once: `{slot}` and nothing else, so that a value can never become a part of the form."""

import re
from collections.abc import Mapping
from html import escape

_SLOT = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_BRACES = re.compile(r"[{}]")
_LINK_LINE = re.compile(r"\[([^\]]+)\]\((\{[a-z_]+\})\)")


class TemplateError(Exception):
    """A message that must not go out: unknown template, missing slot, bad value, changed text. Names no person."""


class Text:
    """A compiled text. `slots` are the names that it needs, in order and with repeats."""

    __slots__ = ("_form", "slots")

    def __init__(self, source: str) -> None:
        if _BRACES.search(_SLOT.sub("", source)):
            raise TemplateError(f"braces are for slots such as {{brand}} only: {source[:40]!r}")
        self.slots = tuple(_SLOT.findall(source))
        self._form = _SLOT.sub("%s", source.replace("%", "%%"))

    def fill(self, values: Mapping[str, str]) -> str:
        """Return the text with its slots filled; `values` holds each of them."""
        return self._form % tuple([values[name] for name in self.slots])


def mail_text(source: str) -> str:
    """Turn the source of a mail's body into the source of its plain-text part: `[label]({url})` becomes two lines."""
    return _LINK_LINE.sub(r"\1:\n\2", source.strip()) + "\n"


def mail_html(source: str, footer: str, language: str) -> str:
    """Turn the same source into the source of the HTML part: paragraphs by blank lines, links as buttons, no images."""
    body = "\n".join(f"<p>{_inline(one, _BUTTON)}</p>" for one in _paragraphs(source))
    foot = "\n".join(f"<p>{_inline(one, _PLAIN_LINK)}</p>" for one in _paragraphs(footer))
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8"><title>{{brand}}</title></head>\n'
        '<body style="margin:0;background:#f6f4ef;color:#22262b">\n'
        '<div style="max-width:34em;margin:0 auto;padding:24px;background:#fff;font:16px/1.6 sans-serif">\n'
        '<p style="font-weight:bold;color:#1f5f5b">{brand}</p>\n'
        f"{body}\n"
        '<div style="border-top:1px solid #ddd;margin-top:24px;font-size:13px;color:#5a6169">\n'
        f"{foot}\n</div></div></body></html>\n"
    )


_BUTTON = (
    '<a href="{0}" style="display:inline-block;padding:10px 18px;border-radius:6px;background:#1f5f5b;color:#fff;'
    'text-decoration:none">{1}</a>'
)
_PLAIN_LINK = '<a href="{0}" style="color:#1f5f5b">{1}</a>'


def _paragraphs(source: str) -> list[str]:
    return [one.strip() for one in re.split(r"\n\s*\n", source.strip()) if one.strip()]


def _inline(paragraph: str, link: str) -> str:
    """Escape one paragraph and turn its `[label]({url})` into links; slots keep their braces and are filled later."""
    pieces, end = [], 0
    for match in _LINK_LINE.finditer(paragraph):
        pieces.append(escape(paragraph[end : match.start()]))
        pieces.append(link.replace("{0}", match[2]).replace("{1}", escape(match[1])))
        end = match.end()
    pieces.append(escape(paragraph[end:]))
    return "".join(pieces).replace("\n", "<br>\n")
