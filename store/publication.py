"""Bringing signed checkpoints out: a file in the store's folder, and copies in other places."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from store import durable
from store.note import NoteError, parse
from store.schema import checkpoint

FILE = "checkpoint"
"""The newest signed checkpoint, in the store's folder; C2SP tlog-tiles gives it this name."""

SUFFIX = ".checkpoint"
_SMALLEST_NAME = 12


def publish(connection: sa.Connection, folder: Path, copy_to: tuple[Path, ...]) -> Iterator[str]:
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
        target = place / copy_name(row.note.split("\n", 1)[0], row.size)
        try:
            if target.exists() and not _same_text(target.read_bytes(), note):
                yield f"{target} is of another history of this log; it was left as it is"
                continue
            durable.write(target, note)
        except OSError as error:
            yield f"{target} cannot be written: {error.strerror}"


def newest_signed(connection: sa.Connection) -> sa.Row[Any] | None:
    """Return the row of the newest checkpoint that is signed."""
    signed = sa.select(checkpoint).where(checkpoint.c.note.is_not(None))
    return connection.execute(signed.order_by(checkpoint.c.size.desc()).limit(1)).first()


def copy_name(origin: str, size: int) -> str:
    """Return the name of a copy: logs do not meet in one folder, and names sort as sizes do."""
    return f"{_slug(origin)}-{size:0{_SMALLEST_NAME}d}{SUFFIX}"


def copies(place: Path, origin: str) -> list[Path]:
    """Return the copies of a log's checkpoints in a folder, oldest first; none if it cannot be read."""
    try:
        return sorted(place.glob(f"{_slug(origin)}-*{SUFFIX}"))
    except OSError:
        return []


def _slug(origin: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", origin).lstrip(".")


def _same_text(held: bytes, note: bytes) -> bool:
    try:
        return parse(held).text == parse(note).text
    except NoteError:
        return False
