"""The append-only log: every act is an entry, and the entries are the leaves of a Merkle tree."""

import hashlib
from typing import Any

import sqlalchemy as sa

from store.blobs import Blobs
from store.canonical import canonical
from store.errors import StoreError
from store.schema import checkpoint, dictionary, log, log_state
from store.tiles import LARGEST_ENTRY
from store.tree import Frontier, leaf_hash

ENTRY_VERSION = 1
DICTIONARY = "dictionary"
_STATE = sa.select(log_state.c.size, log_state.c.frontier)


def append(
    connection: sa.Connection, blobs: Blobs, kind: str, body: dict[str, Any], *, keep: bool = True
) -> int:
    """Append an entry in the caller's transaction.

    Args:
        body: what the entry says; hashes stand for payloads.
        keep: whether the log keeps the entry itself; without it the caller's rows must say all of it.

    Returns:
        the entry's sequence number, from 0.

    Raises:
        StoreError: the entry is longer than a log may have.
    """
    entry = encode(kind, body)
    if len(entry) > LARGEST_ENTRY:
        raise StoreError(f"an entry of the kind {kind!r} has {len(entry)} bytes; a log takes {LARGEST_ENTRY}")
    frontier = state(connection)
    seq = frontier.size
    leaf = leaf_hash(entry)
    frontier.append(leaf)
    dictionary_id, data = blobs.compress(connection, entry) if keep else (None, None)
    connection.execute(
        log.insert(),
        {"seq": seq, "kind": kind, "hash": leaf, "dictionary_id": dictionary_id, "entry": data},
    )
    values = {"size": frontier.size, "frontier": frontier.to_bytes()}
    if seq == 0:
        connection.execute(log_state.insert(), {"id": 1, **values})
    else:
        connection.execute(log_state.update().values(values))
    return seq


def encode(kind: str, body: dict[str, Any]) -> bytes:
    """Return the bytes of an entry, over which its leaf hash is taken."""
    return canonical({"v": ENTRY_VERSION, "kind": kind, **body})


def state(connection: sa.Connection) -> Frontier:
    """Return the log's size and right edge as they were last written.

    Raises:
        StoreError: they are damaged.
    """
    row = connection.execute(_STATE).first()
    try:
        return Frontier() if row is None else Frontier.from_bytes(row.size, row.frontier)
    except ValueError as error:
        raise StoreError(f"the state of the log is damaged: {error}", "Run `annexa verify`.") from error


def name_dictionary(connection: sa.Connection, blobs: Blobs, at: str) -> None:
    """Log the digest of the compression dictionary in use; do so whenever one was made.

    What is compressed vouches only for those of its bytes that were used.
    """
    query = sa.select(dictionary.c.data).where(dictionary.c.id == blobs.current)
    data = connection.execute(query).scalar()
    if data is not None:
        append(connection, blobs, DICTIONARY, {"at": at, "dictionary": hashlib.sha256(data).hexdigest()})


def keep_checkpoint(connection: sa.Connection, at: str) -> tuple[int, str]:
    """Keep the log's present size and root.

    Args:
        at: the moment, RFC 3339 in UTC.

    Returns:
        size and root, in hexadecimal.
    """
    frontier = state(connection)
    root = frontier.root()
    known = connection.execute(sa.select(checkpoint.c.size).where(checkpoint.c.size == frontier.size)).first()
    if known is None:
        connection.execute(checkpoint.insert(), {"size": frontier.size, "root": root, "at": at})
    return frontier.size, root.hex()
