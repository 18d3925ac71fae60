"""Retention: payloads that policy lets go leave a tombstone, and the log says who let them go and why."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import sqlalchemy as sa

from store.errors import StoreError
from store.schema import log, tombstone
from store.tree import root_of

if TYPE_CHECKING:
    from store.blobs import Blobs

PRUNE = "prune"
_LOOKED_UP = 500


@dataclass(frozen=True, slots=True)
class Removal:
    """One act of pruning.

    Attributes:
        entry: its entry in the log.
        at: when it was done, RFC 3339 in UTC.
        before: what had ended before then was let go.
    """

    entry: int
    at: str
    by: str
    reason: str
    before: str

    @classmethod
    def of(cls, entry: int, body: dict[str, Any]) -> "Removal":
        """Read it from its entry."""
        return cls(entry, body["at"], body["by"], body["reason"], body["before"])

    def __str__(self) -> str:
        return f"retention let it go on {self.at[:10]} (log entry {self.entry}, by {self.by}: {self.reason})"


class PrunedError(StoreError):
    """What was asked for is no longer there, rightly."""

    def __init__(self, key: bytes, removal: Removal) -> None:
        super().__init__(
            f"{key.hex()} is not there any more: {removal}",
            "Its hash stays in the record; a backup from before may still hold it.",
        )
        self.removal = removal


def removed_root(hashes: Iterable[bytes]) -> bytes:
    """Return the Merkle root over the hashes of what was removed, in ascending order."""
    return root_of(sorted(hashes))


def removals(connection: sa.Connection, blobs: "Blobs") -> list[Removal]:
    """Return every act of pruning, oldest first.

    Raises:
        StoreError: an entry is damaged.
    """
    query = sa.select(log).where(log.c.entry.is_not(None), log.c.kind == PRUNE).order_by(log.c.seq)
    found = []
    for row in connection.execute(query).all():
        try:
            body = orjson.loads(blobs.decompress(connection, row.dictionary_id, row.entry))
            found.append(Removal.of(row.seq, body))
        except (ValueError, KeyError) as error:
            raise StoreError(f"log entry {row.seq} is damaged: {error}", "Run `annexa verify`.") from error
    return found


def entries_that_let_go(connection: sa.Connection, keys: Iterable[bytes]) -> dict[bytes, int]:
    """Return, of the payloads that retention let go, hash → the last entry that did."""
    wanted = list(keys)
    found: dict[bytes, int] = {}
    for i in range(0, len(wanted), _LOOKED_UP):
        query = sa.select(tombstone).where(tombstone.c.hash.in_(wanted[i : i + _LOOKED_UP]))
        for row in connection.execute(query.order_by(tombstone.c.seq)):
            found[row.hash] = row.seq
    return found


def removal_of(found: Iterable[Removal], ended: str, entry: int) -> Removal | None:
    """Return the act that let go what a collection ended.

    Args:
        ended, entry: when that collection was finished, and its entry in the log.
    """
    return next((each for each in found if entry < each.entry and ended < each.before), None)


def why_gone(found: Iterable[Removal], ended: str, entry: int) -> str:
    """Say why it is not known any more what a collection ended; see :func:`removal_of`."""
    removal = removal_of(found, ended, entry)
    return str(removal) if removal is not None else "it is not there, and no log entry says why"


def last_to_see(connection: sa.Connection, read: Callable[[bytes], Any]) -> set[int]:
    """Return the collections that were the last to see a resource whose version is still open.

    Where a series was last read in part only, these can be older than its latest collection, and
    their reports are still what the present rests on.

    Args:
        read: returns the JSON value of a blob, or None where it cannot be read.
    """
    latest = """SELECT c.series_id FROM collection c JOIN collection_state s ON s.id = c.state_id
                WHERE NOT s.complete AND c.id IN (SELECT max(id) FROM collection GROUP BY series_id)"""
    unseen_of = """SELECT r.resource_id FROM resource r JOIN content c ON c.resource_pk = r.id
                   WHERE r.series_id = :series AND c.closed IS NULL"""
    newest_first = """SELECT c.id, s.complete, s.manifest FROM collection c
                      JOIN collection_state s ON s.id = c.state_id
                      WHERE c.series_id = :series ORDER BY c.id DESC"""
    found: set[int] = set()
    for series in connection.execute(sa.text(latest)).scalars().all():
        unseen = set(connection.execute(sa.text(unseen_of), {"series": series}).scalars())
        known: set[bytes] = set()
        for row in connection.execute(sa.text(newest_first), {"series": series}).all():
            if not unseen:
                break
            if row.complete:
                found.add(row.id)
                break
            if row.manifest in known:
                continue
            known.add(row.manifest)
            seen = {resource_id for resource_id, _ in read(row.manifest) or ()}
            if not unseen.isdisjoint(seen):
                found.add(row.id)
                unseen -= seen
    return found
