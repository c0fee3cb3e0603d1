# ruff: noqa: E501 - a pattern or a word list is read as one line
"""Numbers written as words in English, Spanish and Chinese, turned into digits within a text. Pure."""

import re
from collections.abc import Callable
from decimal import Decimal

_EN_UNITS = dict(
    zip(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(),  # noqa: SIM905
        range(20),
        strict=True,
    )
)
_EN_TENS = dict(zip("twenty thirty forty fifty sixty seventy eighty ninety".split(), range(20, 100, 10), strict=True))  # noqa: SIM905
_EN_WORDS = _EN_UNITS | _EN_TENS
_EN_NUMBER = re.compile(
    rf"\b(?:(?:a|{'|'.join(_EN_WORDS)})[ -])?(?:(?:{'|'.join(_EN_WORDS)}|(?:hundred|thousand|grand)(?: and)?)[ -])*(?:{'|'.join(_EN_WORDS)}|hundred|thousand|grand)\b"
)
_EN_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_EN_COMPOUND = re.compile(rf"\b(twenty|thirty)[ -]({'|'.join(_EN_ORDINALS)})\b")
_CENTS = re.compile(
    r"\b(\d+) (?:(?:dollars|bucks|dolares|pesos) )?(?:and |con |y )?(\d{1,2})()(?:[ ]?cents|[ ]?centavos)\b"
)
_EN_SCALES = {"hundred": 100, "thousand": 1000, "grand": 1000}

_ES_WORDS = {
    "un": 1, "uno": 1, "una": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6, "siete": 7, "ocho": 8, "nueve": 9, "diez": 10,
    "once": 11, "doce": 12, "trece": 13, "catorce": 14, "quince": 15, "dieciseis": 16, "diecisiete": 17, "dieciocho": 18, "diecinueve": 19,
    "veinte": 20, "veintiuno": 21, "veintidos": 22, "veintitres": 23, "veinticuatro": 24, "veinticinco": 25, "veintiseis": 26,
    "veintisiete": 27, "veintiocho": 28, "veintinueve": 29, "treinta": 30, "cuarenta": 40, "cincuenta": 50, "sesenta": 60, "setenta": 70,
    "ochenta": 80, "noventa": 90, "cien": 100, "ciento": 100, "doscientos": 200, "trescientos": 300, "cuatrocientos": 400,
    "quinientos": 500, "seiscientos": 600, "setecientos": 700, "ochocientos": 800, "novecientos": 900,
}  # fmt: skip
_ES_NUMBER = re.compile(rf"\b(?:(?:{'|'.join(_ES_WORDS)}|mil|\d{{1,3}}(?= mil)|y) )*(?:{'|'.join(_ES_WORDS)}|mil)\b")
_ES_ALONE = {"un", "una", "uno"}  # articles far more often than numbers

_ZH_DIGITS = {
    char: value
    for value, chars in enumerate(("零〇", "一壹", "二两贰", "三叁参", "四肆", "五伍", "六陆", "七柒", "八捌", "九玖"))
    for char in chars
}
_ZH_UNITS = {"十": 10, "廿": 20, "卅": 30, "拾": 10, "百": 100, "佰": 100, "千": 1000, "仟": 1000, "万": 10_000}
_ZH_NUMBER = re.compile(
    r"(?:\d[\d,]*(?:\.\d+)?|(?<![周期拜初])[零〇一二两三四五六七八九壹贰叁肆伍陆柒捌玖])?[十拾廿卅百佰千仟万](?:[零〇一二两三四五六七八九壹贰叁肆伍陆柒捌玖十拾百佰千仟万]|\d)*|(?<![周期拜第])[一二两三四五六七八九](?=[块元蚊点号日月天]|时(?![间候常代效刻不])|个?(?:周|星期|礼拜)(?![一二三四五六日天]))"
)


def spell_digits(text: str, family: str) -> str:
    """``text`` with number words written as digits: 'three fifty' -> 350, 'dos mil' -> 2000, '一万五' -> 15000."""
    if family == "en":
        text = _EN_MIXED.sub(_mixed, _EN_HALVES.sub(_halves, _EN_COMPOUND.sub(_compound_ordinal, text)))
    if family == "zh":
        return _replace(_ZH_NUMBER, _ZH_RUN_ON.sub(r"\1,", text), _chinese)
    spelled = _replace(_EN_NUMBER, text, _english) if family == "en" else _replace(_ES_NUMBER, text, _spanish)
    return _CENTS.sub(lambda found: f"{found[1]}.{int(found[2]):02d} {found[3] or ''}", spelled)


# 'Two thousand on the fifteenth', said in one breath: 两千十五号.
_ZH_RUN_ON = re.compile(r"([百千万])(?=(?:[二三]?十[一二三四五六七八九]?|廿[一二三四五六七八九]?)[号日])")

