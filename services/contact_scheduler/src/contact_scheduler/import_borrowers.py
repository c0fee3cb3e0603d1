"""Takes a portfolio file: streamed, in batches, good rows kept, bad rows reported, twice the same as once.

Each batch is one transaction, so a file that breaks off keeps what was read before, and sending it again changes only
what is missing. Memory stays bounded whatever the size: duplicates within the file are found in a working table.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import NamedTuple

import structlog

from contact_scheduler.circumstances import Circumstance
from contact_scheduler.metrics import IMPORT_ROWS
from contact_scheduler.portfolio.check import Checked, Row, RowChecker, duplicate
from contact_scheduler.portfolio.columns import Fault
from contact_scheduler.portfolio.derive import (
    derive_borrower,
    derive_circumstances,
    derive_loan,
    derive_place,
    derive_points,
)
from contact_scheduler.portfolio.places import Atlas, load_atlas
from contact_scheduler.portfolio.reading import CsvReader, FileRefused, NdjsonReader, Reader, Record
from contact_scheduler.store.imports import ImportSession, ImportStore, Job
from contact_scheduler.store.shared_points import SHARED
from forbear_chassis.clock import Clock
from forbear_chassis.postgres import UUID

BATCH_ROWS = 5_000
CHUNK_TIMEOUT_S = 60.0

READERS: dict[str, type[CsvReader] | type[NdjsonReader]] = {"csv": CsvReader, "ndjson": NdjsonReader}

log = structlog.get_logger(__name__)


class ImportRunning(Exception):
    """Another request runs the import with this key now."""


class ImportChanged(Exception):
    """The key was used for another file."""


class UploadTooLarge(Exception):
    """The file exceeds the largest size that is taken."""


@dataclass(frozen=True, slots=True)
class Derived:
    """Database rows of one batch."""

    places: dict[int, tuple[int, list[str], list[str]]]
    borrowers: list[tuple[object, ...]]
    points: list[tuple[object, ...]]
    loans: list[tuple[object, ...]]
    circumstances: dict[UUID, tuple[Circumstance, ...]]  # of those borrowers of whom the file says something


class ImportBorrowers:
    """The use case behind `POST /v1/borrowers:import`."""

    def __init__(self, store: ImportStore, clock: Clock, bytes_max: int, wake: Callable[[], None]) -> None:
        self._store = store
        self._wake = wake  # whoever hands over what an import stops
        self._clock = clock
        self._bytes_max = bytes_max

    async def run(self, tenant_id: UUID, import_id: UUID, kind: str, chunks: AsyncIterator[bytes]) -> Job:
        """Import a file and return how it went. A repeat of a finished import gives the first answer.

        Raises ImportRunning, ImportChanged, UploadTooLarge. A file that cannot be read ends as a job in state "failed".
        """
        async with self._store.open(tenant_id, import_id) as session:
            if session is None:
                raise ImportRunning
            before = await self._store.find(tenant_id, import_id)
            if before is not None and before.state != "running":
                return await self._repeat(before, chunks)
            await session.begin(self._clock.now())
            await self._take(session, tenant_id, READERS[kind](), chunks)
        self._wake()
        job = await self._store.find(tenant_id, import_id)
        assert job is not None
        log.info("import_ended", import_id=str(import_id), state=job.state, **job.counts)
        return job

    async def _repeat(self, before: Job, chunks: AsyncIterator[bytes]) -> Job:
        digest = hashlib.sha256()
        async for chunk in _limited(chunks, self._bytes_max):
            digest.update(chunk)
        if digest.digest() != before.digest:
            raise ImportChanged
        return before

    async def _take(
        self, session: ImportSession, tenant_id: UUID, reader: Reader, chunks: AsyncIterator[bytes]
    ) -> None:
        digest, failure = hashlib.sha256(), ""
        checker = RowChecker(tenant_id.bytes, self._clock.now().date())
        atlas = await asyncio.to_thread(_open_atlas)
        waiting: list[Record] = []
        async for chunk in _limited(chunks, self._bytes_max):
            digest.update(chunk)  # of the whole body, also past a failure
            if not failure:
                failure = _read(reader, chunk, waiting)
            while len(waiting) >= BATCH_ROWS:
                await self._take_batch(session, checker, atlas, waiting[:BATCH_ROWS])
                del waiting[:BATCH_ROWS]
        failure = failure or _read(reader, None, waiting)
        if waiting:
            await self._take_batch(session, checker, atlas, waiting)
        await session.end("failed" if failure else "completed", digest.digest(), failure, self._clock.now())

    async def _take_batch(
        self, session: ImportSession, checker: RowChecker, atlas: Atlas, records: list[Record]
    ) -> None:
        checked = await asyncio.to_thread(checker.check, records)
        async with session.transaction():
            await _refuse_repeats(session, checked)
            known_loans = await session.known_loans([row.loan_id for row in checked.rows])
            known_borrowers = await session.known_borrowers(list({row.borrower_id for row in checked.rows}))
            rows, counts = _sort_out(checked, known_loans, known_borrowers)
            origin = Origin(session.tenant_id.bytes, self._clock.now().date())
            derived = await asyncio.to_thread(_derive, rows, atlas, known_loans, known_borrowers, origin)
            if derived.loans or derived.borrowers:
                released = await session.write(
                    places=derived.places, borrowers=derived.borrowers, points=derived.points,
                    loans=derived.loans, now=self._clock.now(),
                )  # fmt: skip
                await session.recall(released, SHARED)
                await session.tell_circumstances(derived.circumstances, self._clock.now())
            await session.add_faults(checked.faults)
            rejected = len({fault.line for fault in checked.faults})
            counts["rows_rejected"] = rejected
            await session.count({"rows_read": len(records), **counts})
        for name, rows_counted in counts.items():
            IMPORT_ROWS[name.removeprefix("rows_")].inc(rows_counted)


@cache
def _open_atlas() -> Atlas:
    """Load the tables, and take all that lives by now out of the collector's sight.

    The rows of a batch make it look at everything again and again: a third of an import's time, for objects that stay.
    """
    atlas = load_atlas()
    gc.collect()
    gc.freeze()
    return atlas


def _read(reader: Reader, chunk: bytes | None, records: list[Record]) -> str:
    """Add the records of a chunk (None: of what is left) and return why the file cannot be read on, or ""."""
    try:
        records += reader.finish() if chunk is None else reader.feed(chunk)
    except FileRefused as error:
        return str(error)
    return ""


async def _refuse_repeats(session: ImportSession, checked: Checked) -> None:
    """Move rows that repeat a loan of the file, or contradict what it said of a borrower, to the faults."""
    rows = checked.rows
    loans = await session.note_seen([r.loan_id for r in rows], [r.line for r in rows], [b""] * len(rows))
    first = {row.borrower_id: row for row in reversed(rows)}
    seen = await session.note_seen(
        list(first), [r.line for r in first.values()], [r.borrower_digest for r in first.values()]
    )
    borrowers = {key: (row.line, row.borrower_digest) for key, row in first.items()} | seen
    kept = []
    for row in rows:
        line, digest = borrowers[row.borrower_id]
        if row.loan_id in loans:
            checked.faults.append(duplicate(row.line, loans[row.loan_id][0]))
        elif digest != row.borrower_digest:
            mend = f"line {line} says something else about the same borrower; make all columns up to loan_ref equal"
            checked.faults.append(Fault(row.line, "borrower_ref", mend))
        else:
            kept.append(row)
    checked.rows = kept


def _sort_out(
    checked: Checked, loans: dict[UUID, tuple[UUID, bytes]], borrowers: dict[UUID, bytes]
) -> tuple[list[Row], dict[str, int]]:
    """Return the rows to write and the counts; a loan that belongs to another borrower is a fault."""
    rows, counts = [], Counter[str]()
    for row in checked.rows:
        owner, digest = loans.get(row.loan_id, (None, b""))
        if owner is not None and owner != row.borrower_id:
            mend = "this loan belongs to another borrower already; use a reference of its own"
            checked.faults.append(Fault(row.line, "loan_ref", mend))
        elif digest == row.loan_digest and borrowers.get(row.borrower_id) == row.borrower_digest:
            counts["rows_unchanged"] += 1
        else:
            rows.append(row)
            counts["rows_changed" if owner is not None else "rows_created"] += 1
    return rows, dict(counts)


class Origin(NamedTuple):
    """Whose file it is, and the day on which it came."""

    tenant: bytes
    today: date


def _derive(
    rows: list[Row], atlas: Atlas, loans: dict[UUID, tuple[UUID, bytes]], borrowers: dict[UUID, bytes], of: Origin
) -> Derived:
    derived = Derived({}, [], [], [], {})
    done: set[UUID] = set()
    for row in rows:
        if borrowers.get(row.borrower_id) != row.borrower_digest and row.borrower_id not in done:
            done.add(row.borrower_id)
            place = derive_place(row, atlas)
            derived.places[place.place_id] = place[:3]
            derived.borrowers.append(derive_borrower(row, place))
            if (said := derive_circumstances(row)) is not None:
                derived.circumstances[row.borrower_id] = said
            derived.points.extend((row.borrower_id, *point) for point in derive_points(row, place, of.tenant))
        if loans.get(row.loan_id, (None, b""))[1] != row.loan_digest:
            derived.loans.append(derive_loan(row, of.today))
    return derived


async def _limited(chunks: AsyncIterator[bytes], bytes_max: int) -> AsyncIterator[bytes]:
    """Pass chunks on; a sender that stalls, or sends more than is taken, is stopped."""
    total = 0
    iterator = aiter(chunks)
    while True:
        async with asyncio.timeout(CHUNK_TIMEOUT_S):
            chunk = await anext(iterator, None)
        if chunk is None:
            return
        total += len(chunk)
        if total > bytes_max:
            raise UploadTooLarge
        yield chunk
