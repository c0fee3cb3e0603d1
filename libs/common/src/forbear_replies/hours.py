# ruff: noqa: E501 - a pattern or a word list is read as one line
"""When contact is welcome: hours and weekdays of a time preference. Pure.

'After six' opens a window, 'before eight' closes one, a window that is refused ('not between 9 and 5') opens at its end.
An hour without am or pm is read between 08:00 and 21:00.
"""

import re
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

from forbear_replies.days import weekday_number

DAY_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@dataclass(frozen=True, slots=True)
class Welcome:
    """The window in which contact is welcome; ``None`` where the text sets no bound."""

    not_before: str | None = None
    not_after: str | None = None
    days: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class _Clock:
    start: int
    end: int
    minutes: int
    is_sure: bool  # am/pm or a part of day was said


_EN_CLOCK = r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2})|[ ](?P<spoken>15|30|45))?(?:\s?(?P<half>am|pm|a\.m\.?|p\.m\.?|a\b(?! \w)|p\b))?(?:\s?o'?clock)?(?:[ ](?:in the |at )?(?P<part>morning|afternoon|evening|night))?"
_ES_CLOCK = r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2})|[ ]y (?P<spoken>media|cuarto|15|30))?(?:\s?(?P<half>am|pm|a\.m\.?|p\.m\.?))?(?:[ ](?:de|por|en) la (?P<part>manana|tarde|noche))?"
_ZH_CLOCK = r"(?P<part>凌晨|清晨|早上|上午|早晨|早|中午|下午|傍晚|晚上|晚|夜晚|夜里|午后|朝早|下昼)?(?P<hour>\d{1,2})(?::(?P<minute>\d{2})|[点时](?!几)(?P<spoken>半|1刻|一刻|3刻|三刻|\d{1,2}分?)?)(?:钟)?\s?(?P<half>am|pm)?"
_CLOCKS = {"en": re.compile(_EN_CLOCK), "es": re.compile(_ES_CLOCK), "zh": re.compile(_ZH_CLOCK)}
_CLOCK_WORDS = {
    "en": ((r"\bnoon(?:time)?\b|\bmidday\b", "12:00 pm"), (r"\bmidnight\b", "23:59"), (r"\bhalf past (\d{1,2})\b", r"\1:30"), (r"\b(?:a )?quarter past (\d{1,2})\b", r"\1:15"), (r"(?<!pay )(?<!send )(?<!\$)\b(1\d|2[01]|[1-9])(00|15|30|45)\b(?! (?:on|dollars|bucks|by|this|every|tomorrow|today)\b)", r"\1:\2"), (r"\b(\d{1,2}) ?o ?clock\b", r"\1:00"), (r"\b((?:any|every) ?(?:day|time|evening|night|morning|afternoon|weekday)) but\b", r"\1 except"), (r"\b(\d{1,2})ish\b", r"around \1"), (r"\bhalf (\d{1,2})\b", r"\1:30"), (r"\b(after|before|until|till|from|at|by|to|past|around|about|between|and) (\d{1,2})\.([0-5]\d)\b", r"\1 \2:\3"), (r"\b(and|to|till|until|at|after|before|from|between|by) one\b(?! (?:of|day|week|call|text|time|month|more|on|who|that))", r"\1 1"), (r"\b(?:any|every|ony) (?:other )?(?:day|time) (?:bar|but)\b", "any day except"), (r"\barvos?\b", "afternoon"), (r"\b(?:till?|until) (?:just )?after\b", "before")),
    "es": ((r"\bmediodia\b|\bmedio dia\b", "12:00 pm"), (r"\bmedianoche\b", "23:59"), (r"\bhasta despues de\b", "antes de")),
    "zh": ((r"正午|(?<=至|到)中午", "12点"), (r"(\d{1,2})(?: ?[-~到至] ?)(\d{1,2})([点时])", r"\1点-\2点"), (r"(\d{1,2})(?::(\d{2}))? ?[-~到至] ?(\d{1,2})(?::(\d{2}))? ?pm", r"下午\1点\2-下午\3点\4"), (r"(\d{1,2}) ?[-~到至] ?(\d{1,2}) ?am", r"上午\1点-上午\2点"), (r"(\d{1,2}) ?pm", r"下午\1点"), (r"(\d{1,2}) ?am", r"上午\1点")),
}  # fmt: skip
_SPOKEN = {"半": 30, "media": 30, "cuarto": 15, "1刻": 15, "一刻": 15, "3刻": 45, "三刻": 45}
_EVENING = {"pm", "p", "afternoon", "evening", "night", "tarde", "noche", "中午", "下午", "傍晚", "晚上", "晚", "夜晚", "夜里", "午后", "下昼"}  # fmt: skip

