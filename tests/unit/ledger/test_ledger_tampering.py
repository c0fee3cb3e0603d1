"""Whoever tampers with the evidence is found and placed, and nobody else is accused: with real signatures and seals.

A machine of hypothesis lets a ledger grow in any batches, tampers with a copy of it in every way that rows allow, and
asks the audit. The forger holds everything but the signing key and what the auditor has seen before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from channel_dispatcher.signing import Signer
from forbear_client.ledger_commands import signature_check
from forbear_domain.ledger import EXPORT_FORM, Audit, Checkpoint, Fault, Kind, audit_export, encode, envelope
from forbear_domain.merkle import Frontier, grow, inclusion_proof, leaf_hash, leaf_hashes
from forbear_domain.sealing import KEY_BYTES, NONCE_BYTES, seal

AT = datetime(2026, 11, 23, 15, tzinfo=UTC)
SIGNER, STRANGER = Signer.generate(), Signer.generate()
IS_SIGNED = signature_check({SIGNER.key_id: SIGNER.public_key})
CHANGED, REORDERED, MISSING = "changed after it was hashed", "changed or reordered", "missing"
TWICE, UNSIGNED, UNCOVERED = "more than once", "not signed", "no signed checkpoint"


@dataclass(frozen=True)
class Row:
    """One entry as the table holds it."""

    sequence: int
    body: bytes
    leaf: bytes


@dataclass
class Ledger:
    """Rows and checkpoints, as the database holds them."""

    rows: list[Row]
    checkpoints: list[Checkpoint]

    def grow(self, bodies: list[bytes], signer: Signer = SIGNER) -> None:
        """Append a batch, covered by a signed checkpoint, as the dispatcher does."""
        before = self.checkpoints[-1].frontier if self.checkpoints else None
        leaves = leaf_hashes(bodies)
        frontier = grow(before or Frontier(), leaves).frontier
        start = len(self.rows)
        self.rows += [Row(start + at, body, leaf) for at, (body, leaf) in enumerate(zip(bodies, leaves, strict=True))]
        self.checkpoints.append(signer.sign(frontier, AT + timedelta(seconds=len(self.rows))))

    def copy(self) -> Ledger:
        """Return one to tamper with."""
        return Ledger(list(self.rows), list(self.checkpoints))

    def stretch(self, sequence: int) -> set[int]:
        """Return the entries that one checkpoint adds, among them `sequence`."""
        sizes = [0, *[one.size for one in self.checkpoints]]
        above = next(at for at, size in enumerate(sizes) if size > sequence)
        return set(range(sizes[above - 1], sizes[above]))


def audit(found: Ledger, page: int = 50, seen: tuple[Checkpoint, ...] = ()) -> list[Fault]:
    """Read a ledger in pages, ordered as the command reads it."""
    auditor = Audit([*found.checkpoints, *seen], IS_SIGNED)
    rows = sorted(found.rows, key=lambda row: row.sequence)
    for start in range(0, len(rows), page):
        part = rows[start : start + page]
        auditor.take([row.sequence for row in part], [row.body for row in part], [row.leaf for row in part])
    return auditor.finish()


def body_of(number: int, said: str = "") -> bytes:
    """An entry; no two are the same."""
    return encode(Kind.PERMIT, AT, number=number, said=said)


def told(faults: list[Fault], what: str) -> set[int]:
    """The entries that faults of a kind name."""
    return {number for one in faults if what in one.what for number in range(one.first, one.last + 1)}


class Forger(RuleBasedStateMachine):
    """Grows an honest ledger, and tampers with copies of it."""

    def __init__(self) -> None:
        super().__init__()
        self.honest = Ledger([], [])

    @rule(size=st.integers(1, 30))
    def append(self, size: int) -> None:
        """A batch of the dispatcher."""
        start = len(self.honest.rows)
        self.honest.grow([body_of(start + at) for at in range(size)])

    @rule(page=st.integers(1, 60))
    def is_never_accused(self, page: int) -> None:
        """What nobody touched is whole, in whatever pages it is read."""
        assert [] == audit(self.honest, page)

    def _pick(self, data: st.DataObject) -> tuple[Ledger, int]:
        return self.honest.copy(), data.draw(st.integers(0, len(self.honest.rows) - 1))

    @precondition(lambda self: self.honest.rows)
    @rule(data=st.data())
    def change_a_body(self, data: st.DataObject) -> None:
        """Its stored hash gives away the very entry."""
        found, at = self._pick(data)
        found.rows[at] = replace(found.rows[at], body=body_of(at, "changed"))

        assert {at} == told(audit(found), CHANGED) == told(audit(found), "")

    @precondition(lambda self: self.honest.rows)
    @rule(data=st.data())
    def change_a_body_and_its_hash(self, data: st.DataObject) -> None:
        """The signed root gives away the batch, and no other."""
        found, at = self._pick(data)
        body = body_of(at, "changed")
        found.rows[at] = Row(at, body, leaf_hash(body))

        assert found.stretch(at) == told(audit(found), REORDERED) == told(audit(found), "")

    @precondition(lambda self: self.honest.rows)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        """What is missing is named exactly."""
        found, at = self._pick(data)
        count = data.draw(st.integers(1, len(found.rows) - at))
        del found.rows[at : at + count]

        assert set(range(at, at + count)) == told(audit(found), MISSING) == told(audit(found), "")

    @precondition(lambda self: len(self.honest.rows) > 1)
    @rule(data=st.data())
    def remove_and_close_up(self, data: st.DataObject) -> None:
        """Who moves the later entries up leaves the last place empty, and other bytes in every batch but the last."""
        found, at = self._pick(data)
        last = found.stretch(len(found.rows) - 1)
        del found.rows[at]
        found.rows = [replace(row, sequence=number) for number, row in enumerate(found.rows)]
        faults = audit(found)

        assert {len(found.rows)} == told(faults, MISSING)
        assert set(range(min(found.stretch(at)), min(last))) == told(faults, REORDERED)

    @precondition(lambda self: len(self.honest.rows) > 1)
    @rule(data=st.data())
    def swap(self, data: st.DataObject) -> None:
        """Two entries in each other's place: each batch that holds one of them is named."""
        found, at = self._pick(data)
        other = data.draw(st.integers(0, len(found.rows) - 1).filter(lambda one: one != at))
        one, two = found.rows[at], found.rows[other]
        found.rows[at], found.rows[other] = replace(two, sequence=at), replace(one, sequence=other)

        assert found.stretch(at) | found.stretch(other) == told(audit(found), REORDERED)

    @precondition(lambda self: self.honest.rows)
    @rule(data=st.data())
    def add_a_second_one(self, data: st.DataObject) -> None:
        """Two entries in one place, the same or another, are named by it; the table's key refuses them first."""
        found, at = self._pick(data)
        body = data.draw(st.sampled_from([found.rows[at].body, body_of(at, "second")]))
        found.rows.insert(at + data.draw(st.integers(0, 1)), Row(at, body, leaf_hash(body)))

        assert {at} == told(audit(found), TWICE) == told(audit(found), "")

    @precondition(lambda self: self.honest.rows)
    @rule(data=st.data())
    def insert(self, data: st.DataObject) -> None:
        """A forged entry between others, the later ones moved down: the batch does not fit its root any more."""
        found, at = self._pick(data)
        body = body_of(at, "forged")
        found.rows.insert(at, Row(at, body, leaf_hash(body)))
        found.rows = [replace(row, sequence=number) for number, row in enumerate(found.rows)]
        faults, last = audit(found), len(found.rows) - 1

        assert set(range(min(found.stretch(at)), last)) == told(faults, REORDERED)
        assert {last} == told(faults, UNCOVERED)

    @precondition(lambda self: self.honest.rows)
    @rule(count=st.integers(1, 5))
    def append_without_a_signature(self, count: int) -> None:
        """Entries behind the last checkpoint are told, whoever signed them."""
        found, start = self.honest.copy(), len(self.honest.rows)
        forged = self.honest.copy()
        bodies = [body_of(start + at) for at in range(count)]
        forged.grow(bodies, STRANGER)
        found.rows = forged.rows

        assert set(range(start, start + count)) == told(audit(found), UNCOVERED)
        assert {start + count - 1} == told(audit(forged), UNSIGNED)

    @precondition(lambda self: self.honest.checkpoints)
    @rule(data=st.data())
    def forge_a_checkpoint(self, data: st.DataObject) -> None:
        """Another signature, root, date or size: the checkpoint is told by the entry before it."""
        found, at = self.honest.copy(), data.draw(st.integers(0, len(self.honest.checkpoints) - 1))
        one = found.checkpoints[at]
        forged = data.draw(st.sampled_from([
            replace(one, signature=bytes(64)), replace(one, signature=b""), replace(one, root=leaf_hash(b"")),
            replace(one, signed_at=AT - timedelta(days=1)), replace(one, key_id=STRANGER.key_id),
            STRANGER.sign(one.frontier or Frontier(), AT),
        ]))  # fmt: skip
        found.checkpoints[at] = forged

        assert {one.size - 1} == told(audit(found), UNSIGNED)

    @precondition(lambda self: len(self.honest.checkpoints) > 1)
    @rule(data=st.data())
    def swap_two_checkpoints(self, data: st.DataObject) -> None:
        """What was signed for one size is no signature for another."""
        found = self.honest.copy()
        at, other = sorted(data.draw(st.sets(st.integers(0, len(found.checkpoints) - 1), min_size=2, max_size=2)))
        one, two = found.checkpoints[at], found.checkpoints[other]
        found.checkpoints[at], found.checkpoints[other] = replace(two, size=one.size), replace(one, size=two.size)

        assert {one.size - 1, two.size - 1} == told(audit(found), UNSIGNED)

    @precondition(lambda self: self.honest.checkpoints)
    @rule(data=st.data())
    def lose_a_checkpoint(self, data: st.DataObject) -> None:
        """One in the middle is not missed, because a later one covers the same; the last leaves its batch uncovered."""
        found, at = self.honest.copy(), data.draw(st.integers(0, len(self.honest.checkpoints) - 1))
        batch = found.stretch(found.checkpoints[at].size - 1) if at == len(found.checkpoints) - 1 else set()
        del found.checkpoints[at]

        assert batch == told(audit(found), UNCOVERED) == told(audit(found), "")

    @precondition(lambda self: self.honest.checkpoints)
    @rule(data=st.data())
    def spoil_a_frontier(self, data: st.DataObject) -> None:
        """What is not signed decides nothing: a spoilt frontier accuses nobody, and hides no change behind it."""
        found, at = self.honest.copy(), data.draw(st.integers(0, len(self.honest.checkpoints) - 1))
        other = data.draw(st.sampled_from([None, Frontier(), self.honest.checkpoints[0].frontier]))
        found.checkpoints[at] = replace(found.checkpoints[at], frontier=other)
        assert [] == audit(found)
        changed = data.draw(st.integers(0, len(found.rows) - 1))
        body = body_of(changed, "changed")
        found.rows[changed] = Row(changed, body, leaf_hash(body))

        assert found.stretch(changed) <= told(audit(found), REORDERED)

    @precondition(lambda self: len(self.honest.checkpoints) > 1)
    @rule(data=st.data(), count=st.integers(1, 8))
    def go_back_to_an_older_date(self, data: st.DataObject, count: int) -> None:
        """A ledger cut at an earlier checkpoint, or grown anew from it under the true key: by itself it is whole, and
        what the auditor has seen gives it away. Entries of one branch under a checkpoint of the other need no more.
        """
        at = data.draw(st.integers(0, len(self.honest.checkpoints) - 2))
        size, seen = self.honest.checkpoints[at].size, (self.honest.checkpoints[-1],)
        cut = Ledger(self.honest.rows[:size], self.honest.checkpoints[: at + 1])
        branch = cut.copy()
        branch.grow([body_of(size + number, "branch") for number in range(count)])
        spliced = Ledger(branch.rows + self.honest.rows[len(branch.rows) :], list(self.honest.checkpoints))

        assert [] == audit(cut) == audit(branch)
        assert set(range(size, seen[0].size)) == told(audit(cut, seen=seen), MISSING)
        assert max(told(audit(branch, seen=seen), "")) >= size
        assert spliced.stretch(size) <= told(audit(spliced), REORDERED)


