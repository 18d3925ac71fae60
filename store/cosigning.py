"""Cosignatures: the lines by which witnesses say that they saw a checkpoint."""

from collections.abc import Sequence

import sqlalchemy as sa

from store import log
from store.blobs import Blobs
from store.errors import StoreError
from store.note import Note, NoteError, SignatureLine, Verified, parse, parse_line, verify
from store.note_key import NoteKey
from store.schema import checkpoint

COSIGNATURE = "cosignature"


def add_cosignatures(
    connection: sa.Connection, blobs: Blobs, data: bytes, witnesses: Sequence[NoteKey], at: str
) -> tuple[int, list[str]]:
    """Add a witness's answer to the kept checkpoint that it is over, and log that it is there.

    Args:
        data: signature lines, or a whole note with them.
        witnesses: the keys that are taken.

    Returns:
        the checkpoint's size and the witnesses whose lines are new.

    Raises:
        StoreError: the lines are malformed, by nobody who is known, or over no checkpoint that is kept.
    """
    try:
        text, lines = _read(data)
        for row in connection.execute(
            sa.select(checkpoint.c.size, checkpoint.c.note)
            .where(checkpoint.c.note.is_not(None))
            .order_by(checkpoint.c.size.desc())
        ).all():
            kept = parse(row.note.encode())
            if text is not None and text != kept.text:
                continue
            found = _by_witnesses(Note(kept.text, lines), witnesses, strict=text is not None)
            if found:
                return row.size, _keep(connection, blobs, row.size, kept, lines, found, at)
    except NoteError as error:
        raise StoreError(f"the cosignature is not taken: {error}") from error
    raise StoreError(
        "the cosignature is by no known witness over any checkpoint that is kept",
        "Name the witness's key in [record] witnesses, and give what it answered.",
    )


def _read(data: bytes) -> tuple[str | None, tuple[SignatureLine, ...]]:
    if b"\n\n" in data:
        note = parse(data)
        return note.text, note.signatures
    try:
        lines = data.decode().strip("\n").split("\n")
    except UnicodeDecodeError:
        raise NoteError("a signature line is UTF-8") from None
    return None, tuple(map(parse_line, lines))


def _by_witnesses(note: Note, witnesses: Sequence[NoteKey], *, strict: bool) -> list[Verified]:
    # Lines alone do not say which checkpoint they are over: over any other one, they are wrong.
    try:
        return verify(note, witnesses)
    except NoteError:
        if strict:
            raise
        return []


def _keep(
    connection: sa.Connection,
    blobs: Blobs,
    size: int,
    kept: Note,
    lines: tuple[SignatureLine, ...],
    found: list[Verified],
    at: str,
) -> list[str]:
    held = {(line.name, line.key_id) for line in kept.signatures}
    fresh = [one.key for one in found if (one.key.name, one.key.id) not in held]
    for key in fresh:
        line = next(one for one in lines if (one.name, one.key_id) == (key.name, key.id))
        kept = kept.with_signatures(line)
        log.append(connection, blobs, COSIGNATURE, {"size": size, "witness": str(key), "at": at})
    connection.execute(checkpoint.update().where(checkpoint.c.size == size).values(note=bytes(kept).decode()))
    return [key.name for key in fresh]
