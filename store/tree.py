"""RFC 6962 Merkle trees: roots of lists, and the compact form that an append-only log grows by."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves (RFC 6962 §2.1)."""

_AT_ONCE = 256
"""Leaves that are joined level by level; a power of two, so that their root is a full subtree."""


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry as a leaf (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into their parent (RFC 6962 §2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(slots=True)
class Frontier:
    """The right edge of a tree: the roots of its full subtrees, largest first.

    It is all that is needed to append and to name the root, and has at most log2(size) + 1
    hashes. Its length is fixed by ``size``: one hash for each 1 in its binary form.
    """

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        self.hashes.append(leaf)
        size = self.size
        while size & 1:
            right = self.hashes.pop()
            self.hashes.append(node_hash(self.hashes.pop(), right))
            size >>= 1
        self.size += 1

    def root(self) -> bytes:
        """Return the Merkle tree hash over all leaves so far."""
        if not self.hashes:
            return EMPTY_ROOT
        root = self.hashes[-1]
        for left in reversed(self.hashes[:-1]):
            root = node_hash(left, root)
        return root

    def to_bytes(self) -> bytes:
        return b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, size: int, packed: bytes) -> "Frontier":
        """Rebuild a frontier.

        Raises:
            ValueError: the number of hashes does not fit the size.
        """
        if len(packed) != 32 * size.bit_count():
            raise ValueError(f"a tree of {size} leaves has {size.bit_count()} subtree hashes")
        return cls(size, [packed[i : i + 32] for i in range(0, len(packed), 32)])


def root_of(entries: Iterable[bytes]) -> bytes:
    """Return the Merkle tree hash of a list of entries."""
    frontier, rest = Frontier(), iter(entries)
    while some := [leaf_hash(entry) for entry in islice(rest, _AT_ONCE)]:
        if len(some) < _AT_ONCE:
            right = Frontier()
            for leaf in some:
                right.append(leaf)
            return Frontier(frontier.size * _AT_ONCE + right.size, frontier.hashes + right.hashes).root()
        while len(some) > 1:
            some = [node_hash(some[i], some[i + 1]) for i in range(0, len(some), 2)]
        frontier.append(some[0])
    return frontier.root()


def root_of_hashes(leaves: Sequence[bytes]) -> bytes:
    """Return the Merkle tree hash over leaf hashes that are all at hand.

    Joining neighbours level by level, where the last one of an odd number moves up, gives the tree of
    RFC 6962: each left side has the largest power of two of leaves.
    """
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        odd = level[-1:] if len(level) & 1 else []
        level = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)] + odd
    return level[0]