_NOT = {
    "en": r"\b(?:not|dont|no|never|stop|quit|cant|nothing|wont|unavailable|except|avoid|isnt|arent|refrain)\b",
    "es": r"\b(?:no|nada|nunca|ni|dejen|eviten|menos|excepto|paren|salvo)\b",
    "zh": r"不|别|勿|莫|甭|没|少|除了|禁止",
}
_AFTER = {
    "en": r"(?:after|past|from|since|later than|starting|beginning|following|not before|no earlier than|dont .{0,25}before|no .{0,15}before|never .{0,15}before|til|till|until|off (?:work )?at|off (?:work )?by|home (?:by|at|around|after)|out at|done (?:at|by)|ends at|end at|finish at|out of \w+ at|get off(?: work)? (?:at|around)|free at|free from|wakes? up at|up at|up by)\s*(?:about |around |like )?$",
    "es": r"(?:despues de(?: las?)?|a partir de(?: las?)?|de las?|desde las?|pasando las?|pasadas las|ya como a las|salgo a las?|salgo como a las|termino a las?|llego a las?|despierto a las?|hasta las?|antes de(?: las?)?)\s*$",
    "zh": r"(?!)",
}
_AFTER_TAIL = {
    "en": r"^\s*(?:or later|or after|and later|onwards?|on\b|and after|\+)",
    "es": r"^\s*(?:en adelante|o mas tarde|para arriba|pa arriba)",
    "zh": r"^(?:以后|之后|过后|后|往后|起|才|下班|下课|放学|收工|开始)",
}
_BEFORE = {
    "en": r"(?:before|by|until|till|til|to|earlier than|up to)\s*(?:about |around |like )?$",
    "es": r"(?:antes de(?: las?)?|hasta(?: las?)?|a mas tardar(?: a las)?)\s*$",
    "zh": r"(?!)",
}
_BEFORE_TAIL = {
    "en": r"^\s*(?:or earlier|at the latest|or before)",
    "es": r"^\s*(?:a mas tardar|o antes)",
    "zh": r"^(?:以前|之前|前|为止)",
}
# 'Never but in the evening': the exception to a refusal is welcome (in Chinese the refusal follows).
_ONLY_THEN = {
    "en": r"\b(?:dont|not|never|no)\b[^.;]*\b(?:except|other than|unless its)\b[^.;,]{0,12}$",
    "es": r"\b(?:no|nunca|ni)\b[^.;]*\b(?:excepto|salvo|menos|mas que|sino)\b[^.;,]{0,12}$",
    "zh": r"除了[^,。;]{0,3}$",
}
# 'Only weekends'; in speech without stops, another time that was refused ('not by day, after seven').
_ONLY_BEFORE = re.compile(
    r"\b(?:only|just|solo|nomas|nada mas) (?:on |the |los |el |en )?$|只(?:有|能|可以)?(?:在|是)?$"
)
_REFUSED_THEN = re.compile(
    r"(?:白天|早上|上午|中午|朝早|日头|下午)[^,。]{0,4}(?:别|不要|勿|莫|甭)[^,。]{3,}?(?:晚上|下午|下昼|夜晚|夜里|中午)?$"
)
# 'Asleep until ten', 'busy till five': the end of that opens the window.
_BUSY_UNTIL = {"en": r"\b(?:asleep|sleep|busy|work|working|in class|class|tied up|in bed|shift|at school|not available|out|booked|driving|training|practice|rehearsal|milking|meetings?|dont get (?:up|home|off)|not (?:up|home|free))\b[^.;]{0,25}$", "es": r"\b(?:trabajo|duermo|ocupad\w|en clase|clases|estoy|turno|dormid\w)\b[^.;]{0,25}$", "zh": r"(?:睡|忙|上班|上课|开会|班|课|干活|做工|直播|值班)[^,。;]{0,8}(?:到|至)$"}  # fmt: skip
# 'Home by eight, call then': what follows says that the hour opens the window.
_THEN = {
    "en": r"^\W*(?:and |so |you can |pls |please )*(?:(?:call|try|text|ring|reach|catch|buzz|hit)(?: me)?(?: up)? (?:then|after)|after(?: that)?|then)\b",
    "es": r"^\W*(?:y )?(?:ya )?(?:despues|luego|entonces|a partir de ahi)\b",
    "zh": r"(?!)",
}
_AFTER_THAT = r"^\W*(?:and |so )*(?:(?:call|text|try|reach)(?: me)? )?after(?: that)?\b|^\W*(?:y )?(?:ya )?despues\b"
# 'I teach from eight to three': the hours of a duty are closed.
_TIED_UP = {
    "en": r"\b(?:teach|work|working|sleep|in class|have class|busy|on shift|at work)\b.{0,8}$",
    "es": r"\b(?:trabajo|duermo|doy clases?|estoy en clase|ocupad\w|mi turno es)\b.{0,8}$",
    "zh": r"(?:上班|上课|睡觉|值班|开会|面试|返工|干活)(?:时间)?(?:是|都在|在)?$",
}
# 'Dialysis Tuesdays and Thursdays': the days of a duty are closed.
_DUTY_DAYS = {
    "en": r"\b(?:dialysis|chemo|radiation|treatments?|(?<!off )(?<!from )(?<!after )work|in class|have class|on shift|on call|on duty)\b(?: (?:on|is|are|every|all|\w+days?|and|&))*\s?$",
    "es": r"\b(?:dialisis|quimio|terapia|trabajo|doy clases?|tengo clases?|turno)\b(?: (?:los|el|de|y|todos|\w+es|sabados?|domingos?))*\s?$",
    "zh": r"(?:透析|化疗|上班|上课|值班|返工)(?:是|在)?$",
}
# Nobody calls at five in the morning: an hour outside these that is refused says nothing about the day.
_EARLIEST, _LATEST = 8 * 60, 21 * 60
# What puts an hour without am or pm into the evening.
_BEDTIME = re.compile(
    r"\bkids? (?:are|is|re) (?:down|asleep|in bed)\b|\btheyre (?:all )?(?:down|asleep|in bed)\b|\bduerma|\bse duerm|(?:孩子|小孩|宝宝)睡"
)
_RANGE = {
    "en": r"^\s?(?:-|to|and|til|till|until|through|thru|&)\s?$",
    "es": r"^\s?(?:-|a|y|hasta|a las?|y las?|hasta las?)\s?(?:las? )?$",
    "zh": r"^(?:-|~|到|至|和|与|跟)$",
}
_PARTS = {
    "en": ((r"\bmornings?\b|\ba\.?m\.? only\b", "am"), (r"\bafternoons?\b", "noon"), (r"\bevenings?\b|\bnights?\b|\btonight\b|\bafter (?:dinner|supper|dark)\b", "eve"), (r"\bat lunch(?:time)?\b", "lunch")),
    "es": ((r"\b(?:en|por|de|a|las?|toda) (?:la )?mananas?\b|\btemprano\b", "am"), (r"\btardes?\b(?! que)", "noon"), (r"\bnoches?\b|\bnochecita\b", "eve"), (r"\bal mediodia\b", "lunch")),
    "zh": ((r"早上|上午|早晨|清晨|清早|大清早|朝早|1早|一早", "am"), (r"下午|午后|下昼", "noon"), (r"晚上|傍晚|夜晚|晚间|夜里|今晚|明晚|晚黑|入夜|晚(?=打|再|联|说)", "eve"), (r"中午", "lunch")),
}  # fmt: skip
_WORKS_THEN = {
    "en": re.compile(r"\b(?:work|works|working|pull)(?: \w+){0,2} (?:nights?|mornings?|evenings?|afternoons?|night shifts?|overnights?)\b|\bnight (?:shift|nurse|work|job|crew)\b|\bon nights\b|\bgood (?:morning|afternoon|evening)\b|\ball night\b|\blast night\b"),
    "es": re.compile(r"\b(?:trabajo|soy) (?:de|en la|por la|toda la) (?:noche|manana|tarde)\b|\bturno de (?:la )?(?:noche|manana|tarde)\b|\bbuen[oa]s (?:dias|tardes|noches)\b|\btoda la noche\b"),
    "zh": re.compile(r"(?:上|值|做|返|是)?(?:大?夜班|晚班|早班|中班)|(?:早上|上午|下午|晚上)好|整晚|晚安"),
}  # fmt: skip
_DAY_WORDS = {
    "en": re.compile(r"\b(mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday|s)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?)s?\b"),
    "es": re.compile(r"\b(lunes|martes|miercoles|jueves|viernes|sabados?|domingos?)\b"),
    "zh": re.compile(r"(?<![\d两每几])(?<!(?<![周期拜])一)(?:星期|周|礼拜|拜)([一二三四五六日天])(?![次封条个回通则])"),
}  # fmt: skip
_DAY_LISTS = {
    "zh": re.compile(
        r"(?:星期|周|礼拜)([一二三四五六日天])[、和跟与同]?([一二三四五六日天])(?:[、和跟与同]?([一二三四五六日天]))?"
    )
}
_WEEKDAYS = re.compile(
    r"\bweek ?days?\b|\bworkdays?\b|\bbusiness days\b|\bentre semana\b|\bdias habiles\b|工作日|平日|平常日"
)
_WEEKENDS = re.compile(r"\bweek ?ends?\b|\bfindes?\b|\bfin(?:es)? de semana\b|周末|双休日|假日")
_OTHER_DAYS = re.compile(
    r"\b(?:any |every |all )?other (?:week)?days?\b|\brest of the week\b|\b(?:(?:cualquier|todos los) otros?|los (?:demas|otros)) dias?\b"
    r"|(?:其他|别的|其余|别)(?:日子|时间|几天|工作日|天|日)(?:都|可以|随便|行|拢|也)"
)
_OTHER_WEEKDAYS = re.compile(r"\bother (?:week|work)days?\b|其他工作日")
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
_CLAUSE = re.compile(
    r"[.;!。!?,，、\n]+|\b(?:but|otherwise|so|pero|mejor|then|bc|because|porque|since im)\b|但|不过|所以"
)


