"""Counting by time: what a limit is judged by."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta


def most_in_any_stretch(events: Iterable[tuple[datetime, int]], length: timedelta) -> int:
    """Return the greatest sum within any stretch of `length`, wherever it starts; its end is not part of it."""
    ordered = sorted(events)
    most = held = end = 0
    for start, count in ordered:
        while end < len(ordered) and ordered[end][0] < start + length:
            held += ordered[end][1]
            end += 1
        most = max(most, held)
        held -= count
    return most