def test_two_signed_branches_of_one_size_are_told_with_the_entries_they_disagree_about() -> None:
    """Cut at five entries and grown anew to the very size that the auditor has seen signed."""
    honest = Ledger([], [])
    honest.grow([body_of(number) for number in range(5)])
    branch = honest.copy()
    honest.grow([body_of(5), body_of(6)])
    branch.grow([body_of(5, "branch"), body_of(6, "branch")])

    assert {5, 6} == told(audit(branch, seen=(honest.checkpoints[-1],)), REORDERED)


ForgerTest = Forger.TestCase
ForgerTest.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 300), st.data())
def test_a_ledger_of_any_size_in_any_batches_is_whole(size: int, data: st.DataObject) -> None:
    """From nothing to 300 entries, however they were written and are read."""
    honest = Ledger([], [])
    while len(honest.rows) < size:
        count = data.draw(st.integers(1, size - len(honest.rows)))
        honest.grow([body_of(len(honest.rows) + at) for at in range(count)])

    assert [] == audit(honest, data.draw(st.integers(1, 301)))


# Exports: one borrower's entries, sealed under the borrower's key, proved without the database.

BORROWER = "b0000000-0000-4000-8000-000000000001"
KEY = bytes(range(KEY_BYTES))


def sealed_body(number: int, borrower: str = BORROWER) -> bytes:
    """An entry of a borrower, as the dispatcher seals it."""
    fields = {"kind": "permit", "at": AT, "tenant": "t", "borrower": borrower, "contact": str(number)}
    nonce = number.to_bytes(NONCE_BYTES, "big")
    inside = encode(Kind.PERMIT, AT, tenant="t", borrower=borrower, contact=str(number), said=f"secret {number}")
    return envelope(fields, seal(AESGCM(KEY), nonce, inside, borrower.encode()))


