# ruff: noqa: E501 - a pattern or a word list is read as one line
"""The weekdays on which contact is welcome. Pure."""

import re
from datetime import date, timedelta
from itertools import pairwise

from forbear_replies.days import weekday_number
from forbear_replies.refused_times import clause_before, is_refused, marked

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# 'Dialysis Tuesdays and Thursdays': the days of a duty are closed.
_DUTY_DAYS = {
    "en": r"\b(?:dialysis|chemo|radiation|treatments?|(?<!off )(?<!from )(?<!after )work|in class|have class|on shift|on call|on duty)\b(?: (?:on|is|are|every|all|\w+days?|(?:mon|tues?|wed|thurs?|fri|sat|sun)|and|&))*\s?$",
    "es": r"\b(?:dialisis|quimio|terapia|trabajo|doy clases?|tengo clases?|turno)\b(?: (?:los|el|de|y|todos|\w+es|sabados?|domingos?))*\s?$",
    "zh": r"(?:透析|化疗|上班|上课|值班|返工)(?:是|在)?$",
}
_DAY_WORDS = {
    "en": re.compile(r"\b(mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday|s)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)s?\b"),
    "es": re.compile(r"\b(lunes|martes|miercoles|jueves|viernes|sabados?|domingos?|(?:mon|tues|wednes|thurs|fri|satur|sun)days?|wed|thurs|fri|sat)\b"),
    "zh": re.compile(
        r"(?<![\d两每几])(?<!(?<![周期拜])一)(?:星期|周|礼拜|拜)([一二三四五六日天])(?![次封条个回通则])"
        r"|(?<![a-z])(mon|tues?|wed|thurs?|fri|sat|sun)(?:day|nesday|rsday|urday)?s?(?![a-z])"
    ),
}  # fmt: skip
_DAY_LISTS = {
    "zh": re.compile(
        r"(?:星期|周|礼拜)([一二三四五六日天])[、和跟与同]?([一二三四五六日天])(?:[、和跟与同]?([一二三四五六日天]))?"
    )
}
_WEEKDAYS = re.compile(
    r"\bweek ?days?\b|\bworkdays?\b|\bbusiness days\b|\bentre semana\b|\bdias habiles\b|工作日|平日|平常日",
    re.ASCII,
)
_WEEKENDS = re.compile(r"(?<!my )\bweek ?ends?\b|\bfindes?\b|\bfin(?:es)? de semana\b|周末|双休日|假日", re.ASCII)
_OTHER_DAYS = re.compile(
    r"\b(?:any |every |all )?other (?:week)?days?\b|\brest of the week\b|\b(?:(?:cualquier|todos los) otros?|los (?:demas|otros)(?: \w+)?) dias?\b"
    r"|(?:其他|别的|其余|别|余)各?(?:日子|时间|几天|工作日|平日|天|日|工)(?:都|可以|随便|行|拢|攏|也|均|皆|得(?!没))"
)
_OTHER_WEEKDAYS = re.compile(r"\bother (?:week|work)days?\b|其他(?:工作|平)日")
_TOMORROW = {
    "en": r"\btomorrow\b",
    "es": r"(?<!la )(?<!esta )(?<!pasado )\bmanana\b(?! (?:no )?(?:por|en) la manana$)",
    "zh": r"明天|明早|明晚|明日|听日",
}
_TODAY = {
    "en": r"\btonight\b|\blater today\b|\bthis (?:afternoon|evening)\b",
    "es": r"\besta (?:tarde|noche)\b|\bhoy\b",
    "zh": r"今晚|今天(?=下午|晚)",
}


def welcome_days(text: str, family: str, today: date) -> tuple[str, ...] | None:
    """The names of the days that a folded text welcomes, in week order, or None where it limits none.

    A day refused leaves the other six; of days named those count that something welcoming is said of, if there are any.
    """
    named = _named_days(text, family)
    fitting, refused = [], set[int]()
    for match, numbers in named:
        is_tied_up = bool(re.search(_DUTY_DAYS[family], clause_before(text, match.start())))
        if is_tied_up or is_refused(text, match.start(), match.end(), family):
            refused.update(numbers)
        else:
            fitting.append((match, numbers))
    welcome = set[int]().union(*(numbers for _, numbers in marked(fitting, named, text, family)))
    if not welcome and not refused:
        if re.search(_TOMORROW[family], text):
            welcome.add((today + timedelta(days=1)).weekday())
        elif re.search(_TODAY[family], text):
            welcome.add(today.weekday())
    others = _OTHER_DAYS.search(text)
    if welcome | refused and others and not is_refused(text, others.start(), others.end(), family):
        welcome, refused = set(), {number for _, numbers in named if len(numbers) < 5 for number in numbers}
    welcome -= refused
    if not welcome and refused:
        welcome = set(range(5 if _OTHER_WEEKDAYS.search(text) else 7)) - refused
    return tuple(DAY_NAMES[number] for number in sorted(welcome)) or None


def _named_days(text: str, family: str) -> list[tuple[re.Match[str], set[int]]]:
    found = [(match, set(range(5))) for match in _WEEKDAYS.finditer(text)]
    found += [(match, {5, 6}) for match in _WEEKENDS.finditer(text)]
    singles = [(match, {weekday_number(match[match.lastindex or 1])}) for match in _DAY_WORDS[family].finditer(text)]
    for one, other in pairwise(singles):
        between = text[one[0].end() : other[0].start()]
        if re.fullmatch(r"\s?(?:-|to|through|thru|a|al|till|hasta|到|至)\s?(?:el )?", between):
            start, end = min(one[1]), min(other[1])
            one[1].update(range(start, end + 1) if start <= end else {start, end})
    for match in _DAY_LISTS[family].finditer(text) if family in _DAY_LISTS else ():
        found.append((match, {weekday_number(name) for name in match.groups() if name}))
    return found + singles
