"""Bring the text of a reply into one form, whoever's keyboard it came from. Pure and bounded; never fails.

Two forms come out: the text as people read it (for extraction) and the folded text that lexicon and model read: lower
case, Traditional Han folded to Simplified, emoji spelled as words, accents off in Latin scripts.
"""

import re
import unicodedata
from functools import cache
from importlib.resources import files

# A reply longer than this is cut: 4,000 characters are two printed pages, and no intent is first stated after that.
TEXT_MAX = 4_000

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufe0e\ufe0f\ufeff\ud800-\udfff]"
)
_QUOTES = str.maketrans(
    {"‘": "'", "’": "'", "‛": "'", "`": "'", "´": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "..."}
)
_SPACES = re.compile(r"[^\S\n]+")
_HTML = re.compile(r"<(?:html|body|div|p|br|span|table|style|script|a|b|head|font)\b[^<>]{0,300}>", re.IGNORECASE)
_HTML_HIDDEN = re.compile(
    r"<(style|script|head|blockquote)\b[^<]{0,20000}(?:<(?!/\1)[^<]{0,20000}){0,50}</\1>", re.IGNORECASE
)
_HTML_BREAK = re.compile(r"<(?:br|/p|/div|/tr|/li)\b[^<>]{0,20}>", re.IGNORECASE)
_HTML_TAG = re.compile(r"</?[a-z!][^<>]{0,2000}>", re.IGNORECASE)
_ENTITIES = {"&nbsp;": " ", "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&#39;": "'", "&apos;": "'"}

# Emoji that carry an intent, as the word the lexicons know them by.
_EMOJI = {
    "🖕": " emoji_insult ", "🤬": " emoji_insult ", "💩": " emoji_insult ", "🔪": " emoji_knife ", "🔫": " emoji_gun ",
    "💊": " emoji_pills ", "⚰": " emoji_coffin ", "🪦": " emoji_coffin ", "🛑": " emoji_stop ", "🚫": " emoji_stop ",
    "⛔": " emoji_stop ", "🔕": " emoji_stop ", "📵": " emoji_stop ", "👍": " emoji_ok ", "👌": " emoji_ok ",
    "🙏": " emoji_thanks ", "✅": " emoji_ok ", "🫡": " emoji_ok ", "🙄": " emoji_irony ", "😂": " emoji_laugh ",
    "🤣": " emoji_laugh ", "😅": " emoji_laugh ", "🤡": " emoji_irony ", "❤": " emoji_heart ", "💔": " emoji_heart ",
}  # fmt: skip
_EMOJI_TABLE = str.maketrans(_EMOJI)


# Without its accent 'pagó' (has paid) would read as 'pago' (I pay); the plural says the same without one.
_PRETERITE = re.compile(r"\b(pag|deposit|mand|envi|abon|liquid|entreg|cancel)ó\b")


# Commands written letter by letter: 'S T O P', 'q.u.i.t'.
_SPELLED = re.compile(
    "|".join(
        r"(?<![a-z0-9])" + r"[ .*_-]+".join(word) + r"(?![a-z0-9])"
        for word in ("stop", "quit", "end", "cancel", "unsubscribe", "alto", "baja", "parar")
    )
)


def tidy(text: str) -> str:
    """The reply as a person reads it: NFKC, straight quotes, no control characters, HTML flattened, bounded."""
    text = _flatten_html(text[: TEXT_MAX * 16])[: TEXT_MAX * 4]
    text = unicodedata.normalize("NFKC", text.replace("\r\n", "\n").replace("\r", "\n").translate(_QUOTES))
    text = _CONTROL.sub("", text).translate(_QUOTES)
    return _SPACES.sub(" ", text)[:TEXT_MAX].strip()


def fold(text: str) -> str:
    """The tidy text as lexicon and model read it: lower case, one Han script, no accents, emoji as words."""
    text = _PRETERITE.sub(r"\1aron", text.lower()).translate(_EMOJI_TABLE).translate(_han_table())
    if not text.isascii():
        text = unicodedata.normalize("NFC", "".join(_unaccented(char) for char in text))
    text = _SPELLED.sub(lambda spelled: re.sub(r"[^a-z]", "", spelled.group()), text)
    return " ".join(text.split())


def squeeze(text: str) -> str:
    """Only letters and digits with single spaces: the form in which keywords such as STOP are matched whole."""
    return " ".join("".join(char if char.isalnum() else " " for char in text).split())


def _flatten_html(text: str) -> str:
    if not _HTML.search(text):
        return text
    text = _HTML_TAG.sub(" ", _HTML_BREAK.sub("\n", _HTML_HIDDEN.sub(" ", text)))
    for entity, char in _ENTITIES.items():
        text = text.replace(entity, char)
    return text


def _unaccented(char: str) -> str:
    if "\u00c0" <= char <= "\u024f" or "\u1e00" <= char <= "\u1eff":
        return unicodedata.normalize("NFD", char)[0]
    return char


@cache
def traditional_characters() -> frozenset[str]:
    """Characters that only Traditional writing uses."""
    return frozenset(map(chr, _han_table())) - _SHARED_BY_BOTH


# Written so on the mainland too, though the transform would fold them.
_SHARED_BY_BOTH = frozenset("著乾藉徵於麼吒囉餘沈甚夥剋闢薦昇")


@cache
def _han_table() -> dict[int, int]:
    """Traditional to Simplified, one character to one (source: Unicode CLDR transform Traditional-Simplified)."""
    lines = files("forbear_replies").joinpath("data/han_fold.txt").read_text("utf-8").split("\n")
    return str.maketrans(lines[0], lines[1])
