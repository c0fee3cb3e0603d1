"""Import jobs, and the rows they write. A session keeps its own connection: locks and working tables end with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contact_scheduler import hand_over
from contact_scheduler.circumstances import Circumstance
from contact_scheduler.portfolio.columns import Fault
from contact_scheduler.store import circumstances, feedback, number_checks, shared_points
from forbear_chassis.postgres import UUID, Connection, Pool
from forbear_domain.model import ResponseKind

BORROWER = (
    "borrower_id", "ref", "place_id", "language", "employment", "region", "monthly_income", "unemployment_pct",
    "preferred_channel", "reminder_promised", "digest",
)  # fmt: skip
LOAN = (
    "loan_id", "borrower_id", "ref", "product", "currency", "balance", "past_due", "instalment", "past_due_days",
    "due_on", "missed_payments_12m", "kept_promises", "broken_promises", "digest",
)  # fmt: skip
POINT = ("borrower_id", "channel", "consent_on", "recipient", "address_key", "address_kind", "checked_on")
ADDRESS_KEY = POINT.index("address_key")
COUNTS = ("rows_read", "rows_created", "rows_changed", "rows_unchanged", "rows_rejected")
CIRCUMSTANCES = "circumstances"  # why contacts are cancelled and recalled
ERRORS_A_PAGE = 1_000

STAGES = """
CREATE TEMP TABLE IF NOT EXISTS seen (id uuid PRIMARY KEY, line bigint NOT NULL, digest bytea NOT NULL);
CREATE TEMP TABLE IF NOT EXISTS staged_borrower AS
    SELECT borrower_id, ref, place_id, language, employment, region, monthly_income, unemployment_pct,
           preferred_channel, reminder_promised, digest FROM borrower WITH NO DATA;
CREATE TEMP TABLE IF NOT EXISTS staged_loan AS
    SELECT loan_id, borrower_id, ref, product, currency, balance, past_due, instalment, past_due_days, due_on,
           missed_payments_12m, kept_promises, broken_promises, digest FROM loan WITH NO DATA;
CREATE TEMP TABLE IF NOT EXISTS staged_point AS
    SELECT borrower_id, channel, consent_on, recipient, address_key, address_kind, checked_on
    FROM contact_point WITH NO DATA;
TRUNCATE seen, staged_borrower, staged_loan, staged_point
"""
DROP_STAGES = "DROP TABLE IF EXISTS seen, staged_borrower, staged_loan, staged_point"

NOTE_SEEN = """
INSERT INTO seen SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) ON CONFLICT (id) DO NOTHING
"""
# No two rows of a file stand on one line: what stands under another line was there before.
SEEN_BEFORE = """
SELECT seen.id, seen.line, seen.digest FROM unnest($1::uuid[], $2::bigint[]) AS given(id, line)
JOIN seen ON seen.id = given.id AND seen.line <> given.line
"""


def _upsert(table: str, key: str, columns: tuple[str, ...]) -> str:
    names = ", ".join(columns)
    changes = ", ".join(f"{name} = excluded.{name}" for name in columns if name != key)
    return (
        f"INSERT INTO {table} (tenant_id, {names}) SELECT $1, {names} FROM staged_{table} "
        f"ON CONFLICT (tenant_id, {key}) DO UPDATE SET {changes}"
    )


UPSERT_BORROWERS = _upsert("borrower", "borrower_id", BORROWER)
UPSERT_LOANS = _upsert("loan", "loan_id", LOAN)
# A new point replaces the old one; a point that the file no longer names is gone.
DELETE_POINTS = (
    "DELETE FROM contact_point WHERE tenant_id = $1 AND borrower_id IN (SELECT borrower_id FROM staged_borrower) "
    "RETURNING address_key"
)
INSERT_POINTS = """
INSERT INTO contact_point
    (tenant_id, borrower_id, channel, consent_on, consent_source, recipient, address_key, address_kind, checked_on)
SELECT $1, borrower_id, channel, consent_on, 'import', recipient, address_key, address_kind, checked_on
FROM staged_point
"""
# A loan that is past due again ends the rest that a payment brought.
LIFT_PAID = f"""
UPDATE pause SET lifted_at = $2
WHERE tenant_id = $1 AND kind = {ResponseKind.PAID.value} AND lifted_at IS NULL
  AND borrower_id IN (SELECT borrower_id FROM staged_loan WHERE past_due > 0)
