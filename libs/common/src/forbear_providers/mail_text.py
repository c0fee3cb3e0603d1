"""The words of a mail that came in: headers and bodies decoded whatever they claim to be, and what the writer added.

Decoding never fails: an unknown charset, a wrong one or none is guessed, because a "stop" in broken letters is a stop.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from email.header import decode_header
from email.message import Message
from html.parser import HTMLParser

TEXT_CHARS_MAX = 10_000
LINE_CHARS_MAX = 300  # of a line that may head a quoted mail

# What a mail means that names the narrower of two sets: its writers use the letters of the wider one all the same.
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "big5": "big5hkscs", "iso8859-1": "cp1252", "ascii": "utf-8"}
# Codecs for the letters of people. Others that Python knows are none, and some take quadratic time (punycode, idna).
_LETTERS = re.compile(r"(utf|iso|cp\d|gb|big5|hz$|koi8|mac|euc|shift_|johab|tis|ptcp|kz1048|ascii)")

_ADDRESSES = re.compile(r"[^\s<>()\"',;:@]{1,64}@[^\s<>()\"',;:@]{1,255}")
_ANSWERED = re.compile(
    r"\s*(?:re|rv|res|aw|sv|fwd?|回复|回覆|回信|答复|答覆|转发|轉寄|轉發)\s*(?:\[\d+\])?\s*(?:[:：]|$)", re.IGNORECASE
)


def header(message: Message, name: str) -> str:
    """Return a header as readable text, empty where there is none."""
    value = str(message.get(name) or "").strip()
    if "=?" not in value:
        return _letters(value.encode("utf-8", "surrogateescape"), "utf-8")
    try:
        words = decode_header(value)
    except ValueError:  # of which encoded words that are none at all make the standard library's errors
        return value
    return "".join(
        piece if isinstance(piece, str) else _letters(piece, charset or "utf-8") for piece, charset in words
    ).strip()


def address(message: Message, name: str) -> str:
    """Return the last address of a header, empty where there is none. A regular expression cannot be led astray."""
    found = _ADDRESSES.findall(header(message, name))
    return found[-1] if found else ""


def body(part: Message) -> str:
    """Return the text of one part."""
    payload = part.get_payload(decode=True)
    return _letters(payload, part.get_content_charset() or "utf-8") if isinstance(payload, bytes) else ""


def own_words(message: Message, parts: Sequence[Message]) -> str:
    """Return what the writer of a mail added to what it answers, up to the signature.

    A subject of one's own making says something too: to some a mail with the subject "STOP" is all there is to say.
    """
    subject = header(message, "Subject")
    written = _unquoted(_text(parts))
    if subject and not _ANSWERED.match(subject):
        written = f"{subject}\n{written}".strip()
    return written[:TEXT_CHARS_MAX]


def _letters(raw: bytes, charset: str) -> str:
    for name in (charset, "utf-8", "gb18030"):
        try:
            known = codecs.lookup(name).name
            if _LETTERS.match(known):
                return raw.decode(_WIDER.get(known, known))
        except (LookupError, ValueError):
            continue
    return raw.decode("utf-8", "replace")


def _text(parts: Sequence[Message]) -> str:
    """Return the first plain text that says anything, or else the words of the first HTML."""
    for kind in ("text/plain", "text/html"):
        for part in parts:
            if part.get_content_type() == kind and part.get_content_disposition() != "attachment":
                written = body(part)
                words = written if kind == "text/plain" else _words(written)
                if words.strip():
                    return words
    return ""


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._hidden += tag in ("script", "style", "head", "blockquote")
        if tag in ("br", "p", "div", "li", "tr"):
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in ("script", "style", "head", "blockquote") and self._hidden > 0

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.pieces.append(data)


def _words(html: str) -> str:
    reader = _Words()
    reader.feed(html[: TEXT_CHARS_MAX * 10])
    return "".join(reader.pieces)


# Where the mail that is answered begins, as the usual programs write it in our languages.
_QUOTE_HEAD = re.compile(
    r"^\s*(on\b.{5,200}\bwrote:|el\b.{5,200}\bescribi[oó]:|在.{5,200}写道[:：]|.{5,200}於.{2,100}寫道[:：]|"
    r".{5,200}(写道|寫道)[:：]|-{2,}\s*(original message|mensaje original|原始邮件|原始郵件|forwarded message)\s*-{2,}|"
    r"_{20,}|(from|de|发件人|寄件者)[:：]\s.+@.+)\s*$",
    re.IGNORECASE,
)


def _unquoted(text: str) -> str:
    """Return a text up to the quoted mail or the signature, without quoted lines."""
    rows = text[: TEXT_CHARS_MAX * 10].replace("\r\n", "\n").split("\n")
    lines: list[str] = []
    for number, row in enumerate(rows):
        if row.rstrip() == "--" or _begins_quote(row, rows[number + 1 : number + 2]):
            break
        if not row.lstrip().startswith(">"):
            lines.append(row.rstrip())
    return "\n".join(lines).strip()


def _begins_quote(row: str, following: list[str]) -> bool:
    """Say whether the answered mail begins here; long headings run over two lines."""
    if len(row) > LINE_CHARS_MAX:
        return False
    is_broken = row[:3].lower() in ("on ", "el ") and following and len(following[0]) <= LINE_CHARS_MAX
    return bool(_QUOTE_HEAD.match(row) or (is_broken and _QUOTE_HEAD.match(f"{row} {following[0]}")))
