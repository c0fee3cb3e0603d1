"""Learns the steps of a contact beside its answer, anew at each tick, from what became of the latest contacts.

Nothing is kept: the same contacts and responses before the tick give the same regressions.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import numpy as np

from contact_scheduler.learning.features import FEATURES
from contact_scheduler.learning.funnel import FITTED_MAX, UNTOLD, Courses, Flags, Funnel, fit_funnel
from contact_scheduler.learning.slots import HOURS_PER_WEEK
from contact_scheduler.store.funnel import read_courses
from forbear_chassis.postgres import UUID, Connection


async def learn_funnel(connection: Connection, tenant_id: UUID, now: datetime) -> Funnel:
    """Fit the steps to what is known of a tenant's contacts before `now`."""
    rows = readable(await read_courses(connection, tenant_id, now, FITTED_MAX))
    if not rows:
        return Funnel.before_any_contact()
    return await asyncio.to_thread(lambda: fit_funnel(to_courses(rows)))


def readable(rows: list[Any]) -> list[Any]:
    """Return the contacts that were planned with features of this version."""
    return [row for row in rows if len(row["features"]) == FEATURES * np.dtype(np.float32).itemsize]


def to_courses(rows: list[Any]) -> Courses:
    """Put readable rows of `store.funnel` into arrays; who says it is somebody else is no right party."""
    channel = np.array([row["channel"] - 1 for row in rows], dtype=np.int64)
    hour = np.array([row["slot"] + row["late_h"] for row in rows], dtype=np.int64) % HOURS_PER_WEEK
    is_talk_over, is_payment_over = _flags(rows, "is_talk_over"), _flags(rows, "is_payment_over")
    is_known = _flags(rows, "delivered") | _flags(rows, "undelivered")
    is_right = _flags(rows, "right_party") & (1 - _flags(rows, "wrong_party"))
    return Courses(
        features=np.frombuffer(b"".join(row["features"] for row in rows), dtype=np.float32).reshape(-1, FEATURES),
        slot=channel * HOURS_PER_WEEK + hour,
        delivered=_where(is_known, _flags(rows, "delivered")),
        answered=_flags(rows, "answered"),
        right_party=_where(is_talk_over, is_right),
        promise=_where(is_talk_over, is_right & _flags(rows, "promised")),
        payment=_where(is_payment_over, _flags(rows, "paid")),
    )


def _flags(rows: list[Any], name: str) -> Flags:
    return np.array([bool(row[name]) for row in rows], dtype=np.int8)


def _where(is_told: Flags, flag: Flags) -> Flags:
    return np.where(is_told == 1, flag, np.int8(UNTOLD))