"""


@dataclass(frozen=True, slots=True)
class Job:
    """One import as it stands."""

    import_id: UUID
    state: str
    digest: bytes
    counts: dict[str, int]
    failure: str
    started_at: datetime
    finished_at: datetime | None


class ImportSession:
    """The writing side of one running import, on one connection."""

    def __init__(self, connection: Connection, tenant_id: UUID, import_id: UUID) -> None:
        self._connection = connection
        self.tenant_id = tenant_id
        self.import_id = import_id
        self._places: set[int] = set()  # written by this session; some thousands, whatever the file's length

    async def begin(self, now: datetime) -> None:
        """Start, or start again after a crash: what an earlier try counted is forgotten, what it wrote stays."""
        async with self._connection.transaction():
            await self._connection.execute(
                "DELETE FROM import_error WHERE tenant_id = $1 AND import_id = $2", self.tenant_id, self.import_id
            )
            await self._connection.execute(
                "INSERT INTO import_job (tenant_id, import_id, state, started_at) VALUES ($1, $2, 'running', $3) "
                "ON CONFLICT (tenant_id, import_id) DO UPDATE SET state = 'running', started_at = $3, failure = '', "
                "finished_at = NULL, " + ", ".join(f"{name} = 0" for name in COUNTS),
                self.tenant_id, self.import_id, now,
            )  # fmt: skip
            await self._connection.execute(STAGES)

    def transaction(self) -> Any:
        """Return a transaction of this session's connection."""
        return self._connection.transaction()

    async def note_seen(self, ids: list[UUID], lines: list[int], digests: list[bytes]) -> dict[UUID, tuple[int, bytes]]:
        """Note ids of this file; return line and digest of those that were noted before."""
        tag: str = await self._connection.execute(NOTE_SEEN, ids, lines, digests)
        if int(tag.rpartition(" ")[2]) == len(ids):
            return {}
        rows = await self._connection.fetch(SEEN_BEFORE, ids, lines)
        return {row["id"]: (row["line"], row["digest"]) for row in rows}

    async def known_loans(self, loan_ids: list[UUID]) -> dict[UUID, tuple[UUID, bytes]]:
        """Return borrower and digest of the loans that the database has."""
        rows = await self._connection.fetch(
            "SELECT loan_id, borrower_id, digest FROM loan WHERE tenant_id = $1 AND loan_id = ANY($2)",
            self.tenant_id, loan_ids,
        )  # fmt: skip
        return {row["loan_id"]: (row["borrower_id"], row["digest"]) for row in rows}

    async def known_borrowers(self, borrower_ids: list[UUID]) -> dict[UUID, bytes]:
        """Return the digests of the borrowers that the database has."""
        rows = await self._connection.fetch(
            "SELECT borrower_id, digest FROM borrower WHERE tenant_id = $1 AND borrower_id = ANY($2)",
            self.tenant_id, borrower_ids,
        )  # fmt: skip
        return {row["borrower_id"]: row["digest"] for row in rows}

    async def write(
        self,
        *,
        places: dict[int, tuple[int, list[str], list[str]]],
        borrowers: list[tuple[object, ...]],
        points: list[tuple[object, ...]],
        loans: list[tuple[object, ...]],
        now: datetime,
    ) -> list[UUID]:
        """Write new and changed rows of one batch: COPY into working tables, then one statement each.

        Returns the contacts that are released already to an address that two borrowers turn out to share.
        """
        fresh = [place for place_id, place in places.items() if place_id not in self._places]
        await self._connection.executemany("INSERT INTO place VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", fresh)
        self._places.update(places)
        await self._copy("staged_borrower", BORROWER, borrowers)
        await self._copy("staged_point", POINT, points)
        await self._copy("staged_loan", LOAN, loans)
        await shared_points.hold(self._connection, self.tenant_id)
        await self._connection.execute(UPSERT_BORROWERS, self.tenant_id)
        gone = await self._connection.fetch(DELETE_POINTS, self.tenant_id)
        await self._connection.execute(INSERT_POINTS, self.tenant_id)
        await self._connection.execute(UPSERT_LOANS, self.tenant_id)
        await self._connection.execute(LIFT_PAID, self.tenant_id, now)
        await self._connection.execute("TRUNCATE staged_borrower, staged_loan, staged_point")
        written = [str(point[ADDRESS_KEY]) for point in points]
        if await number_checks.are_kept(self._connection, self.tenant_id):
            await number_checks.keep_fresh(self._connection, self.tenant_id, written)
        touched = [row["address_key"] for row in gone] + written
        return await shared_points.mark(self._connection, self.tenant_id, touched)

    async def recall(self, contact_ids: list[UUID], reason: str) -> None:
        """Take contacts back from the dispatcher, in this transaction."""
        bodies = hand_over.recall_contacts(self.tenant_id, contact_ids, reason, f"import:{self.import_id}")
        await hand_over.put(self._connection, hand_over.RECALL, bodies)

    async def tell_circumstances(self, said: dict[UUID, tuple[Circumstance, ...]], now: datetime) -> None:
        """Write what the file says of borrowers that asks for care, and stop what was planned without knowing it.

        The gate learns of each that bars contact, and of its end.
        """
        begun, ended = await circumstances.write(self._connection, self.tenant_id, self.import_id, said, now)
        if begun:
            cared_for = {one.borrower_id for one in begun}
            released = await feedback.stop_contacts(self._connection, self.tenant_id, cared_for, CIRCUMSTANCES)
            await self.recall(released, CIRCUMSTANCES)
        bars = hand_over.suppress_borrowers(self.tenant_id, begun, now)
        await hand_over.put(self._connection, hand_over.SUPPRESS, bars)
        await hand_over.put(self._connection, hand_over.LIFT, hand_over.lift_suppressions(self.tenant_id, ended))

    async def _copy(self, table: str, columns: tuple[str, ...], rows: list[tuple[object, ...]]) -> None:
        if rows:
            await self._connection.copy_records_to_table(table, records=rows, columns=columns)

    async def add_faults(self, faults: list[Fault]) -> None:
        """Keep faults for the report."""
        if faults:
            records = [(self.tenant_id, self.import_id, *fault) for fault in faults]
            await self._connection.copy_records_to_table(
                "import_error", records=records, columns=("tenant_id", "import_id", "line", "field", "mend")
            )

    async def count(self, counts: dict[str, int]) -> None:
        """Add to the counts of the job."""
        changes = ", ".join(f"{name} = {name} + ${at}" for at, name in enumerate(COUNTS, 3))
        await self._connection.execute(
            f"UPDATE import_job SET {changes} WHERE tenant_id = $1 AND import_id = $2",
            self.tenant_id, self.import_id, *(counts.get(name, 0) for name in COUNTS),
        )  # fmt: skip

    async def end(self, state: str, digest: bytes, failure: str, now: datetime) -> None:
        """Close the job; clocks of mortgages that it brought are looked at today."""
        await self._connection.execute("DELETE FROM duty_watch WHERE tenant_id = $1", self.tenant_id)
        await self._connection.execute(
            "UPDATE import_job SET state = $3, digest = $4, failure = $5, finished_at = $6 "
            "WHERE tenant_id = $1 AND import_id = $2",
            self.tenant_id, self.import_id, state, digest, failure, now,
        )  # fmt: skip


