"""A Merkle tree over an append-only list, hashed in the manner of RFC 6962, section 2.1.

A leaf is SHA-256(0x00 || body), a node SHA-256(0x01 || left || right); the left subtree of n leaves holds the largest
power of two below n. `Frontier` grows in batches without reading what it already covers; proofs need either all leaves
or, for long lists, the roots of the complete tiles (TILE leaves each) and the leaves of one tile. Pure: no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

TILE_LEVEL = 8
TILE = 1 << TILE_LEVEL
HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()


class ProofError(ValueError):
    """A proof was asked for a place that the tree does not have."""


def leaf_hash(body: bytes) -> bytes:
    """Hash one entry."""
    return sha256(b"\x00" + body).digest()


def leaf_hashes(bodies: Sequence[bytes]) -> list[bytes]:
    """Hash many entries; a third cheaper than one by one."""
    hashed = sha256
    return [hashed(b"\x00" + body).digest() for body in bodies]


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into their parent."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """What must be kept of a tree to append to it: the roots of its complete subtrees, the largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def root(self) -> bytes:
        """Return the root hash over all leaves so far."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root

    def is_sound(self) -> bool:
        """Return whether there is one peak for each power of two in the size."""
        return len(self.peaks) == self.size.bit_count() and all(len(peak) == HASH_BYTES for peak in self.peaks)

    def to_bytes(self) -> bytes:
        """Return the peaks end to end, for a row of a table."""
        return b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, size: int, peaks: bytes) -> Frontier:
        """Rebuild a frontier from a row. Raises ValueError when the peaks do not belong to that size."""
        found = cls(size, tuple(peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)))
        if not found.is_sound():
            raise ValueError(f"{len(peaks)} bytes of peaks do not belong to a tree of {size} leaves")
        return found


@dataclass(frozen=True, slots=True)
class Growth:
    """What an append gives: the new frontier, and the roots of the tiles that it completed, in order."""

    frontier: Frontier
    tiles: tuple[bytes, ...]


def grow(frontier: Frontier, leaves: Sequence[bytes]) -> Growth:
    """Append leaf hashes. Costs about one hash a leaf, whatever the size of the tree."""
    by_level = dict(zip(_levels(frontier.size), frontier.peaks, strict=True))
    pending, level = list(leaves), 0
    tiles: tuple[bytes, ...] = ()
    hashed = sha256
    while pending:
        if level == TILE_LEVEL:
            tiles = tuple(pending)
        if level in by_level:
            pending.insert(0, by_level.pop(level))
        if len(pending) % 2:
            by_level[level] = pending.pop()
        pairs = iter(pending)
        pending = [hashed(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
        level += 1
    size = frontier.size + len(leaves)
    return Growth(Frontier(size, tuple(by_level[level] for level in _levels(size))), tiles)


def _levels(size: int) -> list[int]:
    return [level for level in reversed(range(size.bit_length())) if size >> level & 1]


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over leaf hashes (or over tile roots, the last of which may be of a part tile)."""
    return grow(Frontier(), leaves).frontier.root()


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the sibling hashes from leaf to root (RFC 6962, section 2.1.1)."""
    if not 0 <= index < len(leaves):
        raise ProofError(f"there is no leaf {index} in a tree of {len(leaves)}")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_proof(leaves[:split], index), root_of(leaves[split:])]
    return [*inclusion_proof(leaves[split:], index - split), root_of(leaves[:split])]


def tiled_inclusion_proof(tiles: Sequence[bytes], tile_leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the same proof from the roots of all tiles and the leaves of the one tile that holds `index`.

    `tiles` counts a last, part tile by the root over the leaves it has.
    """
    return [*inclusion_proof(tile_leaves, index % TILE), *inclusion_proof(tiles, index // TILE)]


def is_included(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Return whether the proof leads from the leaf at `index` to the root of a tree of `size` leaves."""
    if not 0 <= index < size:
        return False
    place, last, found = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if place % 2 or place == last:
            found = node_hash(sibling, found)
            while place and not place % 2:
                place, last = place >> 1, last >> 1
        else:
            found = node_hash(found, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and found == root


def consistency_proof(leaves: Sequence[bytes], size: int) -> list[bytes]:
    """Return the hashes that show that the first `size` leaves are a prefix of all (RFC 6962, section 2.1.2)."""
    if not 0 < size <= len(leaves):
        raise ProofError(f"a tree of {len(leaves)} leaves has no prefix of {size}")
    return _subproof(leaves, size, is_whole=True)


def _subproof(leaves: Sequence[bytes], size: int, *, is_whole: bool) -> list[bytes]:
    if size == len(leaves):
        return [] if is_whole else [root_of(leaves)]
    split = _split(len(leaves))
    if size <= split:
        return [*_subproof(leaves[:split], size, is_whole=is_whole), root_of(leaves[split:])]
    return [*_subproof(leaves[split:], size - split, is_whole=False), root_of(leaves[:split])]


def is_consistent(size: int, root: bytes, later_size: int, later_root: bytes, proof: Sequence[bytes]) -> bool:
    """Return whether the proof shows that the tree of `later_size` leaves only appended to the one of `size`."""
    if size == later_size:
        return root == later_root and not proof
    if not 0 < size < later_size or not proof:
        return False
    hashes = [root, *proof] if size & (size - 1) == 0 else list(proof)
    place, last = size - 1, later_size - 1
    while place % 2:
        place, last = place >> 1, last >> 1
    earlier = later = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return False
        if place % 2 or place == last:
            earlier, later = node_hash(sibling, earlier), node_hash(sibling, later)
            while place and not place % 2:
                place, last = place >> 1, last >> 1
        else:
            later = node_hash(later, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and earlier == root and later == later_root


def _split(size: int) -> int:
    """Return the largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
