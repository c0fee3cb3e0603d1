"""Protobuf messages put together from bytes that are serialised already, without reading these first.

In its wire form a message is the sequence of its fields in any order, and a repeated field that of its values. Source:
https://protobuf.dev/programming-guides/encoding/, "Length-Delimited Records" and "Message Structure".
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

_LENGTH_DELIMITED = 2  # the wire type of bytes, texts and messages


def field(number: int, value: bytes) -> bytes:
    """Return a field of bytes, text or message: tag, length as a varint, value; numbers below 16 only."""
    return _head(number, len(value)) + value


def repeated(number: int, values: Iterable[bytes]) -> bytes:
    """Return a repeated field of such values."""
    return b"".join([field(number, value) for value in values])


@lru_cache(maxsize=4096)
def _head(number: int, length: int) -> bytes:
    """Ids have one length, and contacts few."""
    head = [number << 3 | _LENGTH_DELIMITED]
    while length > 0x7F:
        head.append(length & 0x7F | 0x80)
        length >>= 7
    head.append(length)
    return bytes(head)
