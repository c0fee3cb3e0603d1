"""`forbear ledger audit`: decide every permit again, from the ledger alone.

A small verifier beside the dispatcher: it shares with it the law and nothing else. Each permit's entry holds the facts
it was granted on; the verifier builds them anew, asks the law of the packs that the entry names, and checks that the
facts leave out none of the borrower's earlier permits, that every permit was settled and every settlement had a
permit. Whether the entries themselves are whole is what `forbear ledger verify` tells.
Exit code 0: every permit holds; 1: breaches were found; 2: it could not be checked.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import orjson

from forbear_client.evidence_access import UNREADABLE, NotChecked, open_evidence, why_unreadable
from forbear_domain.ledger import EXPORT_FORM, Kind, open_entry
from forbear_domain.lifecycle import Step
from forbear_domain.policy import (
    Facts,
    PackError,
    Packs,
    TenantPolicy,
    decide,
    load_packs,
    read_tenant_policy,
    rules_for,
    with_tenant_policy,
)
from forbear_domain.policy.plain import PlainError, facts_from_plain
from forbear_domain.sealing import SealError

PAGE = 5_000
BREACHES_SHOWN_MAX = 100
DATABASE_ENV = "FORBEAR_AUDITOR_DATABASE_URL"
IN_FLIGHT = timedelta(minutes=15)  # how long an attempt may stay unsettled; longer than any lease of the dispatcher
RULED_OUT = frozenset({Step.RULE_OUT, Step.EXPIRE, Step.RECALL})  # reconciled: the provider never had the message
LOOK_BACK = timedelta(days=7)  # earlier permits this recent must be among a permit's facts

Entry = Mapping[str, Any]
KEYS = "SELECT borrower_id, key FROM borrower_key WHERE key IS NOT NULL"
Take = Callable[[int, Entry], None]
database_option = click.option(
    "--database-url", envvar=DATABASE_ENV, help=f"PostgreSQL URL of the auditor, or {DATABASE_ENV}."
)
export_option = click.option(
    "--export",
    "export_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Read this export instead; no database is needed.",
)


@dataclass(frozen=True, slots=True)
class Breach:
    """One thing that is not as it must be."""

    sequence: int
    contact: str
    what: str

    def __str__(self) -> str:
        return f"entry {self.sequence}, contact {self.contact}: {self.what}"


class PermitAudit:
    """Reads entries in the order of the ledger: call `take` for each, then `finish`."""

    def __init__(self, packs: Packs) -> None:
        self.permits = 0
        self.settlements = 0
        self.in_flight = 0
        self.erased = 0  # permits that nobody can read any more
        self.breaches: list[Breach] = []
        self._packs = packs
        self._permits: dict[str, tuple[int, str, datetime]] = {}  # by attempt: where, which contact, when
        self._settled: set[str] = set()
        self._refused: set[str] = set()  # attempts that reached nobody, so that no later permit counts them
        self._recent: dict[str, deque[tuple[datetime, str, str]]] = defaultdict(
            deque
        )  # by borrower: when, how, attempt
        self._policies: dict[str, TenantPolicy | None] = {}  # in force, by tenant
        self._sealed: dict[str, int] = {}  # borrowers with entries that nobody can read, and the first of them
        self._erased: set[str] = set()  # borrowers whose erasure is on record
        self._last_at = datetime.min.replace(tzinfo=UTC)

    def take(self, sequence: int, entry: Entry) -> None:
        """Read the next entry."""
        self._last_at = max(self._last_at, instant_of(entry))
        if "spoiled" in entry:
            self.breaches.append(Breach(sequence, str(entry.get("contact", "none")), str(entry["spoiled"])))
        elif "erased" in entry:
            self._sealed.setdefault(str(entry["borrower"]), sequence)
        if entry["kind"] == Kind.ERASURE and entry["done"]:
            self._erased.add(str(entry["borrower"]))
        if entry["kind"] == Kind.PERMIT:
            self.permits += 1
            self._take_permit(sequence, entry)
        elif entry["kind"] == Kind.SETTLEMENT:
            self.settlements += 1
            self._take_settlement(sequence, entry)
        elif entry["kind"] == Kind.POLICY:
            self._take_policy(sequence, entry)
        elif entry["kind"] == Kind.RECONCILIATION and entry["step"] in RULED_OUT:
            self._refused.add(str(entry["attempt"]))

    def finish(self) -> list[Breach]:
        """Tell which attempts were never settled, and return all breaches in the order of the ledger."""
        for attempt, (sequence, contact, at) in self._permits.items():
            if attempt in self._settled:
                continue
            if self._last_at - at < IN_FLIGHT:
                self.in_flight += 1
            else:
                self.breaches.append(Breach(sequence, contact, "the permit was never settled"))
        self.breaches += [
            Breach(sequence, "none", f"entries of {borrower} cannot be read, and no erasure is on record")
            for borrower, sequence in self._sealed.items()
            if borrower not in self._erased
        ]
        self.breaches.sort(key=lambda breach: breach.sequence)
        return self.breaches

    def _take_permit(self, sequence: int, entry: Entry) -> None:
        at, contact, attempt = instant_of(entry), str(entry["contact"]), str(entry["attempt"])
        if attempt in self._permits:
            self.breaches.append(Breach(sequence, contact, f"a second permit for attempt {attempt}"))
        self._permits[attempt] = (sequence, contact, at)
        if "erased" in entry:
            self.erased += 1
            return
        try:
            facts = facts_of_permit(entry)
        except (PlainError, KeyError, TypeError) as error:
            self.breaches.append(Breach(sequence, contact, f"its facts cannot be read: {error}"))
            return
        wrongs = [self._objection(facts, entry, at), *self._left_out(entry, facts, at)]
        self.breaches += [Breach(sequence, contact, what) for what in wrongs if what]

    def _take_policy(self, sequence: int, entry: Entry) -> None:
        """A tenant's own rules came into force: every later permit of that tenant must be under them."""
        text, tenant = str(entry["text"]), str(entry["tenant"])
        try:
            policy = read_tenant_policy(text, int(entry["version"]), self._packs) if text else None
        except PackError as error:
            self.breaches.append(Breach(sequence, "none", f"the tenant's own rules cannot be read: {error}"))
            return
        if policy is not None and policy.label != entry["label"]:
            self.breaches.append(Breach(sequence, "none", f"the tenant's own rules are not {entry['label']}"))
        self._policies[tenant] = policy

    def _objection(self, facts: Facts, entry: Entry, at: datetime) -> str:
        """What the law and the tenant's own rules have against a permit; empty when they allow it."""
        rules = rules_for(self._packs, facts.place.jurisdictions, at.date())
        policy = self._policies.get(str(entry["tenant"]))
        if policy is not None:
            rules = with_tenant_policy(rules, policy)
        named = entry["packs"]
        missing = sorted(set(rules.packs) - set(named))
        if missing:
            return f"it was not decided under {', '.join(missing)}, but under {', '.join(named)}"
        unknown = sorted(set(named) - set(rules.packs))
        if unknown:
            return f"it was decided under {', '.join(unknown)}, which are not the rules of its day"
        verdict = decide(facts, rules, at)
        return "" if verdict.allowed else f"{verdict.rule} does not allow it: {verdict.why}"

    def _left_out(self, entry: Entry, facts: Facts, at: datetime) -> list[str]:
        """The borrower's earlier permits that the facts of this one do not hold; then this one is remembered."""
        recent = self._recent[str(entry["borrower"])]
        while recent and recent[0][0] < at - LOOK_BACK:
            recent.popleft()
        known = {(past.at, past.channel.value) for past in facts.past}
        left_out = [
            f"its facts leave out the permit of {when.isoformat()}"
            for when, how, attempt in recent
            if when < at and attempt not in self._refused and (when, how) not in known
        ]
        recent.append((at, facts.channel.value, str(entry["attempt"])))
        return left_out

    def _take_settlement(self, sequence: int, entry: Entry) -> None:
        attempt = str(entry["attempt"])
        if attempt not in self._permits:
            what = f"attempt {attempt} was settled without a permit"
            self.breaches.append(Breach(sequence, str(entry.get("contact", "unknown")), what))
        self._settled.add(attempt)
        if str(entry["outcome"]).startswith("refused"):
            self._refused.add(attempt)


