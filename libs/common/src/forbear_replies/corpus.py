"""The training texts: read the author files, draw variants, mix intents. Deterministic for a seed.

An author file is plain text: a comment with the language, ``== label label @channel`` opens a set, a reply a line.
``[a|b]`` are alternatives, ``{amt} {day} {past} {name} {hour}`` are slots, ``\\n`` breaks a line. After ``=>`` stand
the facts to be extracted, after `` ! `` the labels that would be harmful; training skips both. ``development/`` serves
to choose settings, ``heldout/`` only to report; neither is trained on.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import numpy as np

from forbear_replies.labels import EXCLUSIVE, Label, Lang
from forbear_replies.slots import fill_slots

DEVELOPMENT = "development"
HELD_OUT = "heldout"
_VARIANTS_MAX = 10
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{\w+\}")


Name = TypeVar("Name", Label, Lang)


class AuthorFileError(ValueError):
    """An author file cannot be read. The text names file and line, and how to mend it."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an author file, unexpanded."""

    author: str
    lang: Lang
    labels: frozenset[Label]
    pattern: str
    number: int
    channel: str
    facts: str
    harmful: str


@dataclass(frozen=True, slots=True)
class Example:
    """One text to learn from or to be measured on."""

    author: str
    lang: Lang
    labels: frozenset[Label]
    text: str
    channel: str = "sms"
    weight: float = 1.0


def corpus_hash(root: Path) -> str:
    """The SHA-256 over names and contents of all training files; the artefact records it."""
    digest = sha256()
    for path in sorted(root.glob("*.txt")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def read_lines(root: Path) -> list[Line]:
    """All lines of the training authors under ``root``."""
    return [line for path in sorted(root.glob("*.txt")) for line in lines_of(path)]


def lines_of(path: Path) -> Iterator[Line]:
    """The lines of one author file. Raises ``AuthorFileError``."""
    labels: frozenset[Label] = frozenset()
    lang, channel = Lang.EN, "sms"
    for number, raw in enumerate(path.read_text("utf-8").split("\n"), 1):
        line = raw.strip()
        if line.startswith("#"):
            if found := re.search(r"language: ([\w-]+)", line):
                lang = _known(Lang, found[1].rstrip("."), path, number)
        elif line.startswith("=="):
            names = line[2:].split()
            labels = frozenset(_known(Label, name, path, number) for name in names if name[0] != "@")
            channel = next((name[1:] for name in names if name[0] == "@"), "sms")
        elif line:
            rest, _, harmful = line.partition(" ! ")
            pattern, _, facts = rest.partition(" => ")
            yield Line(path.stem, lang, labels, pattern.replace("\\n", "\n"), number, channel, facts, harmful)


def _known(kind: type[Name], name: str, path: Path, number: int) -> Name:
    if name not in set(kind):
        raise AuthorFileError(f"{path.name}, line {number}: {name!r} is none of {', '.join(kind)}")
    return kind(name)


def plain_examples(lines: list[Line], rng: np.random.Generator) -> list[Example]:
    """Each line as up to ``_VARIANTS_MAX`` different texts; many variants of one line weigh less than many lines."""
    examples = []
    for line in lines:
        texts = _variants(line, rng)
        weight = len(texts) ** -0.4
        examples += [Example(line.author, line.lang, line.labels, text, line.channel, weight) for text in texts]
    return examples


def _variants(line: Line, rng: np.random.Generator) -> list[str]:
    alternatives = int(np.prod([len(choice.split("|")) for choice in _CHOICE.findall(line.pattern)] or [1]))
    slots = 3 if _SLOT.search(line.pattern) else 1
    wanted = min(_VARIANTS_MAX, alternatives * slots)
    drawn = {expand(line.pattern, line.lang, rng): None for _ in range(wanted * 2)}
    return list(drawn)[:wanted]


def expand(pattern: str, lang: Lang, rng: np.random.Generator) -> str:
    """One text of a pattern: alternatives drawn, slots filled, blanks tidied."""
    text = pattern
    while choice := _CHOICE.search(text):
        options = choice[1].split("|")
        text = text[: choice.start()] + options[int(rng.integers(len(options)))] + text[choice.end() :]
    return re.sub(r" +", " ", fill_slots(text, lang, rng)).strip()


def mixed_examples(examples: list[Example], count: int, rng: np.random.Generator) -> list[Example]:
    """``count`` texts that say two things: two examples of one author joined, labels united."""
    by_author: dict[str, list[Example]] = {}
    for example in examples:
        by_author.setdefault(example.author, []).append(example)
    authors = sorted(by_author)
    mixed: list[Example] = []
    while len(mixed) < count:
        pool = by_author[authors[int(rng.integers(len(authors)))]]
        first, second = (pool[int(index)] for index in rng.integers(len(pool), size=2))
        labels = _united(first.labels, second.labels)
        if labels:
            mixed.append(Example(first.author, first.lang, labels, _join(first, second, rng), first.channel, 0.5))
    return mixed


# Pairs whose union would contradict itself or change the meaning of one half.
_NEVER_TOGETHER = (
    {Label.WRONG_PARTY, Label.PROMISE_TO_PAY},
    {Label.WRONG_PARTY, Label.DECEASED},
    {Label.ALREADY_PAID, Label.PROMISE_TO_PAY},
    {Label.OPT_OUT, Label.CHANNEL_PREFERENCE},
    {Label.OPT_OUT, Label.TIME_PREFERENCE},
    {Label.WRONG_PARTY, Label.HARDSHIP},
    {Label.WRONG_PARTY, Label.PLAN_REQUEST},
)


def _united(first: frozenset[Label], second: frozenset[Label]) -> frozenset[Label]:
    both = first | second
    if Label.OTHER in both or first == second:
        return frozenset()
    both -= frozenset(EXCLUSIVE)
    if any(pair <= both for pair in _NEVER_TOGETHER):
        return frozenset()
    return both


_LINKS = {
    "en": (". ", ", ", " ", " and ", " but ", " also ", ". also ", " so ", "\n", "; ", " plus "),
    "es": (". ", ", ", " ", " y ", " pero ", " también ", ". además ", " así que ", "\n"),
    "zh": ("，", "。", "，另外", "，还有", "，不过", " ", "，而且"),
}


def _join(first: Example, second: Example, rng: np.random.Generator) -> str:
    links = _LINKS[first.lang.family]
    return first.text.rstrip(".。!?？") + links[int(rng.integers(len(links)))] + second.text


def noisy_examples(examples: list[Example], share: float, rng: np.random.Generator) -> list[Example]:
    """Copies with the slips of real typing: a letter dropped, doubled or swapped, punctuation gone, words run on."""
    return [
        replace(one, text=_slip(one.text, rng), weight=one.weight * 0.5)
        for one in examples
        if rng.random() < share and len(one.text) > 12
    ]


def _slip(text: str, rng: np.random.Generator) -> str:
    if rng.random() < 0.5:
        text = re.sub(r"[.,!?'’。，！？;:¿¡]", "", text)
    for _ in range(1 + len(text) // 60):
        at = int(rng.integers(1, len(text) - 1))
        if not text[at].isalpha() or text[at] > "\u3000":
            continue
        kind = int(rng.integers(3))
        text = text[:at] + ("", text[at] * 2, text[at + 1] + text[at])[kind] + text[at + (2 if kind == 2 else 1) :]
    return text
