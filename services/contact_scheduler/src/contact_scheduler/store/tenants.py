"""Tenants, their API keys and console sessions, and the first answers of repeated requests."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from contact_scheduler.credentials import Caller
from forbear_chassis.postgres import UUID, Connection, Pool


class Answer(NamedTuple):
    """The first answer to a request."""

    digest: bytes
    status: int
    body: bytes


class Key(NamedTuple):
    """One API key, without itself."""

    name: str
    scopes: list[str]
    created_at: datetime
    revoked_at: datetime | None


class TenantStore:
    """Reads and writes tenants."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def create(self, tenant_id: UUID, slug: str, brand: str, actor: str, recipient: bytes, now: datetime) -> None:
        """Create a tenant, or change brand and actor of the one with this slug."""
        await self._pool.execute(
            "INSERT INTO tenant VALUES ($1, $2, $3, $4, $5, $6) "
            "ON CONFLICT (tenant_id) DO UPDATE SET brand = $3, actor = $4, recipient = $5",
            tenant_id, slug, brand, actor, recipient, now,
        )  # fmt: skip

    async def add_key(self, digest: bytes, tenant_id: UUID, name: str, scopes: list[str], now: datetime) -> None:
        """Add an API key; adding the same key again changes nothing."""
        await self._pool.execute(
            "INSERT INTO api_key VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            digest,
            tenant_id,
            name,
            scopes,
            now,
        )

    async def find_caller(self, digest: bytes) -> Caller | None:
        """Return whose key this is, or None."""
        row = await self._pool.fetchrow(
            "SELECT tenant_id, scopes, name FROM api_key WHERE digest = $1 AND revoked_at IS NULL", digest
        )
        return None if row is None else Caller(row["tenant_id"], frozenset(row["scopes"]), row["name"])

    async def revoke_keys(self, tenant_id: UUID, name: str, now: datetime) -> int:
        """End all keys of a name and the console sessions that they opened; return how many keys."""
        async with self._pool.acquire() as connection, connection.transaction():
            tag = await connection.execute(
                "UPDATE api_key SET revoked_at = $3 WHERE tenant_id = $1 AND name = $2 AND revoked_at IS NULL",
                tenant_id, name, now,
            )  # fmt: skip
            await connection.execute(
                "DELETE FROM console_session WHERE tenant_id = $1 AND key_name = $2", tenant_id, name
            )
        return int(tag.rpartition(" ")[2])

    async def keys(self, tenant_id: UUID) -> list[Key]:
        """Return all keys of a tenant, those in force first, by name."""
        rows = await self._pool.fetch(
            "SELECT name, scopes, created_at, revoked_at FROM api_key WHERE tenant_id = $1 "
            "ORDER BY revoked_at IS NOT NULL, name, created_at", tenant_id,
        )  # fmt: skip
        return [Key(*row) for row in rows]

    async def open_session(self, digest: bytes, caller: Caller, expires_at: datetime, now: datetime) -> None:
        """Open a console session for the owner of a key, and forget those that ended."""
        await self._pool.execute("DELETE FROM console_session WHERE expires_at <= $1", now)
        await self._pool.execute(
            "INSERT INTO console_session (digest, tenant_id, expires_at, key_name, scopes) VALUES ($1, $2, $3, $4, $5)",
            digest, caller.tenant_id, expires_at, caller.key_name, sorted(caller.scopes),
        )  # fmt: skip

    async def find_session(self, digest: bytes, now: datetime) -> Caller | None:
        """Return whose session this is while it and a key of its name are in force, or None."""
        row = await self._pool.fetchrow(
            "SELECT tenant_id, scopes, key_name FROM console_session WHERE digest = $1 AND expires_at > $2 "
            "AND EXISTS (SELECT FROM api_key WHERE api_key.tenant_id = console_session.tenant_id "
            "AND name = key_name AND revoked_at IS NULL)", digest, now,
        )  # fmt: skip
        return None if row is None else Caller(row["tenant_id"], frozenset(row["scopes"]), row["key_name"])

    async def close_session(self, digest: bytes) -> None:
        """End a console session."""
        await self._pool.execute("DELETE FROM console_session WHERE digest = $1", digest)

    async def exists(self, tenant_id: UUID) -> bool:
        """Return whether there is a tenant of this id."""
        return bool(await self._pool.fetchval("SELECT true FROM tenant WHERE tenant_id = $1", tenant_id))

    async def brand(self, tenant_id: UUID) -> str:
        """Return the name under which borrowers know the tenant."""
        brand: str = await self._pool.fetchval("SELECT brand FROM tenant WHERE tenant_id = $1", tenant_id)
        return brand


async def claim_key(connection: Connection, tenant_id: UUID, key: str) -> bool:
    """Take an idempotency key for this transaction; False while another request holds it."""
    number = int.from_bytes(tenant_id.bytes[:4], "big", signed=True)
    claimed: bool = await connection.fetchval("SELECT pg_try_advisory_xact_lock($1, hashtext($2))", number, key)
    return claimed


async def find_answer(connection: Connection, tenant_id: UUID, key: str) -> Answer | None:
    """Return the first answer under a key, or None."""
    row = await connection.fetchrow(
        "SELECT digest, status, body FROM idempotency WHERE tenant_id = $1 AND key = $2", tenant_id, key
    )
    return None if row is None else Answer(row["digest"], row["status"], row["body"])


async def keep_answer(connection: Connection, tenant_id: UUID, key: str, answer: Answer, now: datetime) -> None:
    """Keep the first answer under a key."""
    await connection.execute("INSERT INTO idempotency VALUES ($1, $2, $3, $4, $5, $6)", tenant_id, key, *answer, now)
