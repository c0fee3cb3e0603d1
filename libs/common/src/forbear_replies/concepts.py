"""What a text speaks of, whatever the language: its words replaced by shared concepts, clause by clause. Pure.

'Lose my number', 'borren mi numero' and '把这个号码删了' are all *remove number*: what is learned from one serves all.
The wordings are data (``data/concepts.toml``); the longest one wins.
"""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

_TOKEN = re.compile(r"_[a-z]+|[a-z0-9_]+|[.;!?\n]")
_HAN_BREAK = re.compile(r"[,.;!?。\n]")
_CLAUSE_END = frozenset(".;!?\n")
_LATIN_IN_HAN = re.compile(r"[a-z0-9_]+")

Clause = list[str]


def clauses_of(text: str, family: str) -> list[Clause]:
    """The concepts of each clause of a folded text, in the order of the text; clauses without any are left out."""
    found = _in_han(text) if family == "zh" else _in_words(text, family)
    clauses: list[Clause] = [[]]
    for concept in found:
        if concept:
            clauses[-1].append(concept)
        else:
            clauses.append([])
    return [clause for clause in clauses if clause]


def _in_words(text: str, family: str) -> Iterator[str]:
    """Concept names of the longest phrases of up to ``longest`` words; an empty name ends a clause."""
    phrases, longest = _phrases(family)
    tokens = _TOKEN.findall(text)
    at = 0
    while at < len(tokens):
        if tokens[at] in _CLAUSE_END:
            yield ""
            at += 1
            continue
        for size in range(min(longest, len(tokens) - at), 0, -1):
            concept = phrases.get(" ".join(tokens[at : at + size]))
            if concept:
                yield concept
                at += size
                break
        else:
            if tokens[at][0] == "_":
                yield tokens[at]
            at += 1


def _in_han(text: str) -> Iterator[str]:
    phrases, longest = _phrases("zh")
    at = 0
    while at < len(text):
        if latin := _LATIN_IN_HAN.match(text, at):
            if concept := phrases.get(latin.group()) or (latin.group() if latin.group()[0] == "_" else None):
                yield concept
            at = latin.end()
            continue
        if _HAN_BREAK.match(text, at):
            yield ""
        for size in range(longest, 0, -1):
            concept = phrases.get(text[at : at + size])
            if concept:
                yield concept
                at += size
                break
        else:
            at += 1


@cache
def _phrases(family: str) -> tuple[dict[str, str], int]:
    """Phrase -> concept of a language family, and the length of its longest phrase (words, or Han characters)."""
    source = files("forbear_replies").joinpath("data/concepts.toml").read_text("utf-8")
    phrases: dict[str, str] = {}
    for concept, wordings in tomllib.loads(source).items():
        for phrase in filter(None, (part.strip() for part in wordings[family].split(","))):
            phrases.setdefault(" ".join(_TOKEN.findall(phrase)) if family != "zh" else phrase, concept)
    sizes = (len(phrase) if family == "zh" else phrase.count(" ") + 1 for phrase in phrases)
    return phrases, max(sizes)
