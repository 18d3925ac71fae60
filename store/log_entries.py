"""The entries of the log as they were hashed: those that it keeps, and those that rows say."""

from collections.abc import Iterator

import sqlalchemy as sa

from store.blobs import Blobs
from store.collection_entry import KIND, collection_entry, collection_rows
from store.errors import StoreError
from store.log import encode
from store.schema import collection, log
from store.tree import leaf_hash


def entries(connection: sa.Connection, blobs: Blobs, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of entries ``start`` to ``end - 1``; none is yielded that does not have its hash.

    Raises:
        StoreError: one is missing or damaged.
    """
    rows = connection.execute(sa.select(log).where(log.c.seq >= start, log.c.seq < end).order_by(log.c.seq))
    collections = connection.execute(
        collection_rows().where(collection.c.seq >= start, collection.c.seq < end).order_by(collection.c.seq)
    )
    expected = start
    for row in rows:
        entry = None
        try:
            if row.entry is not None:
                entry = blobs.decompress(connection, row.dictionary_id, row.entry)
            else:
                said = collections.fetchone()
                if said is not None and said.seq == row.seq:
                    entry = encode(KIND, collection_entry(dict(said._mapping)))
        except ValueError as error:
            raise _damaged(row.seq, str(error)) from error
        if row.seq != expected or entry is None or leaf_hash(entry) != row.hash:
            raise _damaged(expected, "what it says has another hash")
        expected += 1
        yield entry
    if expected < end:
        raise _damaged(expected, "it is missing")


def _damaged(seq: int, why: str) -> StoreError:
    return StoreError(f"log entry {seq} is damaged: {why}", "Run `annexa verify`.")
