"""The audit finds every change, removal, reordering and truncation, and says where."""

from dataclasses import replace
from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forbear_domain import ledger, merkle
from forbear_domain.ledger import Audit, Checkpoint, Fault, Kind

AT = datetime(2026, 11, 23, 15, tzinfo=UTC)
SIZES = (3, 4, 260, 300)

Row = tuple[int, bytes, bytes]


def sign(checkpoint: Checkpoint) -> Checkpoint:
    return replace(checkpoint, signature=merkle.leaf_hash(checkpoint.statement()))


def is_signed(checkpoint: Checkpoint) -> bool:
    """Stands for Ed25519, which the unit under test never sees."""
    return checkpoint.signature == merkle.leaf_hash(checkpoint.statement())


def make_ledger() -> tuple[list[Row], list[Checkpoint]]:
    """A ledger of 300 entries with signed checkpoints at 3, 4, 260 and 300."""
    bodies = [ledger.encode(Kind.PERMIT, AT, number=number) for number in range(300)]
    leaves = merkle.leaf_hashes(bodies)
    checkpoints, frontier = [], merkle.Frontier()
    for size in SIZES:
        frontier = merkle.grow(frontier, leaves[frontier.size : size]).frontier
        checkpoints.append(sign(Checkpoint(size, frontier.root(), AT, "key", frontier=frontier)))
    return list(zip(range(300), bodies, leaves, strict=True)), checkpoints


def audit(rows: list[Row], checkpoints: list[Checkpoint], chunk: int = 7) -> list[Fault]:
    found = Audit(checkpoints, is_signed)
    for start in range(0, len(rows), chunk):
        part = rows[start : start + chunk]
        found.take([row[0] for row in part], [row[1] for row in part], [row[2] for row in part])
    return found.finish()


@given(st.integers(1, 400))
def test_a_whole_ledger_has_no_fault_however_it_is_read(chunk: int) -> None:
    """Where the reader cuts the stream makes no difference."""
    rows, checkpoints = make_ledger()

    assert [] == audit(rows, checkpoints, chunk)


@given(st.integers(0, 299), st.integers(1, 400))
def test_a_changed_body_is_named_exactly(at: int, chunk: int) -> None:
    """The stored leaf hash gives the very entry away."""
    rows, checkpoints = make_ledger()
    rows[at] = (at, rows[at][1].replace(b"permit", b"denied"), rows[at][2])

    assert [Fault(at, at, "the body was changed after it was hashed")] == audit(rows, checkpoints, chunk)


@given(st.integers(0, 299))
def test_a_changed_body_with_its_hash_is_found_between_two_checkpoints(at: int) -> None:
    """Who changes body and leaf hash together is caught by the signed root, and only that stretch is named."""
    rows, checkpoints = make_ledger()
    body = rows[at][1].replace(b"permit", b"denied")
    rows[at] = (at, body, merkle.leaf_hash(body))

    [fault] = audit(rows, checkpoints)

    assert fault.first <= at <= fault.last
    assert (fault.first, fault.last + 1) in zip((0, *SIZES), SIZES, strict=False)


@given(st.integers(0, 299), st.integers(1, 20), st.integers(1, 50))
def test_removed_entries_are_named(first: int, count: int, chunk: int) -> None:
    """A gap in the sequence is told as it is, whether in the middle or at the end."""
    rows, checkpoints = make_ledger()
    removed = [row[0] for row in rows[first : first + count]]
    del rows[first : first + count]

    faults = audit(rows, checkpoints, chunk)

    assert removed == [at for fault in faults for at in range(fault.first, fault.last + 1)]
    assert {"missing, though a signed checkpoint covers them"} == {fault.what for fault in faults}


