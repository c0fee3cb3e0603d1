# ruff: noqa: E501 - a pattern or a word list is read as one line
"""Turn a folded text into numbers: hashed word and character n-grams, figures and days masked. Pure; one way for all.

Training and reading call the same function, so they cannot drift apart. Words and characters are two blocks, each
weighed and normalised by itself, as a union of two TF-IDF spaces would be.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from zlib import crc32

from forbear_replies.concepts import clauses_of
from forbear_replies.lexicon import Findings
from forbear_replies.wishes import ChannelsNamed

_BLOCK = 1 << 18  # buckets of words and of characters; collisions stay below one in ten
_CONCEPT_BLOCK = 1 << 15
DIMENSIONS = 2 * _BLOCK + _CONCEPT_BLOCK  # 23 labels x 557,056 x one byte = 13 MB of weights
CHARS_MAX = 1_200  # what a person says first decides; a longer text adds nothing but time

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec|january|february|march|april|june|july|august|september|october|november|december|enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"
_DAYS = "mon|tue|tues|wed|thu|thur|thurs|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday|lunes|martes|miercoles|jueves|viernes|sabado|domingo"
_MASKS = (
    (re.compile(r"\d{1,2}(?::\d{2})?\s?(?:am|pm|a\.m\.|p\.m\.)\b|\d{1,2}:\d{2}|[0-9一二三四五六七八九十两]{1,3}点(?:半|钟)?"), " _hour "),
    (re.compile(r"(?:us|hk|nt)?\$\s?\d[\d,.]*k?|\d[\d,.]*\s?(?:元|块|万|千|百|蚊|dolares|dollars|bucks|pesos|usd|k\b)|[一二两三四五六七八九]+[万千百][一二三四五六七八九千百万零]*(?:元|块|蚊)?"), " _money "),
    (re.compile(r"\d{1,2}/\d{1,2}(?:/\d{2,4})?|\d{1,2}月\d{1,2}[日号]?|\d{1,2}[号日](?!楼)|(?<=[^\w])\d{1,2}(?:st|nd|rd|th)\b|[一二三四五六七八九十]+月[一二三四五六七八九十]+[日号]?|[一二三四五六七八九十]{1,3}号"), " _date "),
    (re.compile(rf"\b(?:{_DAYS})\b|(?:星期|周|礼拜)[一二三四五六日天]"), " _weekday "),
    (re.compile(rf"\b(?:{_MONTHS})\b"), " _month "),
    (re.compile(r"\d[\d,.\-]*"), " _num "),
)  # fmt: skip
_TOKEN = re.compile(r"_[a-z]+|[a-z]+|[\u3400-\u9fff]|[?!]")
_RUN = re.compile(r"_[a-z]+|[a-z]+|[\u3400-\u9fff]+")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Hashed features with their counts: words (and rule findings), characters, concepts."""

    words: Counter[int]
    chars: Counter[int]
    concepts: Counter[int]

    @property
    def blocks(self) -> tuple[Counter[int], Counter[int], Counter[int]]:
        """The spaces that are weighed and normalised each by itself."""
        return self.words, self.chars, self.concepts


# Where one thing said ends and the next begins.
_BREAK = re.compile(
    r"(?<=[.;!?。])(?!\d)\s*|,(?!\d)|\b(?:and|but|also|plus|so|then|pero|y|ademas|tambien|asi que|porque|because)\b|另外|还有|不过|但是|但|而且|所以|顺便"
)
_CLAUSES_MAX = 10


def clause_evidence(folded: str, family: str) -> list[Evidence]:
    """The features of each clause of a folded text by itself; none where the text is one clause.

    In a text that says two things each drowns in the other; read alone, either is plain.
    """
    parts = [part.strip() for part in _BREAK.split(folded[:CHARS_MAX])]
    kept = (part for part in parts if len(part) > (1 if family == "zh" else 3))
    clauses = [window for part in kept for window in _windows(part, family)][:_CLAUSES_MAX]
    return [_evidence(clause, family) for clause in clauses] if len(clauses) > 1 else []


