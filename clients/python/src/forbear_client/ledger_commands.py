"""`forbear ledger`: verify the evidence, and export one borrower's history so that it verifies without the database.

The database is read as the auditor, who may read the ledger and nothing else. Exit code 0: whole; 1: faults were found,
each told with the entries it concerns; 2: it could not be checked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import click
import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from forbear_client.evidence_access import UNREADABLE, NotChecked, open_evidence, why_unreadable
from forbear_client.ledger_page import render_page
from forbear_client.permit_audit import audit
from forbear_domain.ledger import EXPORT_FORM, Audit, Checkpoint, Fault, audit_export
from forbear_domain.merkle import TILE, Frontier, root_of, tiled_inclusion_proof

PAGE = 20_000
PUBLIC_KEY_BYTES = 32
FAULTS_SHOWN_MAX = 100
ENTRIES_OF_BORROWER = """
SELECT sequence, body FROM ledger_entry WHERE borrower_id = $1
UNION ALL
SELECT sequence, body FROM ledger_entry
WHERE borrower_id IS NULL AND tenant_id IN (SELECT DISTINCT tenant_id FROM ledger_entry WHERE borrower_id = $1)
  AND convert_from(body, 'UTF8')::json ->> 'kind' = 'policy'
ORDER BY sequence
"""
"""With the rules of the borrower's tenant, under which the permits stand; they name no borrower."""
DATABASE_ENV = "FORBEAR_AUDITOR_DATABASE_URL"

Keys = Mapping[str, bytes]


@click.group()
def ledger() -> None:
    """Verify the ledger, and export one borrower's history."""


ledger.add_command(audit)


@ledger.command()
@click.option("--database-url", envvar=DATABASE_ENV, help=f"PostgreSQL URL of the auditor, or {DATABASE_ENV}.")
@click.option(
    "--export",
    "export_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Verify this export instead; no database is needed.",
)
@click.option("--public-key", multiple=True, help="Key to trust, in hex; by default the keys that the ledger names.")
@click.option("--seen", type=click.Path(dir_okay=False, path_type=Path),
              help="File that keeps the checkpoints you have verified, so that truncation shows.")  # fmt: skip
def verify(database_url: str | None, export_file: Path | None, public_key: tuple[str, ...], seen: Path | None) -> None:
    """Find any change, removal, reordering or truncation, and say where."""
    trusted = _trusted(public_key)
    if export_file is not None:
        count, faults = _verify_export(export_file, trusted)
        _tell(count, faults)
        return
    if not database_url:
        raise click.UsageError(f"give --database-url or {DATABASE_ENV}, or --export FILE")
    kept = _read_seen(seen)
    audit, latest = asyncio.run(_verify_database(database_url, trusted, kept))
    if not audit.faults and seen is not None and latest is not None:
        with seen.open("ab") as file:
            file.write(orjson.dumps(_checkpoint_json(latest)) + b"\n")
    _tell(audit.entries, audit.faults)


@ledger.command()
@click.option("--database-url", envvar=DATABASE_ENV, required=True, help="PostgreSQL URL of the auditor.")
@click.option("--borrower", type=click.UUID, required=True, help="Id of the borrower.")
@click.option("--to", "folder", type=click.Path(file_okay=False, path_type=Path), default=Path(), help="Folder.")
def export(database_url: str, borrower: UUID, folder: Path) -> None:
    """Write one borrower's whole history as JSON with proofs, and as a page to read."""
    document = asyncio.run(_export(database_url, borrower))
    folder.mkdir(parents=True, exist_ok=True)
    file, page = folder / f"ledger-{borrower}.json", folder / f"ledger-{borrower}.html"
    file.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2))
    page.write_text(render_page(document), encoding="utf-8")
    click.echo(f"{len(document['entries'])} entries of {borrower}, proved against {document['checkpoint']['size']}:")
    click.echo(f"  {file}\n  {page}")


def _trusted(public_keys: Iterable[str]) -> dict[str, bytes]:
    """Read keys to trust, by their ids."""
    try:
        keys = [bytes.fromhex(key) for key in public_keys]
    except ValueError:
        raise click.BadParameter("write the key as hexadecimal digits", param_hint="--public-key") from None
    if any(len(key) != PUBLIC_KEY_BYTES for key in keys):
        raise click.BadParameter(f"an Ed25519 key has {PUBLIC_KEY_BYTES} bytes", param_hint="--public-key")
    return {_key_id(key): key for key in keys}


def _tell(entries: int, faults: list[Fault]) -> None:
    """Print the finding and end with its exit code."""
    for fault in faults[:FAULTS_SHOWN_MAX]:
        click.echo(f"FAULT {fault}")
    if faults:
        click.echo(f"{entries} entries read, {len(faults)} faults: the ledger is not whole")
        raise SystemExit(1)
    click.echo(f"{entries} entries read: whole, in order, and covered by signed checkpoints")


