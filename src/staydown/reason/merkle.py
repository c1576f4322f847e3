"""The Merkle tree of RFC 6962: roots, inclusion and consistency proofs.

Leaves are hashed with a 0x00 in front, inner nodes with a 0x01. `Frontier` grows a tree without
reading its leaves again; proofs are made from the leaf hashes.

Source: RFC 6962, section 2.1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one leaf."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """The right edge of a growing tree: its size and the roots of its full subtrees, largest first."""

    size: int = 0
    peaks: list[bytes] = field(default_factory=list)

    def extend(self, leaves: Iterable[bytes]) -> None:
        """Add leaf hashes in order."""
        sha256 = hashlib.sha256
        peaks, size = self.peaks, self.size
        for leaf in leaves:
            node = leaf
            rest = size
            while rest & 1:
                node = sha256(b"\x01" + peaks.pop() + node).digest()
                rest >>= 1
            peaks.append(node)
            size += 1
        self.size = size

    def root(self) -> bytes:
        """The root of the tree as it stands."""
        if not self.peaks:
            return EMPTY_ROOT
        sha256 = hashlib.sha256
        node = self.peaks[-1]
        for peak in self.peaks[-2::-1]:
            node = sha256(b"\x01" + peak + node).digest()
        return node

    def to_bytes(self) -> bytes:
        """The peaks in one piece, for the store."""
        return b"".join(self.peaks)

    @classmethod
    def from_bytes(cls, size: int, peaks: bytes) -> Frontier:
        """What `to_bytes` wrote.

        Raises:
            ValueError: The number of peaks does not fit the size.
        """
        if len(peaks) != HASH_BYTES * size.bit_count():
            raise ValueError(
                f"a tree of {size} leaves has {size.bit_count()} peaks, not {len(peaks) / HASH_BYTES}"
            )
        return cls(size, [peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)])


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


class Levels:
    """All full levels of a tree over leaf hashes, so that many proofs cost little each."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.levels: list[list[bytes]] = [list(leaves)]
        while len(self.levels[-1]) > 1:
            below = self.levels[-1]
            self.levels.append([node_hash(below[at], below[at + 1]) for at in range(0, len(below) - 1, 2)])

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add leaf hashes; what is there already stays as it is."""
        self.levels[0].extend(leaves)
        for height, below in enumerate(self.levels):
            if len(below) < 2:
                break
            if height + 1 == len(self.levels):
                self.levels.append([])
            above = self.levels[height + 1]
            above.extend(
                node_hash(below[at], below[at + 1]) for at in range(2 * len(above), len(below) - 1, 2)
            )

    def _root(self, start: int, end: int) -> bytes:
        """The root over leaves start..end-1, where start is aligned to the subtree."""
        width = end - start
        if width & (width - 1) == 0:
            height = width.bit_length() - 1
            return self.levels[height][start >> height]
        split = 1 << ((width - 1).bit_length() - 1)
        return node_hash(self._root(start, start + split), self._root(start + split, end))

    def root(self, size: int) -> bytes:
        """The root when the tree had `size` leaves."""
        return self._root(0, size) if size else EMPTY_ROOT

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """The audit path of leaf `index` (from 0) in the tree of `size` leaves.

        Raises:
            IndexError: There is no such leaf.
        """
        if not 0 <= index < size <= len(self.levels[0]):
            raise IndexError(f"no leaf {index} in a tree of {size}")
        path: list[bytes] = []
        start, end = 0, size
        while end - start > 1:
            split = start + (1 << ((end - start - 1).bit_length() - 1))
            if index < split:
                path.append(self._root(split, end))
                end = split
            else:
                path.append(self._root(start, split))
                start = split
        return path[::-1]

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the tree of `new` leaves begins with the tree of `old` leaves.

        Raises:
            IndexError: The sizes are not in order, or too large.
        """
        if not 0 < old <= new <= len(self.levels[0]):
            raise IndexError(f"no proof from {old} to {new}")
        path: list[bytes] = []
        start, end, whole = 0, new, True
        while old != end:
            split = start + (1 << ((end - start - 1).bit_length() - 1))
            if old <= split:
                path.append(self._root(split, end))
                end = split
            else:
                path.append(self._root(start, split))
                start, whole = split, False
        return ([] if whole else [self._root(start, end)]) + path[::-1]


def root_from_inclusion(index: int, size: int, leaf: bytes, path: Sequence[bytes]) -> bytes:
    """The root that a leaf hash and its audit path lead to.

    Raises:
        ValueError: The path has the wrong length for this place.

    Source: RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        raise ValueError("the index lies outside the tree")
    node, at, last = leaf, index, size - 1
    for sibling in path:
        if last == 0:
            raise ValueError("the path is too long")
        if at & 1 or at == last:
            node = node_hash(sibling, node)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            node = node_hash(node, sibling)
        at >>= 1
        last >>= 1
    if last:
        raise ValueError("the path is too short")
    return node


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Whether a proof shows that the old tree is the beginning of the new one.

    Source: RFC 9162, section 2.1.4.2.
    """
    if old == new:
        return not path and old_root == new_root
    if not 0 < old < new or not path:
        return False
    nodes = list(path) if old & (old - 1) else [old_root, *path]
    at, last = old - 1, new - 1
    while at & 1:
        at >>= 1
        last >>= 1
    first = second = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            first = node_hash(sibling, first)
            second = node_hash(sibling, second)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            second = node_hash(second, sibling)
        at >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == new_root
