"""Makes tenants and API keys, from the command line only: no route can."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from contact_scheduler.credentials import SCOPES, TENANT_SCOPES, digest, new_key
from contact_scheduler.store.tenants import Key, TenantStore
from forbear.types.v1 import types_pb2
from forbear_chassis.postgres import UUID
from forbear_domain import ids
from forbear_domain.policy import Actor

SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
ACTORS = tuple(str(actor) for actor in Actor)
MINUTES = "%Y-%m-%d %H:%M"
KEY_FILE_MODE = 0o600
PERSON_CHARS_MAX = 80
PAYMENT_URL = re.compile(r"https://[A-Za-z0-9.-]+(?::\d{1,5})?(?:/[!-~]*)?")
PAYMENT_URL_CHARS_MAX = 200


class TenantRefused(ValueError):
    """The tenant cannot be made as asked."""


async def create_tenant(
    store: TenantStore, slug: str, brand: str, actor: str, key_file: Path, now: datetime, payment_url: str = ""
) -> UUID:
    """Create a tenant (or change its brand, role and payment page) and write a program's key into `key_file`.

    A key that the file holds already is kept, so that running it again changes nothing. Raises TenantRefused.
    """
    if not SLUG.fullmatch(slug):
        raise TenantRefused("--slug: use 1 to 40 lower-case letters, digits and hyphens")
    if not 1 <= len(brand) <= 60 or not brand.isprintable():
        raise TenantRefused("--brand: give the name that borrowers know, 1 to 60 characters")
    if actor not in ACTORS:
        raise TenantRefused(f"--actor: use one of {', '.join(ACTORS)}")
    if payment_url and (len(payment_url) > PAYMENT_URL_CHARS_MAX or not PAYMENT_URL.fullmatch(payment_url)):
        raise TenantRefused(
            f"--payment-url: give an address that begins with https://, {PAYMENT_URL_CHARS_MAX} at most"
        )
    tenant_id = UUID(ids.tenant_id(slug).bytes)
    shared = types_pb2.Recipient(brand=brand, actor=actor, payment_url=payment_url).SerializeToString()
    await store.create(tenant_id, slug, brand, actor, shared, now)
    await _add_key(store, tenant_id, "created with the tenant", TENANT_SCOPES, key_file, now)
    return tenant_id


async def create_key(
    store: TenantStore, slug: str, person: str, scopes: Sequence[str], key_file: Path, now: datetime
) -> None:
    """Write a key of a named person into `key_file`; what they do with it stands under their name.

    A key that the file holds already is kept. Raises TenantRefused.
    """
    tenant_id = await _find_tenant(store, slug)
    if not 1 <= len(person.strip()) <= PERSON_CHARS_MAX or not person.isprintable():
        raise TenantRefused(f"--person: give the name of a person, 1 to {PERSON_CHARS_MAX} characters")
    unknown = set(scopes) - set(SCOPES)
    if unknown or not scopes:
        raise TenantRefused(f"--scopes: use some of {', '.join(SCOPES)}, with commas")
    await _add_key(store, tenant_id, person.strip(), scopes, key_file, now)


async def revoke_keys(store: TenantStore, slug: str, name: str, now: datetime) -> int:
    """End all keys of a name, and the console sessions that they opened; return how many. Raises TenantRefused."""
    tenant_id = await _find_tenant(store, slug)
    revoked = await store.revoke_keys(tenant_id, name.strip(), now)
    if not revoked:
        raise TenantRefused(f"--name: no key of that name is in force; `list-keys --tenant {slug}` shows them")
    return revoked


async def list_keys(store: TenantStore, slug: str) -> list[Key]:
    """Return all keys that a tenant has or had. Raises TenantRefused."""
    return await store.keys(await _find_tenant(store, slug))


def describe_key(key: Key) -> str:
    """Say in one line what is known of a key."""
    until = f"revoked {key.revoked_at:{MINUTES}} UTC" if key.revoked_at else "in force"
    return f"{key.name:30}  {','.join(key.scopes):30}  since {key.created_at:{MINUTES}} UTC  {until}"


async def _find_tenant(store: TenantStore, slug: str) -> UUID:
    tenant_id = UUID(ids.tenant_id(slug).bytes)
    if not await store.exists(tenant_id):
        raise TenantRefused(f"--tenant: there is no tenant {slug!r}; make it with create-tenant")
    return tenant_id


async def _add_key(
    store: TenantStore, tenant_id: UUID, name: str, scopes: Sequence[str], key_file: Path, now: datetime
) -> None:
    key = digest(_read_or_write_key(key_file))
    await store.add_key(key, tenant_id, name, list(scopes), now)
    if await store.find_caller(key) is None:
        raise TenantRefused("--api-key-file: the key in it was revoked; remove the file, or name another")


def _read_or_write_key(path: Path) -> str:
    if path.exists():
        return path.read_text(encoding="utf-8").strip()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=KEY_FILE_MODE)
    key = new_key()
    path.write_text(key + "\n", encoding="utf-8")
    return key
