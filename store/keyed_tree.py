"""A Merkle tree whose leaves stand in the order of their keys, and which is changed in place.

RFC 6962 pairs hashes level by level, and a last one without a partner goes up as it is. So a leaf
that is exchanged costs the hashes above it and those of the right edge, and one that comes or goes
costs those to its right.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

from store.tree import EMPTY_ROOT, node_hash

Key = TypeVar("Key", str, tuple[str, str])


class KeyedTree(Generic[Key]):
    """A tree that remembers its inner hashes.

    Attributes:
        leaves: key → leaf hash; changed by :meth:`change` only.
    """

    def __init__(self) -> None:
        self.leaves: dict[Key, bytes] = {}
        self._keys: list[Key] = []
        self._levels: list[list[bytes]] = [[]]

    def change(self, removed: Iterable[Key], put: Mapping[Key, bytes]) -> None:
        """Take leaves away, then add others or exchange those that have the same keys."""
        gone = {key for key in removed if key in self.leaves and key not in put}
        fresh = [key for key in put if key not in self.leaves]
        for key in gone:
            del self.leaves[key]
        self.leaves.update(put)
        first = self._reorder(gone, fresh) if gone or fresh else len(self._keys)
        bottom = self._levels[0]
        bottom[first:] = [self.leaves[key] for key in self._keys[first:]]
        exchanged = set()
        for key, leaf in put.items():
            place = bisect_left(self._keys, key)
            if place < first:
                bottom[place] = leaf
                exchanged.add(place)
        self._rehash(exchanged, first)

    def root(self) -> bytes:
        """Return the Merkle tree hash over all leaves (RFC 6962 §2.1)."""
        return self._levels[-1][0] if self._keys else EMPTY_ROOT

    def __len__(self) -> int:
        return len(self._keys)

    def _reorder(self, gone: set[Key], fresh: list[Key]) -> int:
        """Bring the keys up to date, and return the first place at which another one stands now."""
        old = self._keys
        self._keys = [key for key in old if key not in gone] if gone else list(old)
        self._keys += fresh
        self._keys.sort()
        return bisect_left(old, min([*gone, *fresh]))

    def _rehash(self, exchanged: set[int], first: int) -> None:
        """Hash again what is above the leaves that were exchanged, and all from the place ``first`` on."""
        height = 0
        while len(below := self._levels[height]) > 1:
            height += 1
            if height == len(self._levels):
                self._levels.append([])
            level = self._levels[height]
            first //= 2
            exchanged = {place // 2 for place in exchanged if place // 2 < first}
            for place in exchanged:
                level[place] = node_hash(below[2 * place], below[2 * place + 1])
            level[first:] = [
                node_hash(below[place], below[place + 1]) for place in range(2 * first, len(below) - 1, 2)
            ]
            if len(below) % 2:
                level.append(below[-1])
        del self._levels[height + 1 :]
