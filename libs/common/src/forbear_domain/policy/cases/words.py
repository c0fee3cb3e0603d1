"""What texts of worked cases say: statements of consumers, scripts of collectors, the opt-out line of a message.

For `forbear policy check` alone, whose texts are anybody's, descriptions of conduct among them. What we send is held to
`forbear_domain.messages.lint`, which knows brand, person and language and lets much less through.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, time
from typing import Any

from forbear_domain.policy.facts import Channel, Inconvenience, Suppression, SuppressionKind

_NO = (
    r"\b(?:stop|do not|don'?t|never|no more|cannot|can'?t|must not|quit|not want(?: any| more)?|please refrain from)\b"
)
_MEDIA = {
    Channel.VOICE: r"\b(?:call(?:s|ing)?|phon(?:e|ing)|ring)\b",
    Channel.SMS: r"\b(?:text(?:s|ing)?|sms)\b",
    Channel.EMAIL: r"\be-?mail(?:s|ing)?\b",
    Channel.MAIL: r"\b(?:letters?|postal|mail(?:ing)?s?)\b",
}
_AT_WORK = re.compile(r"\b(?:at|from|in) (?:my |the )?(?:work|job|office|workplace)\b|\bemployer\b")
_AT_HOME = re.compile(r"\bat (?:my )?home\b")
_CLOCKS = re.compile(r"(\d{1,2}):(\d{2})\s*(?:-|–|to|until)\s*(\d{1,2}):(\d{2})")

# What a collector's words must not do; each pattern stands for one prohibition of the cited rules.
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "threat of arrest": (
        r"\barrest", r"\bjail", r"\bprison", r"imprison", r"police will", r"逮捕", r"坐牢", r"拘留",
    ),
    "threat of an action that is not lawful and intended": (
        r"garnish", r"\bseiz", r"repossess", r"\bsell your", r"lien on", r"take your (?:home|house|car)",
        r"foreclos.{0,30}(?:tomorrow|immediately|next week)", r"no (?:judgment|intent)", r"not intended",
    ),
    "suit on a time-barred debt": (
        r"\b(?:sue|suit|lawsuit|legal action|court)\b.{0,80}(?:limitation|time-?barred|expired|statute)",
    ),
    "pretended attorney, authority or bureau": (
        r"\battorney\b.{0,60}\bnot an? (?:attorney|lawyer)", r"not an? (?:attorney|lawyer)",
        r"law firm.{0,40}(?:not|no )", r"\bgovernment\b", r"\bcredit bureau\b", r"federal agency", r"\bmarshal",
        r"\bsheriff", r"冒充", r"公安", r"法院", r"检察", r"檢察", r"公检法",
    ),
    "imputed crime or disgrace": (
        r"\bcrime", r"\bcriminal", r"\bfraudster", r"\bthief", r"deadbeat", r"disgrace", r"\bshame",
    ),
    "imitated court paper": (
        r"\bsummons\b", r"\bsubpoena\b", r"court (?:document|order|paper)", r"resembl.{0,20}court", r"case number",
        r"looks like a court",
    ),
    "false amount or status": (
        r"false amount", r"inflated", r"not owed", r"wrong amount", r"interest (?:that is )?not (?:due|authori)",
    ),
    "false name": (
        r"false (?:business )?name", r"not (?:our|the) true name", r"other company name", r"anonymous",
    ),
    "false urgency": (
        r"(?:one-time|last chance|final).{0,60}(?:offer|notice).{0,60}(?:\(|not |isn'?t|untrue|does not)",
        r"offer .{0,30}(?:available|open) .{0,20}(?:later|anyway)", r"false urgency", r"false deadline",
    ),
    "overshadowed dispute right": (
        r"(?:pay|payment).{0,40}(?:within|in) (?:\d+|ten|five|seven) days"
        r".{0,60}(?:regardless|or else|no disput|validation)",
        r"cannot dispute", r"may not dispute",
    ),
    "misleading pretext": (
        r"deliver", r"parcel", r"package", r"prize", r"survey", r"you (?:have )?won", r"包裹", r"快递",
    ),
    "abuse": (
        r"obscen", r"profan", r"insult", r"idiot", r"stupid", r"swear", r"abusive", r"侮辱", r"辱骂", r"恐吓", r"威胁",
        r"暴力", r"骚扰", r"騷擾", r"恐嚇",
    ),
    "publication": (
        r"(?:post|publish|list).{0,40}(?:debtor|facebook|social|public|online|neighbo)", r"公告栏", r"张贴",
        r"公示", r"公开", r"曝光", r"通讯录", r"朋友圈", r"业主群", r"微信群",
    ),
    "new borrowing": (
        r"(?:borrow|new loan|payday|sell (?:your|the) (?:home|house)).{0,60}(?:repay|pay|debt)",
        r"(?:repay|pay) .{0,40}by (?:borrowing|selling)", r"以贷养贷",
        r"(?:借贷|借款|贷款).{0,4}(?:偿还|还款|归还)", r"借新还旧", r"诱导.{0,6}(?:借|贷)",
        r"网贷.{0,6}还",
    ),
    "extra charges": (
        r"手续费", r"额外收费", r"收取.{0,6}费用", r"premium.?rate",
    ),
    "illegal data": (
        r"非法.{0,6}信息", r"购买.{0,6}信息", r"爬取",
    ),
}  # fmt: skip
_FORBIDDEN = {name: re.compile("|".join(parts), re.IGNORECASE | re.DOTALL) for name, parts in FORBIDDEN.items()}


def faults_of(text: str) -> list[str]:
    """The prohibitions a text seems to break; none found proves nothing, which is why templates are approved."""
    return [name for name, pattern in _FORBIDDEN.items() if pattern.search(text)]


_DEBT = re.compile(
    r"\b(?:debts?|owes?|owing|collect\w*|creditor|past due|balance|loan|payment)\b|欠|债务|催收|逾期", re.IGNORECASE
)


def mentions_debt(script: str) -> bool:
    """Whether whoever hears it learns that a debt exists."""
    return bool(_DEBT.search(script))


def suppressions_of(statements: Iterable[Any], since: datetime) -> list[Suppression]:
    """The media and places that a consumer's own words bar; being busy bars nothing."""
    found: list[Suppression] = []
    for statement in statements:
        text = str(statement["text"] if isinstance(statement, Mapping) else statement).casefold()
        if not re.search(_NO, text) and "forbid" not in text and "prohibit" not in text and "not allow" not in text:
            continue
        if _AT_WORK.search(text):
            found.append(Suppression(SuppressionKind.WORK_BARRED, since))
        elif not _AT_HOME.search(text):
            found += [Suppression(SuppressionKind.MEDIUM_STOP, since, channel=channel) for channel in _media_in(text)]
    return found