class ImportStore:
    """Finds and opens imports of a tenant."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    @asynccontextmanager
    async def open(self, tenant_id: UUID, import_id: UUID) -> AsyncIterator[ImportSession | None]:
        """Give the session of an import, or None while another request runs the same one."""
        async with self._pool.acquire() as connection:
            key = int.from_bytes(import_id.bytes[:8], "big", signed=True)
            if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", key):
                yield None
                return
            try:
                yield ImportSession(connection, tenant_id, import_id)
            finally:
                if not connection.is_closed():
                    await connection.execute(DROP_STAGES)
                    await connection.execute("SELECT pg_advisory_unlock($1)", key)

    async def find(self, tenant_id: UUID, import_id: UUID) -> Job | None:
        """Return one import, or None."""
        row = await self._pool.fetchrow(
            "SELECT * FROM import_job WHERE tenant_id = $1 AND import_id = $2", tenant_id, import_id
        )
        return None if row is None else _job(row)

    async def latest(self, tenant_id: UUID, count: int = 20) -> list[Job]:
        """Return the latest imports, newest first."""
        rows = await self._pool.fetch(
            "SELECT * FROM import_job WHERE tenant_id = $1 ORDER BY started_at DESC, import_id LIMIT $2",
            tenant_id,
            count,
        )
        return [_job(row) for row in rows]

    async def faults(self, tenant_id: UUID, import_id: UUID, after: tuple[int, str] = (0, "")) -> list[Fault]:
        """Return up to ERRORS_A_PAGE faults in order, after a line and field."""
        rows = await self._pool.fetch(
            "SELECT line, field, mend FROM import_error WHERE tenant_id = $1 AND import_id = $2 "
            "AND (line, field) > ($3, $4) ORDER BY line, field LIMIT $5",
            tenant_id, import_id, *after, ERRORS_A_PAGE,
        )  # fmt: skip
        return [Fault(row["line"], row["field"], row["mend"]) for row in rows]


def _job(row: Any) -> Job:
    return Job(
        import_id=row["import_id"], state=row["state"], digest=row["digest"],
        counts={name: row[name] for name in COUNTS}, failure=row["failure"], started_at=row["started_at"],
        finished_at=row["finished_at"],
    )  # fmt: skip
