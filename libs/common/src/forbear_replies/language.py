"""Which of the four languages a reply is written in: by script, then by common words. Pure."""

import re
import tomllib
from functools import cache
from importlib.resources import files

from forbear_replies.labels import Lang
from forbear_replies.normalise import traditional_characters

_HAN = re.compile(r"[\u3400-\u9fff]")
_WORD = re.compile(r"[a-zñáéíóúü]+")
_CANTONESE = re.compile(
    r"[冇唔嘅咗喺佢哋嚟啲嗰睇俾畀咩乜嘢攞揾瞓喎啱嘥黐嚿]|係咁|而家|聽日|琴日|尋日|幾時|邊個|邊度|點解|點樣|乜嘢|出糧|過數|落街|等陣|朝早|下晝|晏晝|聽朝|聽晚|今朝|個女|屋企|但係|即係|[一兩三四五]皮"
)
_HONG_KONG = re.compile(r"hk\$|hkd|港幣|港紙|港元|蚊", re.IGNORECASE)


def identify(text: str, hint: str | None = None) -> Lang:
    """The language of ``text``; ``hint`` (the language on record) decides only where the text does not."""
    return candidates(text, hint)[0]


def candidates(text: str, hint: str | None = None) -> tuple[Lang, ...]:
    """The languages that ``text`` may be written in, likeliest first; more than one where only the hint decides."""
    han = len(_HAN.findall(text))
    known = Lang(hint) if hint in set(Lang) else None
    if han >= 2 or (han and han * 3 >= sum(char.isalpha() for char in text)):
        return (_chinese(text, known),)
    words = _WORD.findall(text.lower()[:2000])
    spanish = sum(word in _common_words("es") for word in words) + 2 * len(re.findall(r"[ñ¿¡]", text))
    english = sum(word in _common_words("en") for word in words)
    if abs(spanish - english) >= 2 or (spanish != english and (known is None or known.family == "zh")):
        return (Lang.ES if spanish > english else Lang.EN,)
    likeliest = known or Lang.EN
    counts = {Lang.EN: english, Lang.ES: spanish}
    least = counts.get(likeliest, 0)
    is_letter = sum(char.isalnum() for char in text) <= 1  # which belongs to no language
    others = (one for one, count in counts.items() if one is not likeliest and count >= least and not is_letter)
    return (likeliest, *others)


def is_cantonese(text: str) -> bool:
    """Whether Hong Kong speaks here: Cantonese words or Hong Kong money."""
    return bool(_CANTONESE.search(text) or _HONG_KONG.search(text))


def _chinese(text: str, known: Lang | None) -> Lang:
    traditional = sum(char in traditional_characters() for char in text)
    if traditional or _CANTONESE.search(text):
        return Lang.ZH_HANT
    if known is Lang.ZH_HANT and len(text) < 12:
        return Lang.ZH_HANT
    return Lang.ZH_HANS


@cache
def _common_words(family: str) -> frozenset[str]:
    source = files("forbear_replies").joinpath("data/common_words.toml").read_text("utf-8")
    return frozenset(tomllib.loads(source)[family].split())
