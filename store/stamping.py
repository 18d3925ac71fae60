"""The queue of checkpoints that wait for a timestamp: asked for after each checkpoint until there is one."""

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
from store.timestamping import Reason, TimestampError

TIMESTAMP = "timestamp"


def stamp(engine: sa.Engine, blobs: Blobs, sealing: Sealing, now: Callable[[], str]) -> Iterator[str]:
    """Ask for the timestamps that are missing, newest first, until the authority no longer answers.

    Each token's digest goes into the log, so that a token cannot be dropped or exchanged unseen.

    Yields:
        why there is none.
    """
    query = (
        sa.select(timestamp.c.id, checkpoint.c.size, checkpoint.c.note)
        .join(checkpoint, checkpoint.c.size == timestamp.c.size)
        .where(timestamp.c.token.is_(None), checkpoint.c.note.is_not(None))
        .order_by(checkpoint.c.size.desc())
    )
    with engine.connect() as connection:
        waiting = connection.execute(query).all()
    for row in waiting:
        try:
            text = parse(row.note.encode()).text.encode()
            token = request(sealing.timestamp_url, text, sealing.timestamp_seconds)
            if sealing.timestamp_roots:
                timestamping.verify(token, text, sealing.timestamp_roots)
        except (NoteError, StoreError) as error:
            yield f"checkpoint {row.size} has no timestamp yet: {error}"
            if isinstance(error, TimestampError) and error.reason is Reason.UNREACHABLE:
                return
            continue
        with engine.begin() as connection:
            body = {
                "size": row.size,
                "authority": sealing.timestamp_url,
                "token": hashlib.sha256(token).hexdigest(),
                "at": now(),
            }
            log.append(connection, blobs, TIMESTAMP, body)
            connection.execute(
                timestamp.update()
                .where(timestamp.c.id == row.id)
                .values(token=token, authority=sealing.timestamp_url)
            )


def unstamped(connection: sa.Connection) -> list[int]:
    """Return the sizes of the checkpoints that wait for a timestamp."""
    query = sa.select(timestamp.c.size).where(timestamp.c.token.is_(None)).order_by(timestamp.c.size)
    return list(connection.execute(query).scalars())
