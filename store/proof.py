"""Merkle proofs: that a leaf is in a tree, and that one tree begins another.

They are made as RFC 6962 §2.1.1 and §2.1.2 say, and checked as RFC 9162 §2.1.3.2 and §2.1.4.2 say. Making
and checking share nothing but the hash function, so that a mistake in one shows in the other.
"""

from collections.abc import Callable, Iterable, Sequence

from store.tree import EMPTY_ROOT, node_hash

HASH_SIZE = 32
LARGEST_SIZE = 2**63 - 1
"""The most leaves that a tree may have: the signed 64-bit number that other implementations use."""

HashReader = Callable[[int, int], bytes]
"""``(level, index)`` → the root of the full subtree over leaves ``[index << level, (index + 1) << level)``.

Level 0 is the leaf hashes. A proof in a tree of n leaves reads at most about 2 log2(n) of them.
"""


class ProofError(ValueError):
    """A proof does not prove what it is said to prove."""


class SubtreeHashes:
    """A :data:`HashReader` in memory, for when only leaf hashes are at hand; it grows as a log does."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self._levels: list[bytearray] = [bytearray()]
        for leaf in leaves:
            self.append(leaf)

    def __len__(self) -> int:
        return len(self._levels[0]) // HASH_SIZE

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash, and the root of each subtree that it completes."""
        if len(leaf) != HASH_SIZE:
            raise ValueError(f"a leaf hash has {HASH_SIZE} bytes, not {len(leaf)}")
        index = len(self)
        self._levels[0] += leaf
        level = 0
        while index & 1:
            here = self._levels[level]
            parent = node_hash(bytes(here[-2 * HASH_SIZE : -HASH_SIZE]), bytes(here[-HASH_SIZE:]))
            level, index = level + 1, index >> 1
            if level == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level] += parent

    def __call__(self, level: int, index: int) -> bytes:
        hashes = self._levels[level] if 0 <= level < len(self._levels) else b""
        found = bytes(hashes[index * HASH_SIZE : (index + 1) * HASH_SIZE]) if index >= 0 else b""
        if not found:
            raise ValueError(f"{len(self)} leaves have no complete subtree {index} at level {level}")
        return found


def root_at(read: HashReader, size: int) -> bytes:
    """Return the root of the tree over the first ``size`` leaves."""
    _check_size(size)
    return _range_hash(read, 0, size) if size else EMPTY_ROOT


def inclusion(read: HashReader, index: int, size: int) -> list[bytes]:
    """Prove that a leaf is in the tree over the first ``size`` leaves: PATH(index, D[size]), RFC 6962 §2.1.1.

    Returns:
        the hashes from the leaf's sibling up to the root's child.
    """
    _check_size(size)
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    start, end = 0, size
    path: list[bytes] = []
    while end - start > 1:
        split = start + _left_width(end - start)
        if index < split:
            path.append(_range_hash(read, split, end))
            end = split
        else:
            path.append(_range_hash(read, start, split))
            start = split
    return path[::-1]


def consistency(read: HashReader, old: int, new: int) -> list[bytes]:
    """Prove that a tree of ``old`` leaves begins the one of ``new``: PROOF(old, D[new]), RFC 6962 §2.1.2.

    Returns:
        the hashes; none if ``old`` is 0, where there is nothing to prove, or equals ``new``.
    """
    _check_size(new)
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {old} leaves is no beginning of one of {new}")
    if old in (0, new):
        return []
    start, end = 0, new
    path: list[bytes] = []
    while old != end:
        split = start + _left_width(end - start)
        if old <= split:
            path.append(_range_hash(read, split, end))
            end = split
        else:
            path.append(_range_hash(read, start, split))
            start = split
    if start:
        # Otherwise what is left is the whole old tree, whose root the verifier has.
        path.append(_range_hash(read, start, end))
    return path[::-1]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> None:
    """Check that a leaf hash is at ``index`` in the tree with this size and root (RFC 9162 §2.1.3.2).

    Raises:
        ProofError: it is not, or the proof does not show it.
    """
    _check_hashes(leaf, root, *proof)
    if not 0 <= index < size:
        raise ProofError(f"a tree of {size} leaves has no leaf {index}")
    fn, sn = index, size - 1
    seen = leaf
    for sibling in proof:
        if sn == 0:
            raise ProofError("the inclusion proof is too long")
        if fn & 1 or fn == sn:
            seen = node_hash(sibling, seen)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            seen = node_hash(seen, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ProofError("the inclusion proof is too short")
    if seen != root:
        raise ProofError(f"the leaf is not number {index} of the {size} under this root")


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """Check that the tree (old, old_root) begins the tree (new, new_root) (RFC 9162 §2.1.4.2).

    Raises:
        ProofError: it does not, or the proof does not show it.
    """
    _check_hashes(old_root, new_root, *proof)
    if not 0 <= old <= new:
        raise ProofError(f"a tree of {old} leaves is no beginning of one of {new}")
    if old in (0, new):
        _verify_without_proof(old, new, proof, old_root, new_root)
        return
    path = list(proof) if old & (old - 1) else [old_root, *proof]
    if not proof:
        raise ProofError("the consistency proof is too short")
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    old_seen = new_seen = path[0]
    for sibling in path[1:]:
        if sn == 0:
            raise ProofError("the consistency proof is too long")
        if fn & 1 or fn == sn:
            old_seen, new_seen = node_hash(sibling, old_seen), node_hash(sibling, new_seen)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            new_seen = node_hash(new_seen, sibling)
        fn, sn = fn >> 1, sn >> 1
    if sn:
        raise ProofError("the consistency proof is too short")
    if old_seen != old_root or new_seen != new_root:
        raise ProofError(f"the tree of {new} leaves does not begin with the one of {old}")


def _verify_without_proof(
    old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes
) -> None:
    if proof:
        raise ProofError("the consistency proof is too long")
    if old == 0 and old_root != EMPTY_ROOT:
        raise ProofError("a tree without leaves has another root")
    if old == new and old_root != new_root:
        raise ProofError(f"two trees of {new} leaves have different roots")


def _range_hash(read: HashReader, start: int, end: int) -> bytes:
    # The ranges in proofs begin at a multiple of a power of two that is no smaller than they are
    # wide: so their full subtrees, largest first, are the ones that the bits of the width name.
    parts: list[bytes] = []
    while start < end:
        level = (end - start).bit_length() - 1
        parts.append(read(level, start >> level))
        start += 1 << level
    whole = parts.pop()
    while parts:
        whole = node_hash(parts.pop(), whole)
    return whole


def _left_width(width: int) -> int:
    # The largest power of two that is smaller: RFC 6962's k.
    return 1 << ((width - 1).bit_length() - 1)


def _check_size(size: int) -> None:
    if not 0 <= size <= LARGEST_SIZE:
        raise ValueError(f"no tree has {size} leaves")


def _check_hashes(*hashes: bytes) -> None:
    if any(len(value) != HASH_SIZE for value in hashes):
        raise ProofError(f"a hash has {HASH_SIZE} bytes")
