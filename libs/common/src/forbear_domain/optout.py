"""Is this reply a request to stop? Exact words decide alone, plain sentences help, doubt goes to a person.

Keywords match the whole reply, never a part of it: "weekend" and "appendix" contain "end" and mean nothing. Sources:
47 CFR 64.1200(a)(10) for the words that count by themselves, the CFPB's debt collection FAQs of July 2022 for
honouring requests in the consumer's own words, carriers' keyword lists for the rest.
"""

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum


class Intent(StrEnum):
    """What a reply asks for, as far as stopping is concerned."""

    OPT_OUT = "opt_out"  # of this address, at once
    STOP_CALLS = "stop_calls"  # of the medium voice
    AMBIGUOUS = "ambiguous"  # stop automation on this address and ask a person
    NOT_OPT_OUT = "not_opt_out"


@dataclass(frozen=True, slots=True)
class Reading:
    """The intent and what it was read from."""

    intent: Intent
    matched: str = ""


KEYWORDS = frozenset(
    {
        "stop", "stopall", "stop all", "quit", "end", "revoke", "optout", "opt out", "cancel", "unsubscribe", "remove",
        "arret", "arrêt", "td", "退订", "退訂", "取消订阅", "取消訂閱", "回t退订", "回t退訂", "拒收",
    }
)  # fmt: skip
SINGLE_LETTERS = frozenset({"t", "r", "n"})  # mean something only after a message that offered them

_CALL = r"(?:call(?:s|ing)?|phon(?:e|ing)|ring(?:ing)?)"
_WRITE = r"(?:text(?:s|ing)?|messag(?:e|es|ing)|e ?mail(?:s|ing)?|sms|contact(?:ing)?|send(?:ing)?|writ(?:e|ing))"
_REFUSE = r"(?:stop|quit|cease|do not|don t|dont|no more|never|not want(?: any| more)?|discontinue)"
_STOP_CALLS = (
    re.compile(rf"\b{_REFUSE}(?: \w+){{0,2}} {_CALL}\b"),
    re.compile(r"(?:不要|别|請勿|请勿|勿|停止|不准).{0,4}(?:打电话|打電話|来电|來電|致电|致電)"),
)
_OPT_OUT = (
    re.compile(rf"\b{_REFUSE}(?: \w+){{0,2}} {_WRITE}\b"),
    re.compile(r"\b(?:opt|take|leave|remove|delete|drop) (?:me|us|my (?:number|email|address|phone))\b.{0,30}"),
    re.compile(r"\b(?:opt(?:ing)? out|unsubscribe|lose my number|leave me alone|wrong list)\b"),
    re.compile(r"\b(?:cancel|end|quit)(?: \w+)? (?:texts?|messages?|emails?|sms|alerts?|subscription)\b"),
    re.compile(r"\b(?:revok(?:e|ing)|withdraw(?:ing)?)(?: \w+){0,2} consent\b"),
    re.compile(r"^(?:please |pls |now |just |ok |hey )*(?:stop|stopall|unsubscribe|quit)"
               r"(?: please| pls| now| it| this| already| asap| thanks| thank you| all)*$"),
    re.compile(r"(?:不要|别|請勿|请勿|勿|停止).{0,4}(?:发|發|短信|簡訊|消息|联系|聯繫|联络|打扰|騷擾|骚扰|推送)"),
    re.compile(r"^(?:请|請|我要|帮我|幫我)?(?:退订|退訂|取消订阅|取消訂閱|拒收)(?:吧|谢谢|謝謝|短信|簡訊)?$"),
    re.compile(r"(?:想|要|请|請)(?:退订|退訂|取消订阅|取消訂閱)(?!单|單)"),
    re.compile(r"\bno (?:me |nos )?(?:llam|escrib|mand|env)\w+|\bdej(?:en|e)? de \w+|\bd[eé]jenme\b"),
    re.compile(r"\bdarme de baja\b|^(?:alto|baja)$"),
)  # fmt: skip
_SOFT = re.compile(
    r"\b(?:stop|cancel|revoke|remove|unsubscribe|opt ?out|(?:end|quit) (?:this|these|it|all|now))\b|退订(?!单)"
)
_HARMLESS = re.compile(
    r"\b(?:stop by|stops? at|stopped by|nonstop|non stop|bus stop|by the end|at the end|end of|week ?end|in the end|"
    r"the end|unstop|don t stop|never stop|can t stop|won t stop|couldn t stop)\b"
)


def normalise(text: str) -> str:
    """NFKC, case folded, without punctuation and emoji, single spaces; hyphens part words like spaces do."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    kept = (char if unicodedata.category(char)[0] in "LMN" else " " for char in folded)
    return " ".join("".join(kept).split())


def read_stop(text: str, *, letters_offered: bool = False) -> Reading:
    """What the reply asks for; `letters_offered` when the message it answers told the person to send a letter."""
    words = normalise(text)
    if words in KEYWORDS or words.replace(" ", "") in KEYWORDS:
        return Reading(Intent.OPT_OUT, words)
    if words in SINGLE_LETTERS:
        return Reading(Intent.OPT_OUT if letters_offered else Intent.AMBIGUOUS, words)
    for patterns, intent in ((_STOP_CALLS, Intent.STOP_CALLS), (_OPT_OUT, Intent.OPT_OUT)):
        for pattern in patterns:
            found = pattern.search(words)
            if found and not _HARMLESS.search(words):
                return _both_media(words, Reading(intent, found.group()))
    soft = _SOFT.search(_HARMLESS.sub(" ", words))
    return Reading(Intent.AMBIGUOUS, soft.group()) if soft else Reading(Intent.NOT_OPT_OUT)


def _both_media(words: str, reading: Reading) -> Reading:
    """'Stop calling and texting me' asks for more than a stop of calls: the wider request wins."""
    if reading.intent is Intent.STOP_CALLS and re.search(rf"\b{_WRITE}\b|短信|簡訊", words):
        return Reading(Intent.OPT_OUT, reading.matched)
    return reading
