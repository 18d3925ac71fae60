"""Witnesses: asked over HTTP to cosign the newest checkpoint, after each one, until they have."""

from collections.abc import Callable, Iterator

import sqlalchemy as sa

from store.blobs import Blobs
from store.cosigning import add_cosignatures
from store.errors import StoreError
from store.http_post import host
from store.note import Note, NoteError, parse
from store.note_key import NoteKey
from store.proof import SubtreeHashes, root_at
from store.publication import newest_signed
from store.schema import checkpoint
from store.schema import log as log_table
from store.sealing import Sealing
from store.witness_client import WitnessError, add_checkpoint


def cosign(engine: sa.Engine, blobs: Blobs, sealing: Sealing, now: Callable[[], str]) -> Iterator[str]:
    """Ask every witness to cosign the newest signed checkpoint, unless as many have as are asked.

    Yields:
        who did not, and why.
    """
    with engine.connect() as connection:
        newest = newest_signed(connection)
        if newest is None:
            return
        try:
            note = parse(newest.note.encode())
        except NoteError as error:
            yield f"checkpoint {newest.size} cannot be cosigned: {error}"
            return
        if len(cosigned_by(note, sealing.witnesses)) >= len(sealing.witness_urls):
            return
        known = _last_cosigned(connection, sealing.witnesses)
        leaves = sa.select(log_table.c.hash).where(log_table.c.seq < newest.size).order_by(log_table.c.seq)
        tree = SubtreeHashes(connection.execute(leaves).scalars())
    if len(tree) != newest.size or root_at(tree, newest.size) != newest.root:
        yield f"checkpoint {newest.size} cannot be cosigned: it is not of this log; run `annexa verify`"
        return
    for url in sealing.witness_urls:
        try:
            lines = add_checkpoint(url, bytes(note), newest.size, known, tree, sealing.witness_seconds)
            answered = note.text.encode() + b"\n" + lines
            with engine.begin() as connection:
                add_cosignatures(connection, blobs, answered, sealing.witnesses, now())
        except WitnessError as error:
            yield f"checkpoint {newest.size} is not cosigned yet: {error}"
        except StoreError as error:
            why = f"the witness {host(url)} answered, but {error}"
            yield f"checkpoint {newest.size} is not cosigned yet: {why}"


def cosigned_by(note: Note, witnesses: tuple[NoteKey, ...]) -> set[str]:
    """Return the names of the witnesses whose lines a note has."""
    keys = {(key.name, key.id) for key in witnesses}
    return {line.name for line in note.signatures if (line.name, line.key_id) in keys}


def _last_cosigned(connection: sa.Connection, witnesses: tuple[NoteKey, ...]) -> int:
    """Return the size that witnesses are likely to have cosigned last; each says so itself if it is not."""
    signed = sa.select(checkpoint).where(checkpoint.c.note.is_not(None)).order_by(checkpoint.c.size.desc())
    for row in connection.execute(signed):
        try:
            if cosigned_by(parse(row.note.encode()), witnesses):
                return int(row.size)
        except NoteError:
            continue
    return 0
