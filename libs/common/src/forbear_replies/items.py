"""Items to read or to be measured on: records of replies (JSON Lines) and author files kept out of training."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from forbear_replies.corpus import HELD_OUT, Line, lines_of
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


def item_from_json(record: dict[str, Any]) -> Item:
    """An item from one record; raises ``KeyError`` or ``ValueError`` on a record that is not of the format."""
    return Item(
        id=str(record["id"]),
        lang=record.get("lang"),
        channel=record.get("channel") or "sms",
        received_at=datetime.fromisoformat(record["received_at"]),
        text=record["text"],
        labels=frozenset(Label(name) for name in record.get("labels") or ()),
        extract={name: value for name, value in (record.get("extract") or {}).items() if value is not None},
        must_not=frozenset(Label(name) for name in record.get("must_not") or ()),
    )


def read_items(path: Path) -> Iterator[Item]:
    """The items of a JSON Lines file, one by one."""
    with path.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if line.strip():
                yield item_from_json(json.loads(line))


def author_items(root: Path, *, split: str = HELD_OUT, author: str = "") -> Iterator[Item]:
    """The items of the author files of a ``split`` under ``root``, with the facts and harmful labels they name.

    ``author`` is how the names of the authors begin that are wanted; a file is called after language and author.
    """
    for path in sorted((root / split).glob(f"*_{author}*.txt")):
        received = _RECEIVED.search(path.read_text("utf-8"))
        if received is None:
            raise ValueError(f"{path.name} does not say when its texts were received")
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
