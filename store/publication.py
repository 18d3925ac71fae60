"""Bringing signed checkpoints out: a file in the store's folder, and copies in other places."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from store import durable
from store.errors import StoreError
from store.places import Place, copy_name, same_checkpoint
from store.schema import checkpoint

FILE = "checkpoint"
"""The newest signed checkpoint, in the store's folder; C2SP tlog-tiles gives it this name."""


def publish(connection: sa.Connection, folder: Path, copy_to: Iterable[Place]) -> Iterator[str]:
    """Write the newest signed checkpoint to the store's folder and to the places configured.

    Yields:
        what could not be written, and why.
    """
    row = newest_signed(connection)
    if row is None:
        return
    note = row.note.encode()
    try:
        durable.write(folder / FILE, note)
    except OSError as error:
        yield f"{folder / FILE} cannot be written: {error.strerror}"
    for place in copy_to:
        try:
            copy(place, row)
        except StoreError as error:
            yield f"{error}. {error.hint}".rstrip()


def copy(place: Place, row: sa.Row[Any]) -> None:
    """Copy a signed checkpoint to a place, if it is not there yet.

    Raises:
        StoreError: it cannot be written, or one of another history is there.
    """
    name, note = copy_name(row.note.split("\n", 1)[0], row.size), row.note.encode()
    if not same_checkpoint(place.keep(name, note), note):
        raise StoreError(
            f"{place}: {name} is of another history of this log; it was left as it is",
            "`annexa verify` says what differs.",
        )


def newest_signed(connection: sa.Connection) -> sa.Row[Any] | None:
    """Return the row of the newest checkpoint that is signed."""
    signed = sa.select(checkpoint).where(checkpoint.c.note.is_not(None))
    return connection.execute(signed.order_by(checkpoint.c.size.desc()).limit(1)).first()