ERASED = encode(Kind.ERASURE, AT, tenant="t", borrower=BORROWER, done=True)


def export_of(size: int, *, erased: bool = False) -> dict[str, Any]:
    """An export of every second of `size` entries; after an erasure without the key, and with its entry."""
    bodies = [sealed_body(number, BORROWER if number % 2 == 0 else "another") for number in range(size)]
    bodies += [ERASED] if erased else []
    leaves = leaf_hashes(bodies)
    checkpoint = SIGNER.sign(grow(Frontier(), leaves).frontier, AT)
    own = [*range(0, size, 2), *([size] if erased else [])]
    entries = [
        {"sequence": at, "body": bodies[at].decode(), "proof": [one.hex() for one in inclusion_proof(leaves, at)]}
        for at in own
    ]
    return {
        "form": EXPORT_FORM, "borrower": BORROWER, "key": None if erased else KEY.hex(), "entries": entries,
        "signed": checkpoint,
    }  # fmt: skip


def check(document: dict[str, Any]) -> list[Fault]:
    """Verify an export offline."""
    return audit_export(document, document["signed"], IS_SIGNED)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 300), st.booleans())
def test_an_export_proves_itself_before_and_after_an_erasure(size: int, erased: bool) -> None:
    """Of a ledger of any size; with the key destroyed every proof still holds."""
    assert [] == check(export_of(size, erased=erased))