def facts_of_permit(entry: Entry) -> Facts:
    """The facts of a permit, from its entry alone."""
    table = dict(entry["facts"])
    place = {"zones": table.pop("zones"), "jurisdictions": table.pop("jurisdictions")}
    return facts_from_plain(table | {"place": place})


def instant_of(entry: Entry) -> datetime:
    """When the entry was made."""
    return datetime.fromisoformat(entry["at"]).astimezone(UTC)


def read_entries(database_url: str | None, export_file: Path | None, take: Take) -> None:
    """Hand over every entry, in order, of the database or of an export."""
    if export_file is not None:
        _read_export(export_file, take)
    elif database_url:
        asyncio.run(_read_database(database_url, take))
    else:
        raise click.UsageError(f"give --database-url or {DATABASE_ENV}, or --export FILE")


def _read_export(path: Path, take: Take) -> None:
    try:
        document = orjson.loads(path.read_bytes())
        if document["form"] != EXPORT_FORM:
            raise click.UsageError(f"{path} is not an export of form {EXPORT_FORM}")
        key = bytes.fromhex(document["key"]) if document.get("key") else None
        entries = [(one["sequence"], _read(one["body"].encode(), key)) for one in document["entries"]]
    except UNREADABLE as error:
        raise NotChecked(f"{path} {why_unreadable(error)}") from error
    for sequence, entry in entries:
        take(sequence, entry)


async def _read_database(url: str, take: Take) -> None:
    connection = await open_evidence(url)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            keys = {row["borrower_id"]: row["key"] for row in await connection.fetch(KEYS)}
            cursor = await connection.cursor("SELECT sequence, borrower_id, body FROM ledger_entry ORDER BY sequence")
            while page := await cursor.fetch(PAGE):
                for row in page:
                    take(row["sequence"], _read(row["body"], keys.get(row["borrower_id"])))
    finally:
        await connection.close()


def _read(raw: bytes, key: bytes | None) -> Entry:
    """An entry as it was made; one that its key does not open says so under "spoiled"."""
    try:
        return open_entry(raw, key)
    except SealError as error:
        return {**open_entry(raw, None), "spoiled": str(error)}


@click.command()
@database_option
@export_option
def audit(database_url: str | None, export_file: Path | None) -> None:
    """Decide every permit again from its entry, and match permits with settlements."""
    permits = PermitAudit(load_packs())
    read_entries(database_url, export_file, permits.take)
    breaches = permits.finish()
    for breach in breaches[:BREACHES_SHOWN_MAX]:
        click.echo(f"BREACH {breach}")
    counted = f"{permits.permits} permits and {permits.settlements} settlements read, {permits.in_flight} in flight"
    if breaches:
        click.echo(f"{counted}: {len(breaches)} breaches")
        raise SystemExit(1)
    if permits.erased:
        counted += f", {permits.erased} erased"
    click.echo(f"{counted}: the law allows every permit, and all are matched")