def find_welcome(text: str, *, family: str, today: date) -> Welcome:
    """The welcome window in a folded text with figures; an empty one where only a place or frequency is limited."""
    text = _WORKS_THEN[family].sub(" ~ ", _clock_words(text, family))
    window = _window_by_clock(text, family)
    if window is None:
        window = _window_by_part(text, family)
    elif window.not_before and window.not_before < "12:00" and _BEDTIME.search(text):
        window = replace(
            window, not_before=_written(int(window.not_before[:2]) * 60 + int(window.not_before[3:]) + 720)
        )
    return replace(window, days=_welcome_days(text, family, today))


def _clock_words(text: str, family: str) -> str:
    for pattern, written in _CLOCK_WORDS[family]:
        text = re.sub(pattern, written, text)
    return text


def _clocks(text: str, family: str) -> list[_Clock]:
    found = []
    for match in _CLOCKS[family].finditer(text):
        hour, said = int(match["hour"]), {(match["half"] or "").replace(".", ""), match["part"] or ""}
        spoken = match["spoken"] or ""
        minute = int(match["minute"] or _SPOKEN.get(spoken, 0) or int(re.sub(r"\D", "", spoken) or 0))
        if hour > 24 or minute > 59 or not _is_clock(match, text, family):
            continue
        is_sure = bool(said - {""}) or hour > 12
        found.append(_Clock(match.start(), match.end(), _minutes(hour, minute, said, is_sure=is_sure), is_sure))
    return found