def _windows(clause: str, family: str) -> list[str]:
    """A clause, or where it runs on without a stop, as speech does, windows over it that overlap by half."""
    pieces, width = (list(clause), 18) if family == "zh" else (clause.split(), 12)
    if len(pieces) <= width * 3 // 2:
        return [clause]
    joint = "" if family == "zh" else " "
    return [joint.join(pieces[at : at + width]) for at in range(0, len(pieces) - width // 2, width // 2)]


def evidence(folded: str, family: str, findings: Findings, named: ChannelsNamed, channel: str) -> Evidence:
    """The features of a folded text; what the rules found and which channels are refused counts as words."""
    found = _evidence(folded[:CHARS_MAX], family)
    found.words.update(_bucket(f"rule {label}", 0) for label in findings.found)
    found.words.update(_bucket(f"never {label}", 0) for label in findings.forbidden)
    found.words.update(_bucket(f"explained {label}", 0) for label in findings.explained)
    found.words.update(_bucket(name, 0) for name in _channel_features(named, channel))
    return found


def mask_figures(text: str) -> str:
    """The folded text with hours, sums, days and other figures replaced by what they are."""
    for mask, token in _MASKS:
        text = mask.sub(token, text)
    return text


def _evidence(text: str, family: str) -> Evidence:
    text = mask_figures(text)
    words = Counter(_bucket(name, 0) for name in _word_features(text))
    concepts = Counter(2 * _BLOCK + crc32(name.encode()) % _CONCEPT_BLOCK for name in _concept_features(text, family))
    chars = Counter(_bucket(gram, _BLOCK) for gram in _char_features(text))
    return Evidence(words, chars, concepts)


def _channel_features(named: ChannelsNamed, own: str) -> Iterator[str]:
    """Refusing the channel one writes on revokes consent; refusing another one is a preference."""
    yield f"channels {min(len(named.refused | named.others), 4)} refused {min(len(named.refused), 3)}"
    if named.refused:
        yield "channel refuses own" if own in named.refused else "channel refuses other"
    if named.is_exchange:
        yield "channel exchange"
    yield from (f"channel names {channel}" for channel in sorted(named.others))


def _word_features(text: str) -> Iterator[str]:
    tokens = ["^", *_TOKEN.findall(text), "$"]
    yield from tokens[1:-1]
    yield from map(" ".join, pairwise(tokens))
    yield from map(" ".join, zip(tokens, tokens[1:], tokens[2:], strict=False))
    yield from (f"{first} . {last}" for first, last in zip(tokens, tokens[2:], strict=False))
    yield f"length {min(len(tokens).bit_length(), 7)}"


def _char_features(text: str) -> Iterator[str]:
    for run in _RUN.findall(text):
        if run[0] == "_":
            continue
        if run[0] > "\u3400":
            yield from _grams(run, 2, 5)
        else:
            yield from _grams(f"<{run}>", 3, 6)


def _concept_features(text: str, family: str) -> Iterator[str]:
    """Concepts alone, in neighbouring pairs and triples, and in any order within a clause."""
    clauses = clauses_of(text, family)
    yield f"clauses {min(len(clauses), 4)}"
    for clause in clauses:
        marked = ["^", *clause[:30], "$"]
        yield from clause[:30]
        yield from map(" ".join, pairwise(marked))
        yield from map(" ".join, zip(marked, marked[1:], marked[2:], strict=False))
        yield from (f"{first} . {last}" for first, last in zip(marked, marked[2:], strict=False))
        near = sorted(set(clause[:12]))
        yield from (f"{one} & {other}" for at, one in enumerate(near) for other in near[at + 1 :])


def _grams(run: str, shortest: int, longest: int) -> Iterator[str]:
    for size in range(shortest, longest):
        for start in range(len(run) - size + 1):
            yield run[start : start + size]


def _bucket(name: str, offset: int) -> int:
    return offset + crc32(name.encode()) % _BLOCK
