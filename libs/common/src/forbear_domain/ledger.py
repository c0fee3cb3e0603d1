"""The evidence: what an entry looks like, what a checkpoint states, and how both are audited.

An entry is canonical JSON (UTF-8, keys sorted, no blanks), so that everybody hashes the same bytes. It names people by
ids and addresses by keyed hashes only. A checkpoint states the root of the Merkle tree over all entries before `size`
and is signed. `Audit` reads entries in order and finds every change, removal, reordering and truncation; where a
checkpoint carries its frontier, the audit goes on behind a fault, so that one fault does not hide the next.
Pure: signatures are checked by a function that is handed in.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from forbear_domain.merkle import Frontier, grow, is_included, leaf_hash, leaf_hashes
from forbear_domain.sealing import SealError, unseal

FORM = "forbear-ledger/1"
EXPORT_FORM = "forbear-ledger-export/1"
_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z


class Kind(StrEnum):
    """What an entry tells of."""

    PERMIT = "permit"  # the gate allowed an attempt, and it was claimed
    REFUSAL = "refusal"  # the gate forbade the contact
    POSTPONEMENT = "postponement"  # the gate said: not before
    EXPIRY = "expiry"  # the contact's time passed
    SETTLEMENT = "settlement"  # how an attempt ended
    RECONCILIATION = "reconciliation"  # what the provider says about an unknown attempt
    RECEIPT = "receipt"
    WORDS = "words"  # a borrower wrote or said something: a commitment to the words, and how they were read
    SUPPRESSION = "suppression"
    LIFT = "lift"
    RECALL = "recall"
    ERASURE = "erasure"  # the key of a borrower's entries was destroyed, or will be once no law keeps them
    POLICY = "policy"  # a tenant's own rules came into force
    OVERRIDE = "override"  # a person decided: took a case, answered, lifted a bar, gave the borrower back


def encode(kind: Kind, at: datetime, **fields: Any) -> bytes:
    """Return the canonical bytes of an entry. Sets become sorted lists; ids and instants their text."""
    return encode_fields(kind, at, fields)


def encode_fields(kind: Kind, at: datetime, fields: dict[str, Any]) -> bytes:
    """Do the same with fields that nobody else holds: `kind` and `at` are put among them."""
    fields["kind"], fields["at"] = kind, at
    return orjson.dumps(fields, default=_plain, option=_OPTIONS)


def envelope(body: Mapping[str, Any], sealed: bytes) -> bytes:
    """Return the canonical bytes of an entry that is sealed: what stays readable for ever, and the rest in base64.

    The sealed part is put in afterwards, so that JSON's writer needs not grow its memory for a long text that has
    nothing to escape. Its place is the first such name, for within a value every quote has a backslash before it.
    """
    outside = orjson.dumps({**body, "sealed": ""}, default=_plain, option=_OPTIONS)
    head, name, tail = outside.partition(b'"sealed":"')
    return b"".join((head, name, sealed, tail))


def open_entry(raw: bytes, key: bytes | None) -> dict[str, Any]:
    """Return an entry as it was made; one whose key is gone tells only what stays readable, under "erased": true.

    Raises SealError when the key does not fit, or when what is sealed says otherwise than what is not.
    """
    outside: dict[str, Any] = orjson.loads(raw)
    sealed = outside.pop("sealed", None)
    if sealed is None:
        return outside
    if key is None:
        return {**outside, "erased": True}
    inside: dict[str, Any] = orjson.loads(unseal(key, sealed, str(outside["borrower"]).encode()))
    if any(inside.get(name) != value for name, value in outside.items()):
        raise SealError("what is sealed says otherwise than what is not")
    return inside


_SETS = (frozenset, set)


def _plain(value: Any) -> Any:
    if isinstance(value, _SETS):
        return sorted(value)
    if isinstance(value, bytes):
        return value.hex()
    return str(value)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The signed root over the first `size` entries. `frontier` lets an audit go on from here; it is not signed."""

    size: int
    root: bytes
    signed_at: datetime
    key_id: str
    signature: bytes = b""
    frontier: Frontier | None = None

    def statement(self) -> bytes:
        """Return the bytes that are signed."""
        return f"{FORM}\n{self.size}\n{self.root.hex()}\n{self.signed_at.isoformat()}\n{self.key_id}\n".encode()


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that an audit found. Entries from `first` to `last`, both included, are concerned."""

    first: int
    last: int
    what: str

    def __str__(self) -> str:
        where = f"entry {self.first}" if self.first == self.last else f"entries {self.first} to {self.last}"
        return f"{where}: {self.what}"


class Audit:
    """Reads a ledger from its first entry to its last: call `take` in order of the sequence, then `finish`."""

    def __init__(self, checkpoints: Iterable[Checkpoint], is_signed: Callable[[Checkpoint], bool]) -> None:
        self.entries = 0
        self.faults: list[Fault] = []
        self._checkpoints = sorted(checkpoints, key=lambda one: one.size)
        self._is_signed = is_signed
        self._next = 0
        self._frontier: Frontier | None = Frontier()
        self._start = 0  # first entry behind the last checkpoint passed
        self._told_from = 0  # first entry that a fault of the next checkpoint names
        self._sequences: list[int] = []
        self._leaves: list[bytes] = []
        self._is_pinned = False  # a fault behind the last checkpoint is already told entry by entry

    def take(self, sequences: Sequence[int], bodies: Sequence[bytes], leaves: Sequence[bytes] | None = None) -> None:
        """Read the next entries: their positions, bytes and, where the ledger stores them, leaf hashes."""
        computed = leaf_hashes(bodies)
        pinned = [] if leaves is None else _changed(sequences, leaves, computed)
        self.entries += len(computed)
        start = 0
        while start < len(computed):
            size = self._checkpoints[self._next].size if self._next < len(self._checkpoints) else None
            stop = len(computed) if size is None else bisect_left(sequences, size, start)
            self._sequences += sequences[start:stop]
            self._leaves += computed[start:stop]
            for sequence in pinned:
                if sequences[start] <= sequence and (size is None or sequence < size):
                    self.faults.append(Fault(sequence, sequence, "the body was changed after it was hashed"))
                    self._is_pinned = True
            if stop < len(computed):
                self._close(self._checkpoints[self._next])
            start = stop

    def finish(self) -> list[Fault]:
        """Check what lies behind the last entry and return all faults, in order."""
        for checkpoint in self._checkpoints[self._next :]:
            self._close(checkpoint)
        if self._sequences:
            self._add(self._sequences[0], self._sequences[-1], "no signed checkpoint covers them")
        self.faults = _joined(sorted(self.faults, key=lambda fault: (fault.first, fault.last)))
        return self.faults

    def _close(self, checkpoint: Checkpoint) -> None:
        """Compare the entries since the last checkpoint with this one, and go on from it."""
        self._next += 1
        size, start = checkpoint.size, self._start
        if size > start:  # else a second one of the same size, which speaks of the entries that the first one covers
            self._told_from = start
        is_signed = self._is_signed(checkpoint)
        if not is_signed:
            self._add(max(size - 1, 0), max(size - 1, 0), "the checkpoint behind it is not signed by a known key")
        grown = None
        if self._sequences == list(range(start, size)):
            grown = None if self._frontier is None else grow(self._frontier, self._leaves).frontier
            self._compare(checkpoint, grown)
        else:
            self._tell_places(start, size)
        if grown is not None and grown.root() == checkpoint.root:
            self._frontier = grown
        else:
            frontier = checkpoint.frontier
            self._frontier = frontier if is_signed and frontier and frontier.root() == checkpoint.root else None
        self._start, self._sequences, self._leaves, self._is_pinned = size, [], [], False

    def _compare(self, checkpoint: Checkpoint, grown: Frontier | None) -> None:
        first, last = self._told_from, max(checkpoint.size - 1, 0)
        if grown is None:
            self._add(first, last, "cannot be checked: the checkpoint before them is of no use")
        elif grown.root() != checkpoint.root and not self._is_pinned:
            self._add(first, last, "changed or reordered: the signed root differs")

    def _tell_places(self, start: int, size: int) -> None:
        """Tell which places are empty, and which hold more than one entry."""
        expected = start
        for sequence in [*self._sequences, size]:
            if sequence > expected:
                self._add(expected, sequence - 1, "missing, though a signed checkpoint covers them")
            elif sequence < expected:
                self._add(sequence, sequence, "there more than once")
            expected = sequence + 1

    def _add(self, first: int, last: int, what: str) -> None:
        self.faults.append(Fault(first, last, what))


def _joined(faults: Iterable[Fault]) -> list[Fault]:
    """Tell neighbours of one kind as one stretch."""
    joined: list[Fault] = []
    for fault in faults:
        if joined and joined[-1].what == fault.what and joined[-1].last + 1 == fault.first:
            joined[-1] = Fault(joined[-1].first, fault.last, fault.what)
        else:
            joined.append(fault)
    return joined


def _changed(sequences: Sequence[int], stored: Sequence[bytes], computed: Sequence[bytes]) -> list[int]:
    if list(stored) == computed:
        return []
    return [at for at, old, new in zip(sequences, stored, computed, strict=True) if old != new]


def audit_export(
    document: Mapping[str, Any], checkpoint: Checkpoint, is_signed: Callable[[Checkpoint], bool]
) -> list[Fault]:
    """Check one borrower's export without the database: every entry stands in the tree that the checkpoint signs."""
    if document.get("form") != EXPORT_FORM:
        return [Fault(0, 0, f"the file is not an export of form {EXPORT_FORM}")]
    faults = []
    if not is_signed(checkpoint):
        faults.append(Fault(0, max(checkpoint.size - 1, 0), "the checkpoint is not signed by a known key"))
    for entry in document["entries"]:
        sequence, body = entry["sequence"], entry["body"].encode()
        proof = [bytes.fromhex(sibling) for sibling in entry["proof"]]
        if not is_included(leaf_hash(body), sequence, checkpoint.size, proof, checkpoint.root):
            faults.append(Fault(sequence, sequence, "its proof does not lead to the signed root"))
        elif not _belongs(orjson.loads(body), document["borrower"]):
            faults.append(Fault(sequence, sequence, "it tells of another borrower"))
        else:
            faults += _unreadable(sequence, body, document)
    return faults


def _unreadable(sequence: int, body: bytes, document: Mapping[str, Any]) -> list[Fault]:
    """An entry that the export's key does not open; without a key, one whose erasure is not in the export."""
    key = document.get("key")
    try:
        entry = open_entry(body, bytes.fromhex(key) if key else None)
    except SealError as error:
        return [Fault(sequence, sequence, str(error))]
    if "erased" not in entry or any(_is_erasure(orjson.loads(one["body"])) for one in document["entries"]):
        return []
    return [Fault(sequence, sequence, "it cannot be read, and no erasure is on record")]


def _is_erasure(entry: Mapping[str, Any]) -> bool:
    return entry["kind"] == Kind.ERASURE and bool(entry["done"])


def _belongs(entry: Mapping[str, Any], borrower: str) -> bool:
    """Whether an entry may stand in a borrower's export: it is theirs, or the tenant's rules, which name nobody."""
    return entry.get("borrower") == borrower or (entry["kind"] == Kind.POLICY and "borrower" not in entry)