def _is_clock(match: re.Match[str], text: str, family: str) -> bool:
    """A bare number is an hour only after a word that leads to one."""
    if match["minute"] or match["half"] or match["part"] or family == "zh":
        return not re.search(r"[\d$]$", text[: match.start()])
    before, after = text[: match.start()], text[match.end() :]
    if re.match(
        r"\d|\s?(?:days?|times?|weeks?|hours?|minutes?|calls?|%|st\b|nd\b|rd\b|th\b|/|dias|veces|horas|months?|kids|llamadas|jobs)",
        after,
    ):
        return False
    leads = r"(?:after|before|past|until|till|til|to|and|at|around|about|by|from|between|than|-|like|las?|a|y|hasta|de|entre|desde|para|&|catch me|since|through|thru|or)\s?$"
    return bool(re.search(leads, before)) or bool(re.match(r"\s?(?:-|to\b|or later|onwards?)", after))


def _minutes(hour: int, minute: int, said: set[str], *, is_sure: bool) -> int:
    if is_sure:
        if said & _EVENING and hour < 12 and not (said & {"中午"} and hour > 9):
            hour += 12
        elif said & {"am", "a", "morning", "manana", "早上", "上午"} and hour == 12:
            hour = 0
    elif hour < 8:
        hour += 12
    return (hour % 24 if hour != 24 else 24) * 60 + minute


