"""Records of replies, as JSON Lines: each line becomes an item or says which of its fields is wrong and how to mend it.

A line is bounded, broken UTF-8 is replaced, and no error repeats what a borrower wrote.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from forbear_replies.items import EXTRACT_FIELDS, Item
from forbear_replies.labels import Label

LINE_BYTES_MAX = 1024 * 1024  # as much as a mail may be
CHANNELS = ("sms", "email", "voice")
YEARS = range(1970, 2200)  # beside the ends of the calendar no day is counted
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_SHAPE = '{"id": "1", "lang": "en", "channel": "sms", "received_at": "2026-03-02T12:00:00-05:00", "text": "ok"}'


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line (the first is 1): the field, empty for the line as a whole, and the mend."""

    line: int
    field: str
    mend: str

    def __str__(self) -> str:
        return f"line {self.line}{self.field and ', '}{self.field}: {self.mend}"


class _Wrong(ValueError):
    """A field that cannot be used."""

    def __init__(self, field: str, mend: str) -> None:
        super().__init__(field)
        self.field = field
        self.mend = mend


def read_records(stream: BinaryIO, *, with_truth: bool = False) -> Iterator[Item | Fault]:
    """The items of a stream, one by one, and a fault for each line that is none; empty lines are passed over.

    ``with_truth``: the labels are what the reading is measured by, so that they must stand there.
    """
    number = 0
    while line := stream.readline(LINE_BYTES_MAX + 1):
        number += 1
        try:
            if len(line) > LINE_BYTES_MAX:
                _pass_over_the_rest(stream, line)
                raise _Wrong("", f"is longer than {LINE_BYTES_MAX // 1024} KiB; write one item a line")
            if number == 1:
                line = line.removeprefix(_BYTE_ORDER_MARK)
            if line := line.strip():
                yield _item(_object(line), with_truth=with_truth)
        except _Wrong as wrong:
            yield Fault(number, wrong.field, wrong.mend)


def _pass_over_the_rest(stream: BinaryIO, line: bytes) -> None:
    while line and not line.endswith(b"\n"):
        line = stream.readline(LINE_BYTES_MAX)


def _object(line: bytes) -> dict[str, Any]:
    if line[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\x00" in line:
        raise _Wrong("", "is not UTF-8; save the file as UTF-8")
    try:
        record = json.loads(line.decode("utf-8", "replace"))
    except json.JSONDecodeError as error:
        what = f"{error.msg.lower()} at character {error.pos + 1}"
        raise _Wrong("", f"is no JSON ({what}); write one whole object a line") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, or brackets thousands deep
        raise _Wrong("", f"is no item; write an object such as {_SHAPE}") from None
    if not isinstance(record, dict):
        raise _Wrong("", f"is no object; write one such as {_SHAPE}")
    return record


def _item(record: dict[str, Any], *, with_truth: bool) -> Item:
    if record.get("id") in (None, ""):
        raise _Wrong("id", "is missing; give each item a name of its own")
    if with_truth and not record.get("labels"):
        raise _Wrong("labels", "is missing; a report compares with them (`forbear replies read` needs none)")
    extract = record.get("extract") or {}
    if not isinstance(extract, dict) or not set(extract) <= set(EXTRACT_FIELDS):
        raise _Wrong("extract", f"write an object of {', '.join(EXTRACT_FIELDS)}")
    return Item(
        id=str(record["id"]),
        lang=_text(record, "lang", "write en, zh-Hans, zh-Hant or es, or leave it out") or None,
        channel=_channel(record),
        received_at=_received_at(record),
        text=_text(record, "text", "write the reply, as text", is_needed=True),
        labels=_labels(record, "labels"),
        extract={name: value for name, value in extract.items() if value is not None},
        must_not=_labels(record, "must_not"),
    )


def _text(record: dict[str, Any], field: str, mend: str, *, is_needed: bool = False) -> str:
    value = record.get(field)
    if value is None and not is_needed:
        return ""
    if not isinstance(value, str):
        raise _Wrong(field, f"is {'missing' if value is None else 'no text'}; {mend}")
    return value


def _channel(record: dict[str, Any]) -> str:
    channel = record.get("channel") or "sms"
    if channel not in CHANNELS:
        raise _Wrong("channel", f"write one of {', '.join(CHANNELS)}")
    return str(channel)


def _received_at(record: dict[str, Any]) -> datetime:
    mend = "write the local time with its offset, such as 2026-03-02T12:00:00-05:00"
    value = _text(record, "received_at", mend, is_needed=True)
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise _Wrong("received_at", f"is no time; {mend}") from None
    if at.year not in YEARS:
        raise _Wrong("received_at", f"is not of our time; {mend}")
    return at


def _labels(record: dict[str, Any], field: str) -> frozenset[Label]:
    names = record.get(field) or ()
    if not isinstance(names, list | tuple):
        raise _Wrong(field, "write a list of labels")
    for at, name in enumerate(names, 1):
        if name not in set(Label):
            raise _Wrong(field, f"number {at} is no label; write some of {', '.join(Label)}")
    return frozenset(Label(name) for name in names)
