# ruff: noqa: E501 - a pattern or a word list is read as one line
"""The sum of money a promise or a payment made names. Pure.

A text may hold many numbers (fees, incomes, check numbers, hours); the one beside the paying counts. Several
instalments: the first one. 'Half', 'the rest': no amount.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from forbear_replies.labels import Lang

_NUMBER = re.compile(
    r"(?P<mark>us\$|hk\$|nt\$|rm(?=\s?\d)|a\$|au\$|nz\$|c\$|ca\$|s\$|ntd|hkd|usd|rmb|twd|gbp|eur|aud|nzd|cad|mxn|php|inr|zar|\brs\.?|(?<![a-z])r(?=\d)|\$|¥|￥|€|£|₱|₹|₦|港币|港纸|台币|新台币|人民币|美金|美元)?\s?"
    r"(?<![\d./:])(?<!\d[,-])(?P<digits>\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d{1,3}(?:\.\d{3})+(?:,\d{1,2})?(?!\d)|\d+(?:\.\d{1,2})?)(?P<scale>\s?(?:(?:k|grand|mil|w|lakhs?)(?![a-z])|[万千百]))?"
    r"(?![\d/:]|\.\d)\s?(?P<unit>us\$|dollars?|bucks|usd|dlls?|dolares|pesos?(?: (?:mexican|argentin|chilen|colombian|dominican)os)?(?! (?:mas|menos))|(?:pounds?|quid|euros?|eurillos|pavos|gbp|eur|aud|nzd|cad|mxn|php|inr|zar|naira|rupees?|rand|cedis|shillings|soles|lempiras|quetzales|rmb)(?![a-z])|€|£|令吉|新币|hkd|港币|港元|蚊|块|元|圆|台币|新台币|twd|ntd|rmb|人民币|美元|美金)?"
)
_SCALES = {
    "lakh": 100_000,
    "lakhs": 100_000,
    "w": 10_000,
    "k": 1000,
    "grand": 1000,
    "mil": 1000,
    "万": 10_000,
    "千": 1000,
    "百": 100,
}
_CURRENCY = {
    "us$": "USD", "usd": "USD", "dollar": "USD", "dollars": "USD", "bucks": "USD", "dolares": "USD", "dll": "USD", "dlls": "USD", "美元": "USD", "美金": "USD",
    "hk$": "HKD", "hkd": "HKD", "港币": "HKD", "港纸": "HKD", "港元": "HKD", "蚊": "HKD", "nt$": "TWD", "ntd": "TWD", "twd": "TWD", "台币": "TWD", "新台币": "TWD",
    "£": "GBP", "gbp": "GBP", "pound": "GBP", "pounds": "GBP", "quid": "GBP", "eur": "EUR", "euro": "EUR", "euros": "EUR", "eurillos": "EUR", "pavos": "EUR",
    "rm": "MYR", "令吉": "MYR", "新币": "SGD", "a$": "AUD", "au$": "AUD", "aud": "AUD", "nz$": "NZD", "nzd": "NZD", "c$": "CAD", "ca$": "CAD", "cad": "CAD", "s$": "SGD", "mxn": "MXN", "php": "PHP", "₱": "PHP", "inr": "INR", "₹": "INR", "rs": "INR", "rs.": "INR", "rupee": "INR", "rupees": "INR",
    "₦": "NGN", "naira": "NGN", "zar": "ZAR", "r": "ZAR", "rand": "ZAR", "cedis": "GHS", "shillings": "KES", "soles": "PEN", "lempiras": "HNL", "pesos mexicanos": "MXN", "pesos argentinos": "ARS", "pesos chilenos": "CLP", "pesos colombianos": "COP", "pesos dominicanos": "DOP", "quetzales": "GTQ", "rmb": "CNY", "人民币": "CNY", "¥": "CNY", "￥": "CNY", "€": "EUR",
}  # fmt: skip
_DEFAULT_CURRENCY = {Lang.EN: "USD", Lang.ES: "USD", Lang.ZH_HANS: "CNY", Lang.ZH_HANT: "TWD"}

# What makes a number something else than money.
_NOT_MONEY_AFTER = re.compile(
    r"^\s?(?:%|percent|days?|weeks?|months?|years?|yrs|hours?|minutes?|times|am\b|pm\b|a\.m|p\.m|o'?clock|kids|payments?\b|people|texts|calls|th\b|st\b|nd\b|rd\b|dias?|semanas?|mes(?:es)?\b|anos?\b|horas?|veces|hijos|pagos\b|天|日|号|月(?!底|末|尾)|年|点|个|次|期|岁|周(?![一二三四五六日天])|人|分钟|小时|口|通|楼|成|笔|遍)"
)
_NOT_MONEY_BEFORE = re.compile(
    r"(?:#|\b(?:im|i am|age|aged|turned|turning|number|no\.?|conf\w*|ref\w*|check|chk|acct|account|ending in|ending|last four|case|chapter|receipt|apt|suite|unit|room|loan|form|folio|cheque|confirmacion|numero|cuenta|terminacion|recibo|尾号|单号|编号|号码|流水号|账号|卡号|since|in|desde|en)) ?(?:is |es |# ?|: ?|num\w* )?$"
)
_PAYING = re.compile(
    r"pay|paid|send|sent|mail|wire|deposit|transfer|zelle|put|have|get you|u(?:ll)? get|give|gave|bring|drop|check for|expect|debit|draft|took|cover|cough|wrote|submit|schedul|set up|remit|count on|down for|pago|pag|deposit|abon|mand|envi|transfi|transfer|doy|dar|lleve|llevo|liquid|caig|cubr|pas[oe]|giro|还|付|转|存|打|交|汇|补|给|入|扣|拿|凑"
)
_OTHER_MONEY = re.compile(
    r"fee|charge|interest|owe|balance|earn|make[s]? |salary|paycheck is|income|rent|instead|bill says|you say|why still|still (?:says?|shows?|owe|charg)|话争|statement|cost|insurance|recargo|interes|debo|saldo|gano|sueldo|renta|costo|cobr(?!o\b|aron)|\b(?:el|del|un|su|de) seguro|cuota de|罚息|手续费|利息|欠|余额|工资是|收入|保险|房租|服务费|违约金|押金|账单"
)
_HALF = re.compile(r"\b(?:half|the rest|remainder|mitad|el resto|lo demas)\b|一半|剩下|其余|全部|全额|余款")
_CONTEXT = 26
_AMOUNT_MAX = 10**10  # more than any loan in any of the currencies: whoever writes more states no sum
_FIGURES_MAX = 15  # ten before the point, and what may stand behind it
_CLAUSE = re.compile(
    r"[.;!?,]\s|[;!?。，,](?!\d)|(?<=[一-龥]) (?=[一-龥\d])|(?<=\d) (?=\d{1,2}[号日月])|\b(?:and|but|so|y|pero|que)\b"
)


@dataclass(frozen=True, slots=True)
class Money:
    """An amount, the currency it was stated or is to be read in, and where its clause begins and ends."""

    amount: Decimal
    currency: str
    clause: tuple[int, int]


def find_money(
    text: str, taken: list[tuple[int, int]], *, lang: Lang, is_cantonese: bool, gone: Sequence[tuple[int, int]] = ()
) -> Money | None:
    """The sum paid or promised in a folded text with figures; ``taken`` are the spans that are days.

    A sum beside a day in ``gone`` (days gone by, where a promise is looked for) was paid already.
    """
    ranked = []
    for match in _NUMBER.finditer(text):
        if _is_taken(match, taken) or _is_not_money(match, text):
            continue
        weight = _weight(match, text, taken) - 3 * any(_is_beside(match, day, text) for day in gone)
        ranked.append((-weight, match.start(), match))
    if not ranked:
        return None
    best = min(ranked, key=lambda one: one[:2])
    half = _HALF.search(text)
    if best[0] > 0 or (half and half.start() < best[1] and best[0] > -_SURE):
        return None
    return Money(_value(best[2]), _currency(best[2], lang, is_cantonese=is_cantonese), _clause(best[2], text))


def _clause(match: re.Match[str], text: str) -> tuple[int, int]:
    starts = [0, *(cut.end() for cut in _CLAUSE.finditer(text, 0, match.start()))]
    following = _CLAUSE.search(text, match.end())
    return starts[-1], following.start() if following else len(text)


def _is_beside(match: re.Match[str], day: tuple[int, int], text: str) -> bool:
    """Whether the number follows the day within its clause."""
    return day[1] <= match.start("digits") and not _CLAUSE.search(text[day[1] : match.start("digits")])


_SURE = 2

_PAID = re.compile(
    r"\b(?:paid|sent|mailed|gave|wired|transferred|deposited|dropped|zelled|already|pague|mande|deposite|abone|envie|transferi|liquide|di|hice|ya)\b"
    r"|(?:还|付|转|存|交|汇|打|给|入|过|畀|缴|补|清)(?:咗|了|过|左)|已经?(?:还|付|转|存|交|汇|打|入|缴|补)"
)
_STILL_TO_PAY = re.compile(
    r"\b(?:will|(?:i|you|it|they|we|she|he)ll|gonna|gon|going to|am (?:paying|sending)|rest|other|another|remain\w*|next|left|comes?|coming|voy|vamos|resto|restante|demas|otr[oa]s?|falta\w*|pago|mando|deposito|pagare|mandare|proxim[oa]|que viene)\b"
    r"|剩|其余|余款|另外|余下|下(?:个?(?:周|星期|礼拜|月))|再(?:还|付|转|存|交|汇|打)|会|将|明|后(?:天|日)|尾数"
)


def without_paid(text: str) -> str:
    """The text with the clauses blotted out, at the same length, that tell only what was paid already."""
    kept, start = [], 0
    for end, after in [*((cut.start(), cut.end()) for cut in _CLAUSE.finditer(text)), (len(text), len(text))]:
        clause = text[start:end]
        is_over = _PAID.search(clause) and not _STILL_TO_PAY.search(clause)
        kept.append(("~" * len(clause) if is_over else clause) + text[end:after])
        start = after
    return "".join(kept)


def is_paying(text: str, start: int, end: int) -> bool:
    """Whether the clause around the span speaks of paying."""
    return bool(_PAYING.search(_CLAUSE.split(text[:start])[-1] + " " + _CLAUSE.split(text[end:])[0]))


def _is_taken(match: re.Match[str], taken: list[tuple[int, int]]) -> bool:
    return any(match.start("digits") < end and start < match.end("digits") for start, end in taken)


def _is_not_money(match: re.Match[str], text: str) -> bool:
    if len(_plain(match["digits"])) > _FIGURES_MAX or _value(match) > _AMOUNT_MAX:
        return True
    if match["mark"] or match["unit"]:
        return False
    if not match["scale"] and _NOT_MONEY_AFTER.match(text[match.end("digits") :]):
        return True
    before = text[max(0, match.start("digits") - 24) : match.start("digits")]
    value = _value(match)
    names_a_year = 1990 <= value <= 2100 and re.search(r"(?:in|since|en|desde|of) $", before)
    named = _NOT_MONEY_BEFORE.search(before) and not re.search(r"(?:(?<!ending )\bin|\bsince|\ben|\bdesde) $", before)
    return bool(names_a_year or named or value < 10 or len(match["digits"]) > 9 or match["digits"].startswith("0"))


def _weight(match: re.Match[str], text: str, taken: list[tuple[int, int]]) -> int:
    """How likely this number is the sum: marks of money, a paying verb near by, a day near by; less beside other money."""
    start, end = match.span()
    before, after = text[max(0, start - _CONTEXT) : start], text[end : end + _CONTEXT]
    clause = _CLAUSE.split(before)[-1] + " " + _CLAUSE.split(after)[0]
    weight = 2 * bool(match["mark"] or match["unit"])
    weight += 2 * bool(_PAYING.search(clause)) + bool(_PAYING.search(before + " " + after))
    weight += any(abs(start - day_end) < _CONTEXT or abs(day_start - end) < _CONTEXT for day_start, day_end in taken)
    return weight - 3 * bool(_OTHER_MONEY.search(clause))


def _plain(digits: str) -> str:
    """Figures without the marks between thousands; '1.850' and '1.850,50' are written as Spanish does."""
    if re.fullmatch(r"\d{1,3}(?:\.\d{3})+(?:,\d{1,2})?", digits):
        return digits.replace(".", "").replace(",", ".")
    return digits.replace(",", "")


def _value(match: re.Match[str]) -> Decimal:
    scale = (match["scale"] or "").strip()
    value = Decimal(_plain(match["digits"])) * _SCALES.get(scale, 1)
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value


_TAGALOG = re.compile(r"\b(?:po|ko|na|ng|gcash)\b")


def _currency(match: re.Match[str], lang: Lang, *, is_cantonese: bool) -> str:
    if (match["unit"] or "").startswith("peso") and lang is Lang.EN:
        return "PHP" if _TAGALOG.search(match.string) else "MXN"
    for group in ("mark", "unit"):
        stated = _CURRENCY.get(match[group] or "")
        if stated:
            return stated
    return "HKD" if is_cantonese and lang.family == "zh" else _DEFAULT_CURRENCY[lang]
