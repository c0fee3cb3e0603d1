"""Appends to the ledger and reads it. Every append is covered by a signed checkpoint in the same transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from os import urandom
from typing import Any, NamedTuple
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from channel_dispatcher import metrics
from channel_dispatcher.signing import Signer
from channel_dispatcher.store import borrower_keys
from channel_dispatcher.store.locks import LEDGER
from forbear_chassis.postgres import Connection, Pool
from forbear_domain.ledger import Checkpoint, Kind, envelope
from forbear_domain.merkle import TILE, Frontier, grow, leaf_hashes, root_of, tiled_inclusion_proof
from forbear_domain.sealing import NONCE_BYTES, seal

PAGE = 1000


class Entry(NamedTuple):
    """One entry to append: its kind, its canonical bytes, and the two columns by which it is found.

    Where `readable` is given, the bytes are sealed under the borrower's key, and only these fields stay readable.
    """

    kind: Kind
    tenant_id: UUID
    borrower_id: UUID | None
    body: bytes
    readable: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Proven:
    """One entry read back, with the proof of its place where one borrower was asked for."""

    sequence: int
    body: bytes
    proof: tuple[bytes, ...] = ()


async def append(
    connection: Connection, entries: Sequence[Entry], signer: Signer, now: datetime
) -> Mapping[UUID, AESGCM]:
    """Append entries in the caller's transaction, as its last step: the ledger is locked until it commits.

    Returns the ciphers of keys that this transaction made: `signer.remember` them once it is committed, or never.
    """
    if not entries:
        return {}
    owners = {one.borrower_id: one.tenant_id for one in entries if one.readable is not None and one.borrower_id}
    # Before the ledger is locked, so that nobody waits for both.
    ciphers = await borrower_keys.of(connection, owners, signer.known_keys, now) if owners else {}
    bodies = _sealed(entries, ciphers)
    await connection.execute("SELECT pg_advisory_xact_lock($1, 0)", LEDGER)
    row = await connection.fetchrow("SELECT size, peaks FROM ledger_checkpoint ORDER BY size DESC LIMIT 1")
    before = Frontier.from_bytes(row["size"], row["peaks"]) if row else Frontier()
    leaves = leaf_hashes(bodies)
    growth = grow(before, leaves)
    rows = [
        (sequence, entry.tenant_id, entry.borrower_id, body, leaf)
        for sequence, (entry, body, leaf) in enumerate(zip(entries, bodies, leaves, strict=True), start=before.size)
    ]
    await connection.copy_records_to_table(
        "ledger_entry", records=rows, columns=("sequence", "tenant_id", "borrower_id", "body", "leaf")
    )
    if growth.tiles:
        await connection.executemany(
            "INSERT INTO ledger_tile (number, root) VALUES ($1, $2)",
            list(enumerate(growth.tiles, start=before.size // TILE)),
        )
    signed = signer.sign(growth.frontier, now)
    await connection.execute(
        "INSERT INTO ledger_checkpoint (size, root, peaks, signed_at, key_id, signature)"
        " VALUES ($1, $2, $3, $4, $5, $6)",
        signed.size,
        signed.root,
        growth.frontier.to_bytes(),
        signed.signed_at,
        signed.key_id,
        signed.signature,
    )
    for kind, count in Counter([entry.kind for entry in entries]).items():
        metrics.LEDGER_ENTRIES[kind].inc(count)
    return {borrower: ciphers[borrower] for borrower in owners if borrower not in signer.known_keys}


def _sealed(entries: Sequence[Entry], ciphers: Mapping[UUID, AESGCM]) -> list[bytes]:
    """Return the bytes to hash."""
    nonces = urandom(NONCE_BYTES * len(entries))
    bodies = []
    for number, entry in enumerate(entries):
        if entry.readable is None or entry.borrower_id is None:
            bodies.append(entry.body)
        else:
            nonce = nonces[NONCE_BYTES * number : NONCE_BYTES * (number + 1)]
            sealed = seal(ciphers[entry.borrower_id], nonce, entry.body, entry.readable["borrower"].encode())
            bodies.append(envelope(entry.readable, sealed))
    return bodies


async def publish_key(pool: Pool, signer: Signer, now: datetime) -> None:
    """Put the public key where auditors find it. Idempotent."""
    await pool.execute(
        "INSERT INTO ledger_key (key_id, public_key, added_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        signer.key_id,
        signer.public_key,
        now,
    )


async def latest_checkpoint(connection: Connection) -> Checkpoint | None:
    """Return the newest signed checkpoint, or None while the ledger is empty."""
    row = await connection.fetchrow(
        "SELECT size, root, signed_at, key_id, signature FROM ledger_checkpoint ORDER BY size DESC LIMIT 1"
    )
    return Checkpoint(row["size"], row["root"], row["signed_at"], row["key_id"], row["signature"]) if row else None


async def read(
    connection: Connection, size: int, start: int, tenant: UUID | None, borrower: UUID | None
) -> AsyncIterator[list[Proven]]:
    """Give entries from `start` up to `size` in pages, with proofs against the tree of that size for one borrower."""
    tiles = await _tiles(connection, size) if borrower else []
    while True:
        rows = await connection.fetch(
            "SELECT sequence, body FROM ledger_entry WHERE sequence >= $1 AND sequence < $2"
            " AND ($3::uuid IS NULL OR tenant_id = $3) AND ($4::uuid IS NULL OR borrower_id = $4)"
            " ORDER BY sequence LIMIT $5",
            start,
            size,
            tenant,
            borrower,
            PAGE,
        )
        if not rows:
            return
        if borrower:
            yield [await _prove(connection, size, tiles, row["sequence"], row["body"]) for row in rows]
        else:
            yield [Proven(row["sequence"], row["body"]) for row in rows]
        start = rows[-1]["sequence"] + 1


async def _tiles(connection: Connection, size: int) -> list[bytes]:
    whole = size // TILE
    rows = await connection.fetch("SELECT root FROM ledger_tile WHERE number < $1 ORDER BY number", whole)
    tiles = [row["root"] for row in rows]
    part = await _leaves(connection, whole * TILE, size)
    return [*tiles, root_of(part)] if part else tiles


async def _prove(connection: Connection, size: int, tiles: list[bytes], sequence: int, body: bytes) -> Proven:
    start = sequence // TILE * TILE
    leaves = await _leaves(connection, start, min(start + TILE, size))
    return Proven(sequence, body, tuple(tiled_inclusion_proof(tiles, leaves, sequence)))


async def _leaves(connection: Connection, start: int, stop: int) -> list[bytes]:
    rows = await connection.fetch(
        "SELECT leaf FROM ledger_entry WHERE sequence >= $1 AND sequence < $2 ORDER BY sequence", start, stop
    )
    return [row["leaf"] for row in rows]
