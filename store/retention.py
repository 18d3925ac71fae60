"""Retention: payloads that policy lets go leave a tombstone, and the log says who let them go and why."""

from collections.abc import Iterable

from store.tree import root_of

PRUNE = "prune"


def removed_root(hashes: Iterable[bytes]) -> bytes:
    """Return the Merkle root over the hashes of what was removed, in ascending order."""
    return root_of(sorted(hashes))