def _media_in(text: str) -> list[Channel | None]:
    media: list[Channel | None] = [channel for channel, pattern in _MEDIA.items() if re.search(pattern, text)]
    if not media and re.search(r"\bcontact(?:ing)?\b", text):
        return [None]
    return media


def places_of(statements: Iterable[Any]) -> list[Inconvenience]:
    """Places that a consumer's own words bar."""
    texts = [str(one["text"] if isinstance(one, Mapping) else one).casefold() for one in statements]
    return [Inconvenience(place="home") for text in texts if _AT_HOME.search(text) and re.search(_NO, text)]


def known_times(notes: Iterable[str]) -> list[Inconvenience]:
    """Times of sleep or absence written in free words, such as 'sleeps 08:00-15:00'."""
    times = [match for note in notes for match in _CLOCKS.finditer(str(note))]
    found: list[Inconvenience] = []
    for match in times:
        hours = [int(part) for part in match.groups()]
        starts, ends = time(hours[0] % 24, hours[1]), time(hours[2] % 24, hours[3])
        if starts < ends:
            found.append(Inconvenience(starts=starts, ends=ends))
        else:  # over midnight
            found += (
                [Inconvenience(starts=starts), Inconvenience(ends=ends)]
                if ends != time(0)
                else [Inconvenience(starts=starts)]
            )
    return found


_OPT_OUT_BY_REPLY = re.compile(
    r"\b(?:reply|text|respond|send|answer)\b.{0,40}"
    r"\b(?:stop\w*|quit|end|cancel|unsubscribe|opt ?-?out|no|remove)\b"
)
_OPT_OUT_BY_LINK = re.compile(
    r"\b(?:click|link|tap|follow)\b.{0,80}(?:opt|unsubscribe|stop)|\bunsubscribe\b"
    r"|(?:opt|unsubscribe|stop).{0,60}\b(?:click|link|https?:)"
)
_OPT_OUT_SENTENCE = re.compile(r"[^.!?]*\b(?:opt|stop|unsubscribe|quit|cancel)[^.!?]*")
_BURDEN = re.compile(
    r"\b(?:fee|pay|charge|cost|account number|social security|ssn|date of birth|password|log ?in|sign in|"
    r"create an account|full name|reason|only by (?:mail|phone))\b|\$\d"
)
_HIDDEN = re.compile(r"illegible|tiny|font size|same colou?r|hidden|white on white|unreadable|fine print")


def opt_out_line_ok(body: str) -> bool:
    """Whether a message says simply how to opt out by itself: a word to reply with or a link, no fee, no other data."""
    text = body.casefold()
    offered = _OPT_OUT_BY_REPLY.search(text) or _OPT_OUT_BY_LINK.search(text)
    burdened = any(_BURDEN.search(sentence) for sentence in _OPT_OUT_SENTENCE.findall(text))
    return bool(offered) and not burdened and not _HIDDEN.search(text)


_MORE_THAN_CONFIRMATION = re.compile(
    r"\b(?:ask us|new|offer|savings?|loan|save|discount|pay(?:ment)?|balance|owe|call us|visit|debt|settle|click)\b"
)
_CONFIRMATION = re.compile(
    r"unsubscribed|opted out|opt-out|asked us to stop|will honou?r|no longer (?:receive|text)|"
    r"will not (?:text|receive)|stopped|no more messages|removed"
)


def confirms_only(body: str) -> bool:
    """Whether a confirmation of an opt-out contains nothing else; it may ask which messages were meant."""
    return not _MORE_THAN_CONFIRMATION.search(body.casefold())


def looks_like_confirmation(body: str) -> bool:
    """Whether a text talks about an opt-out that was just received."""
    return bool(_CONFIRMATION.search(body.casefold()))