# 'Two and a half thousand', 'half a grand'; '1 thousand 2 hundred', '3 fifty'.
_ZH_SHORT = re.compile(r"[百千万][二三四五六七八九]")
_EN_HALVES = re.compile(rf"\b(?:(\d|{'|'.join(_EN_UNITS)}) and )?(?:a )?half(?: a)? (thousand|grand)\b")
_EN_MIXED = re.compile(
    rf"\b(\d{{1,3}}) (?:(hundred|thousand|grand)(?: (?:and )?(\d) hundred)?|({'|'.join(_EN_TENS)}))\b"
)


def _halves(found: re.Match[str]) -> str:
    whole = found[1] or "0"
    return str((int(whole) if whole.isdigit() else _EN_UNITS[whole]) * 1000 + 500)


def _mixed(found: re.Match[str]) -> str:
    if found[4]:
        return str(int(found[1]) * 100 + _EN_TENS[found[4]]) if len(found[1]) == 1 else found.group()
    return str(int(found[1]) * _EN_SCALES[found[2]] + 100 * int(found[3] or 0))


def _compound_ordinal(found: re.Match[str]) -> str:
    value = (20 if found[1] == "twenty" else 30) + _EN_ORDINALS.index(found[2]) + 1
    return f"{value}{'st' if found[2] == 'first' else 'nd' if found[2] == 'second' else 'rd' if found[2] == 'third' else 'th'}"


def _replace(pattern: re.Pattern[str], text: str, value_of: Callable[[str], Decimal | None]) -> str:
    def write(found: re.Match[str]) -> str:
        value = value_of(found.group())
        return found.group() if value is None else f"{value:f}"

    return pattern.sub(write, text)


def _english(words: str) -> Decimal | None:
    """The value of English number words; 'three fifty' and 'twelve eighty' read as hundreds."""
    parts = [word for word in re.split(r"[ -]", words) if word not in ("and", "a")]
    if not parts or parts == ["one"] or words in ("a", "grand"):
        return None
    if parts[0] in _EN_SCALES:
        parts.insert(0, "one")
    total, current = 0, 0
    for at, word in enumerate(parts):
        if word == "hundred":
            current = (current or 1) * 100
        elif word in _EN_SCALES:
            total, current = total + (current or 1) * 1000, 0
        else:
            current = _english_digit(current, _EN_WORDS[word], hundreds="hundred" in parts[:at])
    return Decimal(total + current)


def _english_digit(current: int, value: int, *, hundreds: bool) -> int:
    spoken_as_hundreds = 0 < current < 100 and (value >= 10 and (current % 10 or current < 20))
    return current * 100 + value if spoken_as_hundreds and not hundreds else current + value


def _spanish(words: str) -> Decimal | None:
    parts = [word for word in words.split() if word != "y"]
    if not parts or (len(parts) == 1 and parts[0] in _ES_ALONE):
        return None
    total, current = 0, 0
    spoken_as_hundreds = len(parts) == 2 and " y " not in words and _ES_WORDS.get(parts[0], 0) in range(2, 10)
    for word in parts:
        if word == "mil":
            total, current = total + (current or 1) * 1000, 0
            continue
        value = int(word) if word.isdigit() else _ES_WORDS[word]
        current = current * 100 + value if spoken_as_hundreds and current and 10 <= value < 100 else current + value
    return Decimal(total + current)


def _chinese(words: str) -> Decimal | None:
    """The value of Chinese numerals, mixed with digits; a last digit without unit counts in the next lower unit (一万五)."""
    if words[0] in "百千万佰仟":  # 'a few thousand', 万一: no figure was named; but 千五 is 1,500 in Hong Kong
        return Decimal(f"1.{_ZH_DIGITS[words[1]]}") * _ZH_UNITS[words[0]] if _ZH_SHORT.fullmatch(words) else None
    total, section, last_unit = Decimal(0), Decimal(0), 1
    digit: Decimal | None = None
    for part in re.findall(r"\d[\d,]*(?:\.\d+)?|.", words):
        if part[0].isdigit():
            digit = Decimal(part.replace(",", ""))
        elif part in _ZH_DIGITS:
            digit = Decimal(_ZH_DIGITS[part])
            last_unit = 1 if part in "零〇" else last_unit
        elif _ZH_UNITS[part] == 10_000:
            total, section = (total + section + (digit or 0)) * 10_000, Decimal(0)
            digit, last_unit = None, 10_000
        else:
            section, last_unit, digit = (
                section + (1 if digit is None else digit) * _ZH_UNITS[part],
                _ZH_UNITS[part],
                None,
            )
    if digit is not None:
        shorthand = last_unit >= 100 and digit < 10
        section += digit * (last_unit // 10) if shorthand else digit
    return total + section
