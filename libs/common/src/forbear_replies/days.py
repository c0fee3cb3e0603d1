# ruff: noqa: E501 - a pattern or a word list is read as one line
"""Days that a reply names, resolved against the borrower's date. Pure.

The table of meanings: a bare weekday is the coming one; 'next Friday' is the Friday of the following calendar week (weeks
begin on Monday), but 'el próximo viernes' is the first after today; 'the 15th' is the next one for a promise, the latest
for a payment made. Vague words (next week, soon) name no day.
"""

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from forbear_replies.labels import Lang


@dataclass(frozen=True, slots=True)
class DayFound:
    """A day and where the text names it; ``weak`` ones ('now') count only when nothing better is there."""

    start: int
    end: int
    day: date
    weak: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """What days resolve against: today, whether they lie behind us, and the writer's habits."""

    today: date
    is_past: bool
    lang: Lang


Resolver = Callable[[re.Match[str], Frame], date | None]

_EN_MONTH = r"(?P<month>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
_ES_MONTH = r"(?P<month>enero|febrero|marzo|abril|mayo|junio|julio|agosto|sep?tiembre|octubre|noviembre|diciembre)"
_EN_DAY = r"(?P<weekday>mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday|s)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)s?"
_ES_DAY = r"(?P<weekday>lunes|martes|miercoles|jueves|viernes|vier|vie|sabado|domingo)"
_ZH_DAY = r"(?:星期|周|礼拜|拜)(?P<weekday>[一二三四五六日天])"
_MONTHS = {"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12, "ene": 1, "abr": 4, "ago": 8, "set": 9, "dic": 12}  # fmt: skip
_WEEKDAYS = {
    "mo": 0,
    "tu": 1,
    "we": 2,
    "th": 3,
    "fr": 4,
    "sa": 5,
    "su": 6,
    "lu": 0,
    "ma": 1,
    "mi": 2,
    "ju": 3,
    "vi": 4,
    "do": 6,
}
_ZH_WEEKDAYS = dict(zip("一二三四五六日天", (0, 1, 2, 3, 4, 5, 6, 6), strict=True))
_UNITS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
_TEENS = ("tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth", "seventeenth", "eighteenth", "nineteenth")  # fmt: skip
_ORDINALS = (*_UNITS, *_TEENS, "twentieth", *(f"twenty[ -]?{one}" for one in _UNITS), "thirtieth", "thirty[ -]?first")
_ORDINAL = r"(?P<day>\d{1,2}(?:st|nd|rd|th)|" + "|".join(sorted(_ORDINALS, key=len, reverse=True)) + ")"


def weekday_number(name: str) -> int:
    """0 for Monday in any of the languages; ``name`` is folded."""
    return _ZH_WEEKDAYS[name] if name in _ZH_WEEKDAYS else _WEEKDAYS[name[:2]]


def find_days(text: str, frame: Frame) -> list[DayFound]:
    """All days the folded text names, in the order of the text; of overlapping readings the first rule's stands."""
    found: list[DayFound] = []
    for pattern, resolve, weak in _RULES[frame.lang.family]:
        for match in pattern.finditer(text):
            if any(match.start() < other.end and other.start < match.end() for other in found):
                continue
            day = resolve(match, frame)
            if day is not None:
                found.append(DayFound(match.start(), match.end(), day, weak))
    return sorted(found, key=lambda one: one.start)


def _shift(count: int) -> Resolver:
    return lambda _, frame: frame.today + timedelta(days=count)


def _scaled(match: re.Match[str], frame: Frame) -> date | None:
    count = int(match["count"]) * (7 if match.groupdict().get("week") else 1)
    return frame.today + timedelta(days=count) if count <= 400 else None


def _ago(match: re.Match[str], frame: Frame) -> date | None:
    count = int(match["count"]) * (7 if match.groupdict().get("week") else 1)
    return frame.today - timedelta(days=count) if count <= 400 else None


def _weekday(match: re.Match[str], frame: Frame) -> date:
    """The coming one after today, or for a payment made the latest before today."""
    number = weekday_number(match["weekday"])
    if frame.is_past:
        return frame.today - timedelta(days=(frame.today.weekday() - number - 1) % 7 + 1)
    return frame.today + timedelta(days=(number - frame.today.weekday() - 1) % 7 + 1)


def _coming(match: re.Match[str], frame: Frame) -> date:
    return _weekday(match, Frame(frame.today, False, frame.lang))


def _in_week(weeks: int) -> Resolver:
    def resolve(match: re.Match[str], frame: Frame) -> date:
        monday = frame.today - timedelta(days=frame.today.weekday())
        return monday + timedelta(days=7 * weeks + weekday_number(match["weekday"]))

    return resolve


def _this_week(match: re.Match[str], frame: Frame) -> date | None:
    """'This Friday' is the coming one; for a payment made, the one of this week."""
    return _in_week(0)(match, frame) if frame.is_past else _coming(match, frame)


def _week_after(match: re.Match[str], frame: Frame) -> date:
    return _coming(match, frame) + timedelta(days=7)


def _day_number(text: str) -> int:
    if text[0].isdigit():
        return int(re.sub(r"\D", "", text))
    return next(at for at, word in enumerate(_ORDINALS, 1) if re.fullmatch(word, text))


def _month_day(match: re.Match[str], frame: Frame) -> date | None:
    """A day of the month: the next one, today included; for a payment made the latest one."""
    number = _day_number(match["day"])
    year, month = frame.today.year, frame.today.month
    for _ in range(3):
        day = _date(year, month, number)
        if day and (day <= frame.today if frame.is_past else day >= frame.today):
            return day
        year, month = _neighbour(year, month, -1 if frame.is_past else 1)
    return None


def _nth_weekday(match: re.Match[str], frame: Frame) -> date | None:
    """'The second Wednesday' of this month, or of the next one where that is over (of the last, for a payment made)."""
    step = -1 if frame.is_past else 1
    for months in (0, step):
        year, month = _neighbour(frame.today.year, frame.today.month, months)
        days = [day for day in _days_of(year, month) if day.weekday() == weekday_number(match["weekday"])]
        day = days[-1] if match["nth"] == "last" else days[{"f": 0, "s": 1, "t": 2}.get(match["nth"][0], 3)]
        if match["nth"][0].isdigit():
            day = days[int(match["nth"][0]) - 1]
        if match["nth"].startswith("fo"):
            day = days[3]
        if day <= frame.today if frame.is_past else day >= frame.today:
            return day
    return None


def _in_month(months: int) -> Resolver:
    def resolve(match: re.Match[str], frame: Frame) -> date | None:
        return _date(*_neighbour(frame.today.year, frame.today.month, months), _day_number(match["day"]))

    return resolve


def _end_of_month(months: int) -> Resolver:
    def resolve(match: re.Match[str], frame: Frame) -> date:
        return _last_day(*_neighbour(frame.today.year, frame.today.month, months))

    return resolve


def _end_of_named_month(match: re.Match[str], frame: Frame) -> date:
    month = _month_number(match["month"])
    year = frame.today.year + (month < frame.today.month and not frame.is_past)
    return _last_day(year, month)


def _named(match: re.Match[str], frame: Frame) -> date | None:
    """A month with a day, and perhaps a year; without one the next (or for a payment made the latest) such day."""
    groups = match.groupdict()
    month, number = _month_number(groups["month"]), _day_number(groups["day"])
    if groups.get("year"):
        return _date(_year(int(groups["year"])), month, number)
    years = (0, -1) if frame.is_past else (0, 1)
    days = [_date(frame.today.year + step, month, number) for step in years]
    fitting = [day for day in days if day and (day <= frame.today if frame.is_past else day >= frame.today)]
    return fitting[0] if fitting else None


def _fixed(month: int, number: int) -> Resolver:
    def resolve(match: re.Match[str], frame: Frame) -> date | None:
        day = _date(frame.today.year, month, number)
        if day and day < frame.today and not frame.is_past:
            return _date(frame.today.year + 1, month, number)
        return day

    return resolve


def _month_number(text: str) -> int:
    return int(text) if text.isdigit() else _MONTHS[text[:3]]


def _year(number: int) -> int:
    """Two digits mean this century; 100 to 199 are years of the Republic of China (114 = 2025)."""
    if number < 100:
        return 2000 + number
    return number + 1911 if number < 200 else number


def _date(year: int, month: int, day: int) -> date | None:
    if not (1 <= month <= 12 and 1900 <= year <= 2200 and 1 <= day <= calendar.monthrange(year, month)[1]):
        return None
    return date(year, month, day)


def _neighbour(year: int, month: int, step: int) -> tuple[int, int]:
    index = year * 12 + month - 1 + step
    return index // 12, index % 12 + 1


def _days_of(year: int, month: int) -> list[date]:
    return [date(year, month, number) for number in range(1, _last_day(year, month).day + 1)]


def _last_day(year: int, month: int) -> date:
    return date(year, month, calendar.monthrange(year, month)[1])


_SLASHED = r"(?<![\d/])(?:(?P<year>\d{4}|1\d\d)[/-](?P<month>\d{1,2})[/-](?P<day>\d{1,2}))(?![\d/])"
_SLASHED_US = r"(?<![\d/.$])(?!1/[234]\b)(?P<month>1[0-2]|0?[1-9])/(?P<day>3[01]|[12]\d|0?[1-9])(?:/(?P<year>\d{4}|\d{2}))?(?![\d/])"

_EN: tuple[tuple[str, Resolver, bool], ...] = (
    (_SLASHED, _named, False),
    (_SLASHED_US, _named, False),
    (r"\bday after tomorrow\b", _shift(2), False),
    (rf"\b(?P<nth>first|second|third|fourth|1st|2nd|3rd|4th|last(?= \w+ of)) {_EN_DAY}(?: (?:of|in) (?:the|this|every) month)?\b", lambda match, frame: _nth_weekday(match, frame), False),
    (r"\b(?:the )?day before yesterday\b", _shift(-2), False),
    (r"\b(?:yesterdays?|last night|ystrday|yest|yesty)\b", _shift(-1), False),
    (r"\b(?P<count>\d{1,3}) (?:days?|(?P<week>weeks?)) (?:ago|back)\b", _ago, False),
    (r"\ba week ago\b", _shift(-7), False),
    (rf"\b(?:a |one |1 )week from (?:this |next )?{_EN_DAY}\b", _week_after, False),
    (rf"\b(?:a |one )?week on {_EN_DAY}\b|\b{_EN_DAY.replace('weekday', 'weekday2')} week\b", lambda match, frame: _week_after_either(match, frame), False),
    (r"\b(?:a |one |1 )week from (?:today|now)\b|\bin (?:a|one|1) week\b|\ba week from today\b", _shift(7), False),
    (r"\b(?:in|within) (?:a couple|couple) (?:of )?weeks\b|\b(?:in|within) a fortnight\b|\bfortnights time\b|\bfortnight from (?:now|today)\b", _shift(14), False),
    (r"\b(?:in|within) (?P<count>\d{1,3}) (?:more )?(?:days?|(?P<week>weeks?))\b(?! (?:or|ago))", _scaled, False),
    (r"\b(?P<count>\d{1,2}) (?:days?|(?P<week>weeks?)) from (?:now|today)\b", _scaled, False),
    (rf"\b(?:end|last day) of {_EN_MONTH}\b", _end_of_named_month, False),
    (r"\bend of (?:the )?next month\b|\bnext months? end\b", _end_of_month(1), False),
    (r"\b(?:end of (?:the |this )?month|month[- ]?end|eom|last (?:day )?of (?:the|this) month|last day of the month)\b", _end_of_month(0), False),
    (rf"\b{_ORDINAL} (?:day )?of (?:the )?next month\b", _in_month(1), False),
    (r"\bnext month on the " + _ORDINAL, _in_month(1), False),
    (rf"\b{_ORDINAL} of this month\b", _month_day, False),
    (r"\b(?P<day>first) of the month\b", _month_day, False),
    (rf"\b{_EN_MONTH}\.? (?:the )?(?:(?P<day>\d{{1,2}}(?:st|nd|rd|th)?|{'|'.join(sorted(_ORDINALS, key=len, reverse=True))}))\b(?:,? (?P<year>20\d\d))?(?![:\d]|,\d)", _named, False),
    (rf"\b{_ORDINAL} (?:of )?{_EN_MONTH}\b", _named, False),
    (rf"\b(?P<day>\d{{1,2}}) (?:of )?{_EN_MONTH}\b", _named, False),
    (rf"\b{_EN_DAY.replace('?P<weekday>', '?:')},? (?:the )?(?P<day>\d{{1,2}}(?:st|nd|rd|th))\b", _month_day, False),
    (rf"\bnext week(?: on)? {_EN_DAY}\b|\b{_EN_DAY.replace('weekday', 'weekday2')} (?:of )?next week\b", lambda match, frame: _next_week_either(match, frame), False),
    (rf"\bnext {_EN_DAY}\b", _in_week(1), False),
    (rf"\b(?:last|past|this past) {_EN_DAY}\b", _in_week(-1), False),
    (rf"\b{_EN_DAY} (?:of )?last week\b", _in_week(-1), False),
    (rf"\bthis (?:coming )?{_EN_DAY}\b", _this_week, False),
    (rf"(?<!week of )\b(?:the|on|by|before|till|til|until|for|around) (?:the )?{_ORDINAL}\b(?! (?:time|payment|one|loan|mortgage|month|notice|call|text|day|half|letter|person|party|thing|job|check|week|quarter|guy|wife|lien|installment|place))", _month_day, False),
    (r"(?<!week of the )\b(?P<day>\d{1,2}(?:st|nd|rd|th))\b(?! (?:time|payment|one|loan|mortgage|month|notice|call|text|day|st\b|street|ave|floor|grade))", _month_day, False),
    (r"\b(?:tomorrow|2mor\w*|tmrw|tmr|tmw|tomoro\w*|the morn|bukas)\b|(?<=\d )tom\b", _shift(1), False),
    (r"\bon (?P<day>3[01]|[12]\d|[1-9])\b(?=\s*(?:$|[,.;!?]|i\b|we\b|for sure|sure))(?!\.\d)", _month_day, False),
    (rf"\b{_EN_DAY}\b", _weekday, False),
    (r"\bchristmas eve\b", _fixed(12, 24), False),
    (r"(?<!after )\bchristmas\b", _fixed(12, 25), False),
    (r"(?<!after )\bnew years? eve\b", _fixed(12, 31), False),
    (r"\bhalloween\b", _fixed(10, 31), False),
    (r"\b(?:today|tonight|2nite|2night|tonite|this (?:very )?(?:morning|afternoon|arvo|evening|day)|kanina|end of (?:the )?day|eod|close of business|after (?:work|my shift) today)\b", _shift(0), False),
    (r"\bin the morning\b", lambda _, frame: None if frame.is_past else frame.today + timedelta(days=1), True),
    (r"\bin (?:an?|\d{1,2}|a few|a couple(?: of)?) (?:minutes?|mins?|hours?)\b", _shift(0), True),
    (r"\b(?:right now|just now|right this minute|now|after work|later on|this minute|when i (?:get|clock) (?:home|off|out)|just (?:paid|sent|made|did|mailed|submitted|wired|dropped))\b", _shift(0), True),
)  # fmt: skip


def _week_after_either(match: re.Match[str], frame: Frame) -> date:
    number = weekday_number(match["weekday"] or match["weekday2"])
    return frame.today + timedelta(days=(number - frame.today.weekday() - 1) % 7 + 8)


def _next_week_either(match: re.Match[str], frame: Frame) -> date:
    name = match["weekday"] or match["weekday2"]
    monday = frame.today - timedelta(days=frame.today.weekday())
    return monday + timedelta(days=7 + weekday_number(name))


_ES_NEXT = r"(?:del? (?:proximo mes|mes (?:que (?:viene|entra)|proximo|entrante|siguiente)|otro mes))"
_ES: tuple[tuple[str, Resolver, bool], ...] = (
    (_SLASHED, _named, False),
    (_SLASHED_US, _named, False),
    (r"\bpasado manana\b", _shift(2), False),
    (r"\b(?:antier|anteayer|antes de ayer|antes de anoche)\b", _shift(-2), False),
    (r"\b(?:ayer|anoche)\b", _shift(-1), False),
    (r"\bhace (?P<count>\d{1,3}) (?:dias?|(?P<week>semanas?))\b", _ago, False),
    (r"\bhace una semana\b", _shift(-7), False),
    (r"\b(?:en|dentro de) una semana\b|\bde (?:hoy|aqui) en (?:ocho|8)\b", _shift(7), False),
    (r"\b(?:en|dentro de|de aqui a) (?P<count>\d{1,3}) (?:dias?|(?P<week>semanas?))\b", _scaled, False),
    (rf"\b(?:ultimo(?: dia)?|fin(?:es|al|ales)?) de {_ES_MONTH}\b", _end_of_named_month, False),
    (rf"\b(?:ultimo(?: dia)?|fin(?:es|al|ales)?) {_ES_NEXT}\b", _end_of_month(1), False),
    (r"\b(?:(?:el )?ultimo(?: dia)? del (?:presente )?mes|(?:a )?fin(?:es|al|ales)? de(?:l)? (?:este )?mes|(?:el )?ultimo(?: dia)? de este mes)\b", _end_of_month(0), False),
    (rf"\b(?:el |dia )*(?P<day>\d{{1,2}}) {_ES_NEXT}\b", _in_month(1), False),
    (rf"\b(?:el )?(?P<day>\d{{1,2}})(?:ro|o)? de {_ES_MONTH}(?: (?:de|del) (?P<year>20\d\d))?\b", _named, False),
    (rf"\b{_ES_MONTH} (?P<day>\d{{1,2}})\b", _named, False),
    (rf"\b(?:el )?primero de {_ES_MONTH}\b", lambda match, frame: _named_first(match, frame), False),
    (r"\b(?:el |dia )*(?:primero|1ro|1o) (?:de|del) (?:proximo )?mes(?: que viene)?\b", lambda match, frame: _first_of_next(frame), False),
    (rf"\b(?:el )?{_ES_DAY} (?:pasado|de la semana pasada)\b", _in_week(-1), False),
    (rf"\b(?:el )?(?:pasado) {_ES_DAY}\b", _in_week(-1), False),
    (rf"\b{_ES_DAY} de la (?:otra|proxima|siguiente|semana que viene) ?(?:semana)?\b", _in_week(1), False),
    (rf"\b(?:el )?(?:proximo|este) {_ES_DAY}\b", _coming, False),
    (rf"\b(?:el )?{_ES_DAY} (?:que (?:viene|entra)|proximo|entrante)\b", _coming, False),
    (rf"\bde (?:este )?{_ES_DAY} en (?:ocho|8)\b", _week_after, False),
    (rf"\b{_ES_DAY.replace('?P<weekday>', '?:')} (?P<day>3[01]|[12]\d|[1-9])\b(?! (?:de la|am|pm|dolares|pesos))(?![,.:]\d)", _month_day, False),
    (rf"\bnext {_EN_DAY}\b", _in_week(1), False),
    (rf"\b(?:this )?{_EN_DAY}\b", _coming, False),
    (r"\b(?:el |dia |el dia )(?P<day>primero|1ro)\b", lambda match, frame: _first_of_month(frame), False),
    (r"\b(?:el|dia|del|para el|al) (?:dia )?(?P<day>3[01]|[12]\d|[1-9])(?:ro)?\b(?! (?:de la|dolares|pesos|am|pm|mil|por|%|:|meses|anos|pagos))(?![:,.]\d)", _month_day, False),
    (r"(?<!esta )(?<!la )(?<!de )\bmanana\b|\bla manana siguiente\b", _shift(1), False),
    (rf"\b{_ES_DAY}\b", _weekday, False),
    (r"\bnochebuena\b", _fixed(12, 24), False),
    (r"(?<!despues de )\bnavidad\b", _fixed(12, 25), False),
    (r"\b(?:hoy|esta (?:noche|tarde|manana)|al rato|mas tarde)\b", _shift(0), False),
    (r"\b(?:ahorita|ahora|orita|saliendo (?:del|de la)|acabo de|recien|en este momento)\b", _shift(0), True),
)  # fmt: skip


def _named_first(match: re.Match[str], frame: Frame) -> date | None:
    return _fixed(_month_number(match["month"]), 1)(match, frame)


def _first_of_month(frame: Frame) -> date:
    first = frame.today.replace(day=1)
    if frame.is_past or first == frame.today:
        return first
    return _last_day(first.year, first.month) + timedelta(days=1)


def _first_of_next(frame: Frame) -> date | None:
    return _date(*_neighbour(frame.today.year, frame.today.month, 1), 1)


_ZH: tuple[tuple[str, Resolver, bool], ...] = (
    (r"(?:民国)?(?P<year>\d{2,4})年(?P<month>\d{1,2})月(?P<day>\d{1,2})[日号]?", _named, False),
    (_SLASHED, _named, False),
    (_SLASHED_US, _named, False),
    (r"(?:下个月|下月)(?:的)?(?P<day>\d{1,2})(?!\d)[日号]?", _in_month(1), False),
    (r"(?:上个月|上月)(?:的)?(?P<day>\d{1,2})(?!\d)[日号]?", _in_month(-1), False),
    (r"(?:这个月|本月|这月|今个月)(?:的)?(?P<day>\d{1,2})(?!\d)[日号]?", _in_month(0), False),
    (r"(?:下个月|下月)(?:底|末|尾)", _end_of_month(1), False),
    (r"(?<!\d)(?P<month>1[0-2]|0?[1-9])月(?:底|末|尾)", _end_of_named_month, False),
    (r"月底|月末|月尾|这个月最后一天", _end_of_month(0), False),
    (r"(?<!\d)(?P<month>1[0-2]|0?[1-9])月(?P<day>3[01]|[12]\d|0?[1-9])(?!\d)[日号]?", _named, False),
    (r"大后天|大後天|大后日", _shift(3), False),
    (r"后天|后日|後天|后个?儿|后个(?!月|周|星期|礼拜)", _shift(2), False),
    (r"大前天", _shift(-3), False),
    (r"前天|前日(?!子)|前晚", _shift(-2), False),
    (r"昨天|昨日|昨晚|昨儿|昨夜|昨", _shift(-1), False),
    (r"(?P<count>\d{1,3})(?:天|日|(?P<week>个?(?:周|星期|礼拜)))(?:之|以)?前", _ago, False),
    (r"(?P<count>\d{1,3})(?:天|日|(?P<week>个?(?:周|星期|礼拜)))(?:之|以)?(?:后|内)", _scaled, False),
    (r"(?:再过|过(?!2天))(?P<count>\d{1,3})(?:天|日|(?P<week>个?(?:周|星期)))", _scaled, False),
    (rf"下下(?:个)?{_ZH_DAY}", _in_week(2), False),
    (rf"下(?:个)?{_ZH_DAY}", _in_week(1), False),
    (rf"上(?:个)?{_ZH_DAY}", _in_week(-1), False),
    (rf"(?:这|本|今)(?:个)?{_ZH_DAY}", _this_week, False),
    (_ZH_DAY, _weekday, False),
    (r"(?<![\d月])(?P<day>3[01]|[12]\d|[1-9])[号日](?!楼|院|线|车)", _month_day, False),
    (r"每月(?P<day>3[01]|[12]\d|[1-9])[号日]", _month_day, False),
    (rf"(?<![a-z]){_EN_DAY}(?![a-z])", _weekday, False),
    (r"(?<![a-z])(?:tomorrow|tmr|tmrw)(?![a-z])", _shift(1), False),
    (r"(?<![a-z])yesterday(?![a-z])", _shift(-1), False),
    (r"(?<![a-z])(?:today|tonight|eod)(?![a-z])", _shift(0), False),
    (r"(?<![a-z])(?:month ?end|eom)(?![a-z])", _end_of_month(0), False),
    (r"明天|明日|明早|明晚|明个|明儿|明朝|明仔|听朝|听晚", _shift(1), False),
    (r"元旦", _fixed(1, 1), False),
    (r"国庆节?当天", _fixed(10, 1), False),
    (r"圣诞节?(?!后)", _fixed(12, 25), False),
    (r"今天|今日|今晚|今暗|今早|今朝|今儿|下晡|下班(?:后|就|以后)", _shift(0), False),
    (r"当天|当日|等等(?=就)|刚刚|刚才|刚|马上|立刻|现在|这就|等会儿?|一会儿?|啱啱|即刻|等下|等阵|阵间|(?<!每天)晚上|下了?(?:工|班)|放工|收工", _shift(0), True),
)  # fmt: skip


def _compiled(rules: tuple[tuple[str, Resolver, bool], ...]) -> list[tuple[re.Pattern[str], Resolver, bool]]:
    return [(re.compile(pattern), resolve, weak) for pattern, resolve, weak in rules]


_RULES = {"en": _compiled(_EN), "es": _compiled(_ES), "zh": _compiled(_ZH)}
