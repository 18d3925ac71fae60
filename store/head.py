"""The log as it stands: what a file made from the record names, so that it can be held against it."""

from dataclasses import dataclass

import sqlalchemy as sa

from store import log
from store.log_keys import logged_keys
from store.record import Record
from store.schema import checkpoint, meta


@dataclass(frozen=True, slots=True)
class Head:
    """The log's size and root.

    Attributes:
        root: in hexadecimal.
        key: the vkey that signs now, or "".
        signed: size of the newest signed checkpoint, or 0.
    """

    store_id: str
    size: int
    root: str
    key: str
    signed: int


def head(record: Record) -> Head:
    """Return the log's present size and root, and who signs for it.

    Raises:
        StoreError: the log is damaged.
    """
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        state = log.state(connection)
        keys = logged_keys(connection, record.blobs)
        store_id = connection.execute(sa.select(meta.c.value).where(meta.c.key == "store_id")).scalar()
        newest = sa.select(sa.func.max(checkpoint.c.size)).where(checkpoint.c.note.is_not(None))
        signed = connection.execute(newest).scalar()
    return Head(
        str(store_id or ""), state.size, state.root().hex(), str(keys[-1].key) if keys else "", signed or 0
    )
