"""Spell out chat language, so that one wording is learned once. Pure.

``u`` -> ``you``, ``xq`` -> ``porque``, Cantonese and Taiwan words -> the mainland ones. The pairs are data
(``data/spelling.toml``).
"""

import re
import tomllib
from functools import cache
from importlib.resources import files

# Where 点 is an hour, a place or a click; elsewhere Hong Kong asks 'how' with it.
_ZH_TIME_GUARD = re.compile(
    r"(?<=[0-9零一二两三四五六七八九十半几网地差早晚快有重缺景站终])点|点(?=[击开进心链错了头餐外])"
    r"|点(?=钟|半|前|后|之|[0-9一二三四五六七八九十])"
)
_WORD = re.compile(r"(?<!\d)[a-z']+(?:\d+)?")
_HAN_GAP = re.compile(r"(?<=[\u3400-\u9fff,。!?、]) +| +(?=[\u3400-\u9fff])")
# Contractions are joined, never opened: the lexicons know "dont" and "ill".
_NOT = re.compile(r"\b(do|does|did|is|are|was|were|have|has|had|would|could|should|will|can|must) not\b")
_JOINED = {"will": "wont", "can": "cant"}
_PRONOUN = re.compile(
    r"\b(i|you|we(?! had| would)|they|he|she|it|that|who|what|there) (am|are|will|have|had|would|is)\b"
)
_WE_WOULD = re.compile(r"\bwe'd\b")  # stays open: without its mark it would be a Wednesday
_SHORT = {"am": "m", "are": "re", "will": "ll", "have": "ve", "had": "d", "would": "d", "is": "s"}
_LONG_DRAWL = re.compile(r"([a-z])\1{2,}")


def spell_out(folded: str, family: str) -> str:
    """The folded text with chat spellings and regional words replaced by the common ones of its language family."""
    if family == "zh":
        return _mandarin(_HAN_GAP.sub("", folded))
    folded = _LONG_DRAWL.sub(r"\1\1", _WE_WOULD.sub("we would", folded).replace("'", ""))
    table = _table(family)
    spelled = _WORD.sub(lambda word: table.get(word.group(), word.group()), folded)
    return _join_contractions(spelled) if family == "en" else spelled


def _join_contractions(text: str) -> str:
    text = _NOT.sub(lambda found: _JOINED.get(found[1], found[1] + "nt"), text)
    return _PRONOUN.sub(lambda found: found[1] + _SHORT[found[2]], text)


def _mandarin(folded: str) -> str:
    hours_kept = _ZH_TIME_GUARD.sub("點", folded)
    table = _table("zh")
    return _regional_words().sub(lambda word: table[word.group()], hours_kept).replace("點", "点")


@cache
def _table(family: str) -> dict[str, str]:
    source = files("forbear_replies").joinpath("data/spelling.toml").read_text("utf-8")
    table: dict[str, str] = tomllib.loads(source)[family]
    return table


@cache
def _regional_words() -> re.Pattern[str]:
    """Hong Kong and Taiwan words; longer ones first, so that the longest match wins."""
    return re.compile("|".join(sorted(map(re.escape, _table("zh")), key=len, reverse=True)))
