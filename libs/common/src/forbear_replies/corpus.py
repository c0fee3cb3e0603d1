"""The training texts: read the author files, draw variants, mix intents. Deterministic for a seed.

An author file is plain text: a comment with the language, ``== label label`` opens a set, one reply a line.
``[a|b]`` are alternatives, ``{amt} {day} {past} {name} {hour}`` are slots. ``heldout/`` is never trained on.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from forbear_replies.labels import EXCLUSIVE, Label, Lang
from forbear_replies.slots import fill_slots

HELD_OUT = "heldout"
_VARIANTS_MAX = 10
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_SLOT = re.compile(r"\{\w+\}")


@dataclass(frozen=True, slots=True)
class Line:
    """One line of an author file, unexpanded."""

    author: str
    lang: Lang
    labels: frozenset[Label]
    pattern: str


@dataclass(frozen=True, slots=True)
class Example:
    """One text to learn from or to be measured on."""

    author: str
    lang: Lang
    labels: frozenset[Label]
    text: str
    weight: float = 1.0


def corpus_hash(root: Path) -> str:
    """The SHA-256 over names and contents of all training files; the artefact records it."""
    digest = sha256()
    for path in sorted(root.glob("*.txt")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def read_lines(root: Path, *, held_out: bool) -> list[Line]:
    """All lines of the training authors, or of the held-out ones."""
    folder = root / HELD_OUT if held_out else root
    return [line for path in sorted(folder.glob("*.txt")) for line in _lines_of(path)]


def _lines_of(path: Path) -> Iterator[Line]:
    labels: frozenset[Label] = frozenset()
    lang = Lang.EN
    for raw in path.read_text("utf-8").split("\n"):
        line = raw.strip()
        if line.startswith("#"):
            if found := re.search(r"language: ([\w-]+)", line):
                lang = Lang(found[1].rstrip("."))
        elif line.startswith("=="):
            labels = frozenset(Label(name) for name in line[2:].split())
        elif line:
            yield Line(path.stem, lang, labels, line)


def plain_examples(lines: list[Line], rng: np.random.Generator) -> list[Example]:
    """Each line as up to ``_VARIANTS_MAX`` different texts; many variants of one line weigh less than many lines."""
    examples = []
    for line in lines:
        texts = _variants(line, rng)
        weight = len(texts) ** -0.4
        examples += [Example(line.author, line.lang, line.labels, text, weight) for text in texts]
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
    return " ".join(fill_slots(text, lang, rng).split())


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
            mixed.append(Example(first.author, first.lang, labels, _join(first, second, rng), 0.5))
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
    "en": (". ", ", ", " and ", " but ", " also ", ". also ", " so ", "\n", "; ", " plus "),
    "es": (". ", ", ", " y ", " pero ", " también ", ". además ", " así que ", "\n"),
    "zh": ("，", "。", "，另外", "，还有", "，不过", " ", "，而且"),
}


def _join(first: Example, second: Example, rng: np.random.Generator) -> str:
    links = _LINKS[first.lang.family]
    return first.text.rstrip(".。!?？") + links[int(rng.integers(len(links)))] + second.text


def noisy_examples(examples: list[Example], share: float, rng: np.random.Generator) -> list[Example]:
    """Copies with the slips of real typing: a letter dropped, doubled or swapped, punctuation gone, words run on."""
    return [
        Example(one.author, one.lang, one.labels, _slip(one.text, rng), one.weight * 0.5)
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