def _window_by_clock(text: str, family: str) -> Welcome | None:
    clocks = _clocks(text, family)
    window, at, used = Welcome(), 0, False
    while at < len(clocks):
        clock = clocks[at]
        following = clocks[at + 1] if at + 1 < len(clocks) else None
        if following and re.match(_RANGE[family], text[clock.end : following.start]):
            window, at = _with_range(window, clock, following, text, family), at + 2
        else:
            window, at = _with_bound(window, clock, text, family), at + 1
        used = True
    return window if used else None


def _clause_before(text: str, end: int) -> str:
    return _CLAUSE.split(text[:end])[-1]


def _clause_after(text: str, start: int) -> str:
    return _CLAUSE.split(text[start:])[0]


def _is_refused(text: str, start: int, end: int, family: str) -> bool:
    """Whether the words around say 'not then'."""
    before, after = _clause_before(text, start), _clause_after(text, end)
    if _ONLY_BEFORE.search(before) or (family == "zh" and _REFUSED_THEN.search(before)):
        return False
    if re.search(r"\b(?:no|not any) (?:earlier|later|sooner)\b|\bno mas (?:tarde|temprano)\b", before):
        return True
    if re.search(_ONLY_THEN[family], text[:start]) and (
        family != "zh" or re.search(r"^.{0,4}(?:别|不要|勿|都不)", after)
    ):
        return False
    tail = {"en": r"^[^.]{0,18}\b(?:too early|no good|not good|dont work|doesnt work|bad|off limits|isnt good|i (?:work|sleep|teach|nap)|im (?:at work|asleep|working|teaching))\b", "es": r"^[^.]{0,14}\b(?:no (?:puedo|me|se|contesto|respondo|atiendo|recibo|tomo)|trabajo|duermo|tengo (?:client\w*|clases?|turno|misa|consulta)|doy clases?)\b|^\s?no\b(?=\s*(?:$|[,.;]|que\b|porque\b|pues\b))", "zh": r"^(?:除外|不算|(?:以|之)外.{0,6}(?:都|可以|行))|^(?:(?!日头|白天|上午|早上|下午|晚上|夜).){0,6}(?:别|不要|不方便|不行|勿|没空|在睡|睡觉|不能|上班|不接|不得|揸更|返工|出车|有课|有班|开工)"}[family]  # fmt: skip
    return bool(re.search(_NOT[family], before) or re.search(tail, after))


def _with_range(window: Welcome, first: _Clock, last: _Clock, text: str, family: str) -> Welcome:
    start, end = first.minutes, last.minutes
    if last.is_sure and not first.is_sure and start - 720 >= 480 and end < start:
        start -= 720
    if end <= start and end + 720 < 1440:
        end += 720
    if not first.is_sure and last.is_sure and last.minutes >= 780 and start < 720 and start + 720 < end and start < 540:
        start += 720
    then = re.match(_AFTER_THAT, text[last.end :]) or re.search(_TIED_UP[family], _clause_before(text, first.start))
    if then or _is_refused(text, first.start, last.end, family):
        return replace(window, not_before=_written(end))
    return replace(window, not_before=_written(start), not_after=_written(end))


