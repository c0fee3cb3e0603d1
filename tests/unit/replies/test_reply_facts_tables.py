"""Several hundred wordings of sums, days, hours, channels and languages, with what they mean (``facts/*.txt``)."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from forbear_replies import Label
from forbear_replies.extraction import extract
from forbear_replies.language import is_cantonese
from forbear_replies.reader import prepare

TUESDAY = datetime.fromisoformat("2025-06-10T10:15:00-05:00")
TABLES = sorted(Path(__file__).with_name("facts").glob("*.txt"))


class Wording(NamedTuple):
    lang: str
    labels: frozenset[Label]
    text: str
    facts: dict[str, Any]


def wordings(path: Path) -> Iterator[Wording]:
    """The cases of one table: ``== label[+label] lang`` opens a set, ``text => name=value ...`` is a case."""
    lang, labels = path.stem, frozenset({Label.OTHER})
    for raw in path.read_text("utf-8").splitlines():
        line = raw.strip()
        if line.startswith("=="):
            name, *rest = line[2:].split()
            labels, lang = frozenset(map(Label, name.split("+"))), rest[0] if rest else lang
        elif line and not line.startswith("#"):
            text, _, facts = line.partition(" =>")
            yield Wording(lang, labels, text, dict(map(_fact, facts.split())))


def _fact(part: str) -> tuple[str, Any]:
    name, _, value = part.partition("=")
    if name == "amount":
        return name, float(value)
    return name, value.split(",") if name == "days" else value


CASES = [case for path in TABLES for case in wordings(path)]


@pytest.mark.parametrize("case", CASES, ids=[f"{'+'.join(sorted(case.labels))} {case.text}" for case in CASES])
def test_each_wording_gives_its_facts_and_no_others(case: Wording) -> None:
    """Each is received on Tuesday 2025-06-10; section 4 of the definitions of the reply labels is the judge."""
    prepared = prepare(case.text, case.lang)

    found = extract(
        prepared.folded,
        case.labels,
        lang=prepared.lang,
        channel="sms",
        received_at=TUESDAY,
        is_cantonese=is_cantonese(prepared.own),
    )

    assert case.facts == {name: value for name, value in found.as_json().items() if value is not None}


def test_there_are_several_hundred_wordings_in_all_tables() -> None:
    """The tables are read: a broken reader would pass an empty list."""
    assert ["en", "es", "wide", "zh"] == [path.stem for path in TABLES]
    assert len(CASES) > 600
