"""Learns the steps of a contact beside its answer, anew at each tick, from what became of the latest contacts.

Nothing is kept: the same contacts and responses before the tick give the same regressions.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any

import numpy as np

from contact_scheduler.learning.features import FEATURES
from contact_scheduler.learning.funnel import FITTED_MAX, UNTOLD, Courses, Flags, Funnel, Matrix, fit_funnel
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
    delivered = _flags(rows, "delivered")
    is_told = delivered | _flags(rows, "undelivered")
    return Courses(
        features=np.frombuffer(b"".join(row["features"] for row in rows), dtype=np.float32).reshape(-1, FEATURES),
        slot=channel * HOURS_PER_WEEK + hour,
        age_h=_hours(rows, "age_h"),
        delivered=np.where(is_told == 1, delivered, np.int8(UNTOLD)),
        answered=_flags(rows, "answered"),
        right_party_h=np.where(_flags(rows, "is_wrong_party") == 1, np.inf, _hours(rows, "right_party_h")),
        promise_h=_hours(rows, "promise_h"),
        payment_h=_hours(rows, "payment_h"),
    )


def _flags(rows: list[Any], name: str) -> Flags:
    return np.array([bool(row[name]) for row in rows], dtype=np.int8)


def _hours(rows: list[Any], name: str) -> Matrix:
    """Return hours; infinite where there are none."""
    return np.array([np.inf if row[name] is None else row[name] for row in rows], dtype=np.float64)