def _with_bound(window: Welcome, clock: _Clock, text: str, family: str) -> Welcome:
    before, after = _clause_before(text, clock.start), text[clock.end :]
    refused = _is_refused(text, clock.start, clock.end, family)
    closes = bool(re.search(_BEFORE[family], before) or re.match(_BEFORE_TAIL[family], after.lstrip()))
    opens = bool(re.search(_AFTER[family], before) or re.match(_AFTER_TAIL[family], after.lstrip()))
    if re.search(_BUSY_UNTIL[family], before) or (closes and re.match(_THEN[family], after)):
        return replace(window, not_before=_written(clock.minutes))
    if closes:
        if refused:
            return replace(window, not_before=_written(clock.minutes))
        return replace(window, not_after=_written(_late(clock) if clock.minutes <= 480 else clock.minutes))
    if opens and refused:
        return replace(window, not_after=_written(_late(clock)))
    if refused and not opens and clock.is_sure and not _EARLIEST <= clock.minutes <= _LATEST:
        return window
    return replace(window, not_before=_written(clock.minutes))


def _late(clock: _Clock) -> int:
    """'Not after eight' closes an evening."""
    return clock.minutes + 720 if not clock.is_sure and clock.minutes <= 540 else clock.minutes


def _written(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


_PART_WINDOWS = {"am": (None, "12:00"), "noon": ("12:00", "18:00"), "eve": ("18:00", None), "lunch": ("12:00", None)}
_PART_REFUSED = {"am": ("12:00", None), "noon": ("18:00", None), "eve": (None, "18:00"), "lunch": (None, None)}


def _window_by_part(text: str, family: str) -> Welcome:
    """Parts of the day named without an hour; a welcome part wins over a refused one."""
    welcome, refused = None, None
    for pattern, part in _PARTS[family]:
        for match in re.finditer(pattern, text):
            is_tied_up = bool(re.search(_TIED_UP[family], _clause_before(text, match.start())))
            if is_tied_up or _is_refused(text, match.start(), match.end(), family):
                refused = refused or part
            else:
                welcome = welcome or part
    if welcome:
        return Welcome(*_PART_WINDOWS[welcome])
    return Welcome(*_PART_REFUSED[refused]) if refused else Welcome()


def _welcome_days(text: str, family: str, today: date) -> tuple[str, ...] | None:
    welcome, refused = set[int](), set[int]()
    named = _named_days(text, family)
    for match, numbers in named:
        is_tied_up = bool(re.search(_DUTY_DAYS[family], _clause_before(text, match.start())))
        target = refused if is_tied_up or _is_refused(text, match.start(), match.end(), family) else welcome
        target.update(numbers)
    if not welcome and not refused:
        if re.search(_TOMORROW[family], text):
            welcome.add((today + timedelta(days=1)).weekday())
        elif re.search(_TODAY[family], text):
            welcome.add(today.weekday())
    if welcome | refused and _OTHER_DAYS.search(text):
        welcome, refused = set(), {number for _, numbers in named if len(numbers) < 5 for number in numbers}
    welcome -= refused
    if not welcome and refused:
        welcome = set(range(5 if _OTHER_WEEKDAYS.search(text) else 7)) - refused
    return tuple(DAY_NAMES[number] for number in sorted(welcome)) or None


def _named_days(text: str, family: str) -> list[tuple[re.Match[str], set[int]]]:
    found = [(match, set(range(5))) for match in _WEEKDAYS.finditer(text)]
    found += [(match, {5, 6}) for match in _WEEKENDS.finditer(text)]
    singles = [(match, {weekday_number(match[1])}) for match in _DAY_WORDS[family].finditer(text)]
    for one, other in pairwise(singles):
        between = text[one[0].end() : other[0].start()]
        if re.fullmatch(r"\s?(?:-|to|through|thru|a|al|till|hasta|到|至)\s?(?:el )?", between):
            start, end = min(one[1]), min(other[1])
            one[1].update(range(start, end + 1) if start <= end else {start, end})
    for match in _DAY_LISTS[family].finditer(text) if family in _DAY_LISTS else ():
        found.append((match, {weekday_number(name) for name in match.groups() if name}))
    return found + singles
