# ruff: noqa: E501 - a pattern or a word list is read as one line
"""When contact is welcome: hours and weekdays of a time preference. Pure.

'After six' opens a window, 'before eight' closes one, a window that is refused ('not between 9 and 5') opens at its end.
An hour without am or pm is read between 08:00 and 21:00.
"""

import re
from dataclasses import dataclass, replace
from datetime import date

from forbear_replies.refused_times import TIED_UP, clause_before, is_refused, marked
from forbear_replies.weekdays import welcome_days


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
    "zh": ((r"正午|(?<=至|到)中午|中午(?=以?[前后]|之[前后])", "12点"), (r"(\d{1,2})(?: ?[-~到至] ?)(\d{1,2})([点时])", r"\1点-\2点"), (r"(\d{1,2})(?::(\d{2}))? ?[-~到至] ?(\d{1,2})(?::(\d{2}))? ?pm", r"下午\1点\2-下午\3点\4"), (r"(\d{1,2}) ?[-~到至] ?(\d{1,2}) ?am", r"上午\1点-上午\2点"), (r"(\d{1,2}) ?pm", r"下午\1点"), (r"(\d{1,2}) ?am", r"上午\1点")),
}  # fmt: skip
_SPOKEN = {"半": 30, "media": 30, "cuarto": 15, "1刻": 15, "一刻": 15, "3刻": 45, "三刻": 45}
_EVENING = {"pm", "p", "afternoon", "evening", "night", "tarde", "noche", "中午", "下午", "傍晚", "晚上", "晚", "夜晚", "夜里", "午后", "下昼"}  # fmt: skip
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
    "zh": r"^(?:以前|之前|前|为止)|^[^,。;后]{0,4}(?:之前|以前)|^[^。;]{0,6}在?此前",
}
# 'Asleep until ten', 'busy till five': the end of that opens the window.
_BUSY_UNTIL = {"en": r"\b(?:asleep|sleep|busy|work|working|in class|class|tied up|in bed|shift|at school|not available|out|booked|driving|training|practice|rehearsal|milking|meetings?|dont get (?:up|home|off)|not (?:up|home|free))\b[^.;]{0,25}$", "es": r"\b(?:trabajo|duermo|ocupad\w|en clase|clases|estoy|turno|dormid\w)\b[^.;]{0,25}$", "zh": r"(?:睡|忙|上班|上课|开会|班|课|干活|做工|直播|值班)[^,。;]{0,8}(?:到|至)$"}  # fmt: skip
# 'Home by eight, call then': what follows says that the hour opens the window.
_THEN = {
    "en": r"^\W*(?:and |so |you can |pls |please )*(?:(?:call|try|text|ring|reach|catch|buzz|hit|holler)(?: me)?(?: up)?(?: at me)? (?:then|after)|(?:any ?time |anything )?after(?: that)?|then|(?:call |text )?later than that)\b",
    "es": r"^\W*(?:y )?(?:ya )?(?:despues|luego|entonces|a partir de ahi)\b",
    "zh": r"(?!)",
}
_BEFORE_THAT = re.compile(r"^\W*(?:so |and )*(?:call |text )?before (?:that|then)\b")
_AFTER_THAT = r"^\W*(?:(?:and|so|not then|nothing then) ?)*\W*(?:(?:call|text|try|reach)(?: me)? )?(?:after(?: that)?(?! \d)|later than that)\b|^\W*(?:y )?(?:ya )?despues\b"
# Nobody calls at five in the morning: an hour outside these that is refused says nothing about the day.
_EARLIEST, _LATEST = 8 * 60, 21 * 60
# What puts an hour without am or pm into the evening.
_BEDTIME = re.compile(
    r"\bkids? (?:are|is|re) (?:down|asleep|in bed)\b|\btheyre (?:all )?(?:down|asleep|in bed)\b|\bduerma|\bse duerm|(?:孩子|小孩|宝宝|个仔|个女)(?:睡|瞓)|太夜|夜间|(?:晚上|夜晚)[^,。]{0,8}(?:打烊|关|回|返|下班|睡)"
)
_RANGE = {
    "en": r"^\s?(?:-|to|and|til|till|until|through|thru|&)\s?$",
    "es": r"^\s?(?:-|a|y|hasta|a las?|y las?|hasta las?)\s?(?:las? )?$",
    "zh": r"^(?:-|~|到|至|和|与|跟)$",
}
_PARTS = {
    "en": ((r"\bmornings?\b|\ba\.?m\.? only\b", "am"), (r"\bafternoons?\b", "noon"), (r"\bevenings?\b|\bnights?\b|\btonight\b|\bafter (?:dinner|supper|dark)\b", "eve"), (r"\bat lunch(?:time)?\b", "lunch")),
    "es": ((r"\b(?:en|por|de|a|las?|toda) (?:la )?mananas?\b|\btemprano\b", "am"), (r"\btardes?\b(?! que)", "noon"), (r"\bnoches?\b|\bnochecita\b", "eve"), (r"\bal mediodia\b", "lunch")),
    "zh": ((r"早上|上午|早晨|清晨|清早|大清早|朝早|1早|一早", "am"), (r"下午|午后|过午|下昼", "noon"), (r"晚上|傍晚|夜晚|晚间|夜里|今晚|明晚|晚黑|入夜|晚(?=打|再|联|说)", "eve"), (r"中午", "lunch")),
}  # fmt: skip
_WORKS_THEN = {
    "en": re.compile(r"\b(?:work|works|working|pull)(?: \w+){0,2} (?:nights?|mornings?|evenings?|afternoons?|night shifts?|overnights?)\b|\bnight (?:shift|nurse|work|job|crew)\b|\bon nights\b|\bgood (?:morning|afternoon|evening)\b|\ball night\b|\blast night\b"),
    "es": re.compile(r"\b(?:trabajo|soy) (?:de|en la|por la|toda la) (?:noche|manana|tarde)\b|\bturno de (?:la )?(?:noche|manana|tarde)\b|\bbuen[oa]s (?:dias|tardes|noches)\b|\btoda la noche\b"),
    "zh": re.compile(r"(?:上|值|做|返|是)?(?:大?夜班|晚班|早班|中班)|(?:早上|上午|下午|晚上)好|整晚|晚安"),
}  # fmt: skip
_PART_WINDOWS = {"am": (None, "12:00"), "noon": ("12:00", "18:00"), "eve": ("18:00", None), "lunch": ("12:00", None)}
_PART_REFUSED = {"am": ("12:00", None), "noon": ("18:00", None), "eve": (None, "18:00"), "lunch": (None, None)}


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
    if window.not_before and window.not_after and window.not_after <= window.not_before:
        window = replace(window, not_after=None)  # 'busy until eleven, call after eleven'
    return replace(window, days=welcome_days(text, family, today))


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