async def _verify_database(url: str, trusted: Keys, kept: list[Checkpoint]) -> tuple[Audit, Checkpoint | None]:
    connection = await open_evidence(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            keys = trusted or await _known_keys(connection)
            rows = await connection.fetch(
                "SELECT size, root, peaks, signed_at, key_id, signature FROM ledger_checkpoint"
            )
            stored = {row["size"]: read_checkpoint(row) for row in rows}
            audit = Audit(_with_kept(stored, kept), signature_check(keys))
            query = "SELECT sequence, body, leaf FROM ledger_entry ORDER BY sequence"
            cursor = await connection.cursor(query)
            while page := await cursor.fetch(PAGE):
                audit.take([row[0] for row in page], [row[1] for row in page], [row[2] for row in page])
            audit.finish()
            return audit, stored[max(stored)] if stored else None
    finally:
        await connection.close()


def _with_kept(stored: Mapping[int, Checkpoint], kept: Iterable[Checkpoint]) -> list[Checkpoint]:
    """Add what was seen earlier, unless the ledger states the very same."""
    extra = [one for one in kept if one.size not in stored or stored[one.size].root != one.root]
    return [*stored.values(), *extra]


def read_checkpoint(row: asyncpg.Record) -> Checkpoint:
    """Read a row of the ledger's checkpoints; a frontier that does not fit its size is left out."""
    try:
        frontier = Frontier.from_bytes(row["size"], row["peaks"])
    except ValueError:
        frontier = None
    return Checkpoint(row["size"], row["root"], row["signed_at"], row["key_id"], row["signature"], frontier)


async def _known_keys(connection: asyncpg.Connection) -> dict[str, bytes]:
    """Return the keys that the ledger names, where name and key agree."""
    rows = await connection.fetch("SELECT key_id, public_key FROM ledger_key")
    return {row["key_id"]: row["public_key"] for row in rows if _key_id(row["public_key"]) == row["key_id"]}


def signature_check(keys: Keys) -> Callable[[Checkpoint], bool]:
    """Return the function that says whether a checkpoint is signed by one of the keys."""
    loaded = {key_id: Ed25519PublicKey.from_public_bytes(key) for key_id, key in keys.items()}

    def is_signed(checkpoint: Checkpoint) -> bool:
        key = loaded.get(checkpoint.key_id)
        if key is None:
            return False
        try:
            key.verify(checkpoint.signature, checkpoint.statement())
        except InvalidSignature:
            return False
        return True

    return is_signed


def _key_id(key: bytes) -> str:
    return sha256(key).hexdigest()[:16]


async def _export(url: str, borrower: UUID) -> dict[str, Any]:
    connection = await open_evidence(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            row = await connection.fetchrow("SELECT * FROM ledger_checkpoint ORDER BY size DESC LIMIT 1")
            if row is None:
                raise click.ClickException("the ledger is empty")
            checkpoint, keys = read_checkpoint(row), await _known_keys(connection)
            tiles = await _tiles(connection, checkpoint.size)
            rows = await connection.fetch(ENTRIES_OF_BORROWER, borrower)
            key = await connection.fetchval("SELECT key FROM borrower_key WHERE borrower_id = $1", borrower)
            entries = [await _proven(connection, tiles, checkpoint.size, row["sequence"], row["body"]) for row in rows]
    finally:
        await connection.close()
    return {
        "form": EXPORT_FORM,
        "borrower": str(borrower),
        "key": key.hex() if key else None,
        "checkpoint": _checkpoint_json(checkpoint),
        "public_key": keys.get(checkpoint.key_id, b"").hex(),
        "entries": entries,
    }


async def _tiles(connection: asyncpg.Connection, size: int) -> list[bytes]:
    rows = await connection.fetch("SELECT root FROM ledger_tile WHERE number < $1 ORDER BY number", size // TILE)
    part = await _leaves(connection, size // TILE * TILE, size)
    return [*[row["root"] for row in rows], *([root_of(part)] if part else [])]


async def _leaves(connection: asyncpg.Connection, start: int, stop: int) -> list[bytes]:
    query = "SELECT leaf FROM ledger_entry WHERE sequence >= $1 AND sequence < $2 ORDER BY sequence"
    return [row["leaf"] for row in await connection.fetch(query, start, stop)]


async def _proven(
    connection: asyncpg.Connection, tiles: list[bytes], size: int, sequence: int, body: bytes
) -> dict[str, Any]:
    start = sequence // TILE * TILE
    leaves = await _leaves(connection, start, min(start + TILE, size))
    proof = tiled_inclusion_proof(tiles, leaves, sequence)
    return {"sequence": sequence, "body": body.decode(), "proof": [sibling.hex() for sibling in proof]}


def _verify_export(path: Path, trusted: Keys) -> tuple[int, list[Fault]]:
    try:
        document = orjson.loads(path.read_bytes())
        checkpoint = _checkpoint_from_json(document["checkpoint"])
        key = bytes.fromhex(document["public_key"])
        keys = trusted or {_key_id(key): key}
        return len(document["entries"]), audit_export(document, checkpoint, signature_check(keys))
    except UNREADABLE as error:
        raise NotChecked(f"{path} {why_unreadable(error)}") from error


def _read_seen(path: Path | None) -> list[Checkpoint]:
    if path is None or not path.exists():
        return []
    return [_checkpoint_from_json(orjson.loads(line)) for line in path.read_bytes().splitlines() if line]


def _checkpoint_json(checkpoint: Checkpoint) -> dict[str, Any]:
    return {
        "size": checkpoint.size,
        "root": checkpoint.root.hex(),
        "signed_at": checkpoint.signed_at.isoformat(),
        "key_id": checkpoint.key_id,
        "signature": checkpoint.signature.hex(),
    }


def _checkpoint_from_json(fields: Mapping[str, Any]) -> Checkpoint:
    return Checkpoint(
        fields["size"],
        bytes.fromhex(fields["root"]),
        datetime.fromisoformat(fields["signed_at"]),
        fields["key_id"],
        bytes.fromhex(fields["signature"]),
    )