def _body(entry: dict[str, Any], **changes: Any) -> None:
    entry["body"] = orjson.dumps({**orjson.loads(entry["body"]), **changes}, option=orjson.OPT_SORT_KEYS).decode()


def _other_seal(entry: dict[str, Any]) -> None:
    sealed = orjson.loads(entry["body"])["sealed"]
    _body(entry, sealed=("B" if sealed[0] == "A" else "A") + sealed[1:])


TAMPERINGS: dict[str, Callable[[dict[str, Any], dict[str, Any]], None]] = {
    "its sealed text": lambda _, entry: _other_seal(entry),
    "what stays readable": lambda _, entry: _body(entry, contact="999"),
    "whose it is": lambda _, entry: _body(entry, borrower="another"),
    "its place": lambda _, entry: entry.update(sequence=entry["sequence"] + 1),
    "its proof": lambda document, entry: entry.update(proof=["00" * 32] * max(len(entry["proof"]), 1)),
    "a shortened proof": lambda _, entry: entry.update(proof=entry["proof"][:-1] or ["00" * 32]),
}


@settings(max_examples=100, deadline=None)
@given(st.integers(2, 300), st.booleans(), st.sampled_from(sorted(TAMPERINGS)), st.data())
def test_whatever_is_changed_in_an_export_is_found_at_its_entry(
    size: int, erased: bool, what: str, data: st.DataObject
) -> None:
    """Before and after an erasure; every other entry stays proved."""
    document = export_of(size, erased=erased)
    sealed = [one for one in document["entries"] if "sealed" in one["body"]]
    entry = data.draw(st.sampled_from(sealed))
    TAMPERINGS[what](document, entry)

    assert {entry["sequence"]} == {one.first for one in check(document)}


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 100), st.sampled_from(["another key", "no key", "no erasure", "root", "stranger", "older"]))
def test_a_changed_key_or_checkpoint_spoils_the_whole_export(size: int, what: str) -> None:
    """A key that does not open, one that vanished without an erasure, a root of somebody else's or of an older date."""
    document = export_of(size, erased=what == "no erasure")
    signed = document["signed"]
    if what == "another key":
        document["key"] = bytes(KEY_BYTES).hex()
    elif what == "no key":
        document["key"] = None
    elif what == "no erasure":
        document["entries"] = document["entries"][:-1]
    elif what == "root":
        document["signed"] = replace(signed, root=leaf_hash(b""))
    elif what == "stranger":
        document["signed"] = STRANGER.sign(signed.frontier, AT)
    else:
        older = SIGNER.sign(grow(Frontier(), leaf_hashes([body_of(at) for at in range(size)])).frontier, AT)
        document["signed"] = older
    faults = check(document)

    every = {entry["sequence"] for entry in document["entries"]}
    assert every <= told(faults, "")