def _with_range(window: Welcome, first: _Clock, last: _Clock, text: str, family: str) -> Welcome:
    start, end = first.minutes, last.minutes
    if last.is_sure and not first.is_sure and start - 720 >= 480 and end < start:
        start -= 720
    if end <= start and end + 720 < 1440:
        end += 720
    if not first.is_sure and last.is_sure and last.minutes >= 780 and start < 720 and start + 720 < end and start < 540:
        start += 720
    then = re.match(_AFTER_THAT, text[last.end :]) or re.search(TIED_UP[family], clause_before(text, first.start))
    if then or is_refused(text, first.start, last.end, family):
        return replace(window, not_before=_written(end))
    return replace(window, not_before=_written(start), not_after=_written(end))


def _with_bound(window: Welcome, clock: _Clock, text: str, family: str) -> Welcome:
    before, after = clause_before(text, clock.start), text[clock.end :]
    refused = is_refused(text, clock.start, clock.end, family)
    closes = bool(
        _BEFORE_THAT.match(after)
        or re.search(_BEFORE[family], before)
        or re.match(_BEFORE_TAIL[family], after.lstrip())
    )
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


def _window_by_part(text: str, family: str) -> Welcome:
    """Parts of the day named without an hour; a welcome part wins over a refused one."""
    named = [(match, part) for pattern, part in _PARTS[family] for match in re.finditer(pattern, text)]
    welcome: list[tuple[re.Match[str], str]] = []
    refused: list[tuple[re.Match[str], str]] = []
    for match, part in named:
        is_tied_up = bool(re.search(TIED_UP[family], clause_before(text, match.start())))
        is_closed = is_tied_up or is_refused(text, match.start(), match.end(), family)
        (refused if is_closed else welcome).append((match, part))
    if welcome:
        return Welcome(*_PART_WINDOWS[marked(welcome, named, text, family)[0][1]])
    return Welcome(*_PART_REFUSED[refused[0][1]]) if refused else Welcome()