@given(st.integers(0, 298))
def test_two_entries_that_changed_places_are_found(at: int) -> None:
    """Order is evidence: entries swapped with their hashes do not give the signed root."""
    rows, checkpoints = make_ledger()
    one, two = rows[at], rows[at + 1]
    rows[at], rows[at + 1] = (at, *two[1:]), (at + 1, *one[1:])

    faults = audit(rows, checkpoints)

    assert any(fault.first <= at <= fault.last for fault in faults)


def test_truncation_with_its_checkpoints_is_found_by_a_checkpoint_kept_elsewhere() -> None:
    """Cutting entries and checkpoints alike shows against any checkpoint that was kept outside."""
    rows, checkpoints = make_ledger()

    assert [] == audit(rows[:260], checkpoints[:3])
    [fault] = audit(rows[:260], [*checkpoints[:3], replace(checkpoints[3], frontier=None)])
    assert (260, 299) == (fault.first, fault.last)


def test_entries_behind_the_last_checkpoint_are_told() -> None:
    """Every append is signed; what nobody signed was not written by the dispatcher."""
    rows, checkpoints = make_ledger()

    [fault] = audit(rows, checkpoints[:3])

    assert Fault(260, 299, "no signed checkpoint covers them") == fault


def test_a_forged_checkpoint_is_told() -> None:
    """A root that follows from forged entries is worth nothing without the key."""
    rows, checkpoints = make_ledger()
    checkpoints[1] = replace(checkpoints[1], signature=b"forged")

    assert ["the checkpoint behind it is not signed by a known key"] == [f.what for f in audit(rows, checkpoints)]


def test_one_fault_does_not_hide_the_next() -> None:
    """Two changes in two stretches are two findings."""
    rows, checkpoints = make_ledger()
    for at in (1, 270):
        body = rows[at][1].replace(b"permit", b"denied")
        rows[at] = (at, body, merkle.leaf_hash(body))

    assert [(0, 2), (260, 299)] == [(fault.first, fault.last) for fault in audit(rows, checkpoints)]


def test_an_empty_ledger_is_whole() -> None:
    """Nothing written, nothing signed, nothing wrong."""
    assert [] == audit([], [])


def test_an_entry_is_canonical() -> None:
    """The same facts give the same bytes in whatever order they are named; sets are sorted."""
    one = ledger.encode(Kind.REFUSAL, AT, b=frozenset({"z", "a"}), a=b"\x01")

    assert ledger.encode(Kind.REFUSAL, AT, a=b"\x01", b=frozenset({"a", "z"})) == one
    assert b'{"a":"01","at":"2026-11-23T15:00:00Z","b":["a","z"],"kind":"refusal"}' == one


@pytest.mark.parametrize("spoil", ["body", "proof", "borrower", "root", "form"])
def test_an_export_verifies_offline_and_shows_any_change(spoil: str) -> None:
    """One borrower's entries stand or fall with the signed root alone."""
    bodies = [ledger.encode(Kind.PERMIT, AT, borrower="b1" if n % 2 else "b2", n=n) for n in range(9)]
    leaves = merkle.leaf_hashes(bodies)
    checkpoint = sign(Checkpoint(9, merkle.root_of(leaves), AT, "key"))
    entries = [
        {"sequence": n, "body": bodies[n].decode(), "proof": [h.hex() for h in merkle.inclusion_proof(leaves, n)]}
        for n in range(1, 9, 2)
    ]
    document = {"form": ledger.EXPORT_FORM, "borrower": "b1", "entries": entries}
    assert [] == ledger.audit_export(document, checkpoint, is_signed)

    if spoil == "body":
        entries[1]["body"] = orjson.dumps({**orjson.loads(bodies[3]), "n": 99}).decode()
    elif spoil == "proof":
        entries[1]["proof"] = entries[0]["proof"]
    elif spoil == "borrower":
        document["borrower"] = "b2"
    elif spoil == "form":
        document["form"] = "other"
    else:
        checkpoint = replace(checkpoint, root=merkle.EMPTY_ROOT)

    assert ledger.audit_export(document, checkpoint, is_signed)
