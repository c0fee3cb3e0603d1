"""Items to read or to be measured on: the record format of replies (JSON Lines) and the held-out author files."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from forbear_replies.corpus import HELD_OUT
from forbear_replies.labels import Label
from forbear_replies.reading import Extract

_RECEIVED = re.compile(r"received: (\S+)")
_LANGUAGE = re.compile(r"language: ([\w-]+)\.? ")


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


def held_out_items(root: Path) -> Iterator[Item]:
    """The items of the held-out author files under ``root``: ``text => fact=value ... ! harmful labels``."""
    for path in sorted((root / HELD_OUT).glob("*.txt")):
        yield from _items_of(path)


def _items_of(path: Path) -> Iterator[Item]:
    content = path.read_text("utf-8")
    received, lang = _RECEIVED.search(content), _LANGUAGE.search(content)
    if received is None or lang is None:
        raise ValueError(f"{path.name} does not say its language and when its texts were received")
    labels: frozenset[Label] = frozenset()
    for number, line in enumerate(content.split("\n"), 1):
        if line.startswith("=="):
            labels = frozenset(Label(name) for name in line[2:].split())
        elif line.strip() and not line.startswith("#"):
            body, _, harmful = line.partition(" ! ")
            text, _, facts = body.partition(" => ")
            yield Item(
                id=f"{path.stem}:{number}",
                lang=lang[1],
                channel="sms",
                received_at=datetime.fromisoformat(received[1]),
                text=text,
                labels=labels,
                extract=dict(_fact(part) for part in facts.split()),
                must_not=frozenset(Label(name) for name in harmful.split()),
            )


def _fact(part: str) -> tuple[str, Any]:
    name, _, value = part.partition("=")
    if name == "amount":
        return name, float(value)
    return name, value.split(",") if name == "days" else value


EXTRACT_FIELDS = tuple(Extract().as_json())
