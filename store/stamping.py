"""Timestamps: asked for after each checkpoint, until the newest one has its own.

The newest is enough. It covers every entry that those before it do, and a token that comes late proves
a late time only.
"""

import hashlib
from collections.abc import Callable, Iterator

import sqlalchemy as sa

from store import log, timestamping
from store.blobs import Blobs
from store.errors import StoreError
from store.note import NoteError, parse
from store.schema import checkpoint, timestamp
from store.sealing import Sealing
from store.timestamp_authority import request

TIMESTAMP = "timestamp"


def stamp(engine: sa.Engine, blobs: Blobs, sealing: Sealing, now: Callable[[], str]) -> Iterator[str]:
    """Ask for a timestamp of the newest signed checkpoint, if it has none.

    The token's digest goes into the log, so that a token cannot be dropped or exchanged unseen.

    Yields:
        why there is none.
    """
    with engine.connect() as connection:
        waiting = unstamped(connection)
        if not waiting:
            return
        size = waiting[-1]
        note = connection.execute(sa.select(checkpoint.c.note).where(checkpoint.c.size == size)).scalar_one()
    try:
        text = parse(note.encode()).text.encode()
        token = request(sealing.timestamp_url, text, sealing.timestamp_seconds)
        if sealing.timestamp_roots:
            timestamping.verify(token, text, sealing.timestamp_roots)
    except (NoteError, StoreError) as error:
        yield f"checkpoint {size} has no timestamp yet: {error}"
        return
    with engine.begin() as connection:
        stated = {"size": size, "authority": sealing.timestamp_url}
        logged = {**stated, "token": hashlib.sha256(token).hexdigest(), "at": now()}
        log.append(connection, blobs, TIMESTAMP, logged)
        connection.execute(timestamp.insert(), {**stated, "token": token})


def unstamped(connection: sa.Connection) -> list[int]:
    """Return the sizes of the signed checkpoints after the newest one that has a timestamp, ascending."""
    newest = sa.select(sa.func.coalesce(sa.func.max(timestamp.c.size), 0)).scalar_subquery()
    query = (
        sa.select(checkpoint.c.size)
        .where(checkpoint.c.note.is_not(None), checkpoint.c.size > newest)
        .order_by(checkpoint.c.size)
    )
    return list(connection.execute(query).scalars())
