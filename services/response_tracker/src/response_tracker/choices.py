"""Reads short answers to our own questions: which option is meant, and "Is that you?". Pure.

"1", "the second one", "la dos", "选一", "方案二"; "yes", "no soy yo", "不是我". Strict on purpose: only words that
answer the question and, around them, courtesy. Anything longer is left to the reader of replies and, when that is not
sure, to a person; an answer is never guessed.
"""

from __future__ import annotations

import re
import unicodedata

from forbear_domain.arrangements import Option

_FIRST = r"1(?:st)?|one|first|uno|una|primer[ao]?|1[ªº]|一|壹"
_SECOND = r"2(?:nd)?|two|second|dos|segund[ao]|2[ªº]|二|两|兩|贰"
_BEFORE = (
    r"(?:(?:i(?:'?d| would| will|'?ll)? (?:like|choose|pick|take|want|prefer|go with|go for)|"
    r"let'?s (?:do|go with)|go with|yes|ok|okay|please|my (?:choice|answer) is|"
    r"(?:yo )?(?:quiero|escojo|elijo|prefiero|tomo|acepto)|si|sí|"
    r"我?(?:要|选|選|选择|選擇|想要|想选|想選)|好的?|可以)[ ,.:!、,。]*)*"
)
_POINT = (
    r"(?:the |la |el )?"
    r"(?:option|number|no\.|num\.|plan|choice|opcion|opción|numero|número|方案|选项|選項|第)?[ #.:º°]*"
)
_AFTER = (
    r"(?:[ .,]*(?:one|option|opcion|opción|个|個|种|種|项|項|号|號|方案|"
    r"please|por favor|pls|thanks|thank you|thx|gracias|谢谢|謝謝|吧|请|請))*[ .!,。!,)]*"
)
_PATTERNS = {
    Option.DEFERRAL: re.compile(f"{_BEFORE}{_POINT}(?:{_FIRST}){_AFTER}"),
    Option.INSTALMENTS: re.compile(f"{_BEFORE}{_POINT}(?:{_SECOND}){_AFTER}"),
}
_CHARS_MAX = 80
_MARKS = re.compile("[\ufe0f\u20e3\u200b-\u200f\"'“”‘’()\\[\\]]")  # keycap and variation marks of emoji digits, quotes

_EDGES = re.compile(r"^[ .!,。!]+|[ .!,。!]+$")


def read_choice(text: str) -> Option | None:
    """Return the option that a reply points at, or None when it says anything else as well."""
    folded = _fold(text)
    found = [option for option, pattern in _PATTERNS.items() if pattern.fullmatch(folded)]
    return found[0] if len(found) == 1 else None


_YES = re.compile(
    r"(?:yes|yep|yeah|y|correct|speaking|(?:yes[, ]+)?(?:that'?s|this is|it'?s|it is) me|"
    r"s[ií]|s[ií][, ]+soy yo|soy yo|correcto|是|是的|是我|对|對|没错|沒錯|我就是|是本人)"
)
_NO = re.compile(
    r"(?:no|nope|n|no[, ]+(?:it'?s not|that'?s not me|not me)|(?:that'?s )?not me|wrong (?:person|number)|"
    r"no soy(?: yo)?|no[, ]+no soy(?: yo)?|不是|不是我|否|不是本人|打错了|打錯了)"
)


def read_yes_no(text: str) -> bool | None:
    """Return what a reply says to "Is that you?": True, False, or None when it says anything else."""
    folded = _fold(text)
    if _YES.fullmatch(folded):
        return True
    return False if _NO.fullmatch(folded) else None


def _fold(text: str) -> str:
    if len(text) > _CHARS_MAX:
        return ""
    folded = _MARKS.sub("", unicodedata.normalize("NFKC", text)).casefold()
    return _EDGES.sub("", re.sub(r"\s+", " ", folded))
