"""The tree against its definition in RFC 6962, section 2.1, written down once more as naively as possible."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forbear_domain import merkle


def naive_root(leaves: list[bytes]) -> bytes:
    """The recursive definition, word by word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def leaves_of(count: int) -> list[bytes]:
    return merkle.leaf_hashes([str(number).encode() for number in range(count)])


@given(st.lists(st.integers(0, 40), max_size=12))
def test_a_tree_grown_in_any_batches_has_the_root_of_the_definition(batches: list[int]) -> None:
    """Growing by batches of any size, empty ones too, ends in the same root as hashing all at once."""
    leaves = leaves_of(sum(batches))
    frontier, done = merkle.Frontier(), 0

    for size in batches:
        frontier = merkle.grow(frontier, leaves[done : done + size]).frontier
        done += size

    assert naive_root(leaves) == frontier.root()
    assert frontier.is_sound()
    assert frontier == merkle.Frontier.from_bytes(frontier.size, frontier.to_bytes())


@given(st.integers(1, 130), st.data())
def test_every_leaf_proves_its_place_and_no_other(size: int, data: st.DataObject) -> None:
    """A proof holds for its leaf and index, and for no other leaf, index, size or root."""
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    root = naive_root(leaves)

    proof = merkle.inclusion_proof(leaves, index)

    assert merkle.is_included(leaves[index], index, size, proof, root)
    assert not merkle.is_included(merkle.leaf_hash(b"other"), index, size, proof, root)
    assert not merkle.is_included(leaves[index], index, size, proof, merkle.EMPTY_ROOT)
    assert not merkle.is_included(leaves[index], size, size, proof, root)
    assert not merkle.is_included(leaves[index], index, size, [*proof, root], root)
    for other in range(size):
        if other != index:
            assert not merkle.is_included(leaves[index], other, size, proof, root)


@given(st.integers(1, 100), st.data())
def test_a_longer_tree_proves_that_it_only_appended(later: int, data: st.DataObject) -> None:
    """The consistency proof holds for the true earlier root and fails for any other."""
    leaves = leaves_of(later)
    size = data.draw(st.integers(1, later))
    root, later_root = naive_root(leaves[:size]), naive_root(leaves)

    proof = merkle.consistency_proof(leaves, size)

    assert merkle.is_consistent(size, root, later, later_root, proof)
    forged = merkle.leaf_hash(b"forged")
    assert not merkle.is_consistent(size, forged, later, later_root, proof)
    assert not merkle.is_consistent(size, root, later, forged, proof)


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, 513, 1000, 1024, 1300])
def test_a_proof_from_tiles_is_the_proof_from_all_leaves(size: int) -> None:
    """Roots of complete tiles and one tile's leaves are enough to prove any leaf."""
    leaves = leaves_of(size)
    growth = merkle.grow(merkle.Frontier(), leaves)
    part = leaves[len(growth.tiles) * merkle.TILE :]
    tiles = [*growth.tiles, *([merkle.root_of(part)] if part else [])]

    for index in {0, size // 2, size - 1}:
        start = index // merkle.TILE * merkle.TILE
        proof = merkle.tiled_inclusion_proof(tiles, leaves[start : start + merkle.TILE], index)

        assert merkle.inclusion_proof(leaves, index) == proof


@given(st.lists(st.integers(1, 700), min_size=1, max_size=4))
def test_batches_complete_the_same_tiles_as_one_append(batches: list[int]) -> None:
    """Each tile is given exactly once, by the append that completes it."""
    leaves = leaves_of(sum(batches))
    tiles: list[bytes] = []
    frontier, done = merkle.Frontier(), 0

    for size in batches:
        growth = merkle.grow(frontier, leaves[done : done + size])
        frontier, done = growth.frontier, done + size
        tiles += growth.tiles

    whole = len(leaves) // merkle.TILE
    assert [naive_root(leaves[at * merkle.TILE : (at + 1) * merkle.TILE]) for at in range(whole)] == tiles


def test_a_proof_for_a_place_that_does_not_exist_is_refused() -> None:
    """Nobody gets a proof for a leaf or a prefix that the tree does not have."""
    with pytest.raises(merkle.ProofError, match="no leaf 3"):
        merkle.inclusion_proof(leaves_of(3), 3)
    with pytest.raises(merkle.ProofError, match="no prefix"):
        merkle.consistency_proof(leaves_of(3), 4)


def test_peaks_that_do_not_belong_to_the_size_are_refused() -> None:
    """A frontier that was tampered with does not load."""
    with pytest.raises(ValueError, match="do not belong"):
        merkle.Frontier.from_bytes(3, b"\0" * 32)
