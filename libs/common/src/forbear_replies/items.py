"""Items to read or to be measured on: from records of replies (`records.py`) and author files kept out of training."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from forbear_replies.corpus import HELD_OUT, AuthorFileError, Line, lines_of
from forbear_replies.labels import Label
from forbear_replies.reading import Extract

_RECEIVED = re.compile(r"received: (\S+)")


@dataclass(frozen=True, slots=True)
class Item:
    """One reply to read, with the truth about it where it is known."""

    id: str
    lang: str | None
    channel: str
    received_at: datetime
    text: str
    labels: frozenset[Label] = frozenset()
    extract: dict[str, Any] = field(default_factory=dict)
    must_not: frozenset[Label] = frozenset()


def author_items(root: Path, *, split: str = HELD_OUT, author: str = "") -> Iterator[Item]:
    """The items of the author files of a ``split`` under ``root``, with the facts and harmful labels they name.

    ``author`` is how the names of the authors begin that are wanted; a file is called after language and author.
    """
    for path in sorted((root / split).glob(f"*_{author}*.txt")):
        received = _RECEIVED.search(path.read_text("utf-8"))
        if received is None:
            raise AuthorFileError(f"{path.name}, line 1: write when its texts were received, as `received: <ISO time>`")
        at = datetime.fromisoformat(received[1])
        yield from (_item_of(line, at) for line in lines_of(path))


def _item_of(line: Line, received_at: datetime) -> Item:
    return Item(
        id=f"{line.author}:{line.number}",
        lang=line.lang,
        channel=line.channel,
        received_at=received_at,
        text=line.pattern,
        labels=line.labels,
        extract=dict(_fact(part) for part in line.facts.split()),
        must_not=frozenset(Label(name) for name in line.harmful.split()),
    )


def _fact(part: str) -> tuple[str, Any]:
    name, _, value = part.partition("=")
    if name == "amount":
        return name, float(value)
    return name, value.split(",") if name == "days" else value


EXTRACT_FIELDS = tuple(Extract().as_json())
