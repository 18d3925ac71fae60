"""The log as a folder of C2SP tlog-tiles (c2sp.org/tlog-tiles), which any web server can hand out.

Tiles and entries are written before the checkpoint that covers them, so that whoever reads while it is
written, or after it was interrupted, finds all of what the checkpoint there promises.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from store import durable
from store.checkpoint_text import Checkpoint
from store.errors import StoreError
from store.log_entries import entries
from store.note import NoteError, parse
from store.proof import root_at
from store.publication import FILE, newest_signed
from store.record import Record
from store.schema import log
from store.tiles import TILE_WIDTH, TileFolder, bundles_of, entry_bundles, hash_tiles, tiles_of
from store.tree import Frontier

_ELSEWHERE = "Name an empty folder."
_COMPARE = "`annexa verify` says so with --against and the checkpoint in the folder."


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written.

    Attributes:
        size: of the checkpoint that the folder has now.
        since: of the one that it had; 0 if it had none.
        files: how many were written, the checkpoint included.
    """

    size: int
    since: int
    files: int


def export_tiles(record: Record, folder: Path) -> Exported:
    """Write the log up to its newest signed checkpoint; of a log that is there, only what is new.

    Raises:
        StoreError: no checkpoint is signed, the folder holds another log or another history of this one,
            the record is damaged, or a file cannot be written.
    """
    try:
        with record.engine.connect() as connection:
            record.blobs.load(connection)
            newest = newest_signed(connection)
            if newest is None:
                raise StoreError("no checkpoint is signed", "Run `annexa checkpoint` first.")
            note = newest.note.encode()
            held = _held(folder)
            since = _begins_with(connection, folder, held, Checkpoint.parse(parse(note).text))
            written = 0
            for name, data in _files(connection, record, newest.size, since):
                path = folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                written += durable.write(path, data)
            folder.mkdir(parents=True, exist_ok=True)
            written += durable.write(folder / FILE, note)
    except OSError as error:
        raise StoreError(
            f"{error.filename or folder} cannot be written: {error.strerror}", "Name a folder that can be."
        ) from error
    except NoteError as error:
        raise StoreError(f"the newest checkpoint is damaged: {error}", "Run `annexa verify`.") from error
    return Exported(newest.size, since, written)


def _held(folder: Path) -> Checkpoint | None:
    path = folder / FILE
    if not path.exists():
        return None
    try:
        return Checkpoint.parse(parse(path.read_bytes()).text)
    except NoteError as error:
        raise StoreError(f"{path} is not the checkpoint of a log: {error}", _ELSEWHERE) from error


def _begins_with(connection: sa.Connection, folder: Path, held: Checkpoint | None, newest: Checkpoint) -> int:
    """Return the size that a folder holds already, once the log is known to begin with it."""
    roots = _roots(connection, {newest.size, held.size if held else 0})
    if roots[newest.size] != newest.root:
        raise StoreError(f"checkpoint {newest.size} is not of this log", "Run `annexa verify`.")
    if held is None:
        return 0
    if held.origin != newest.origin:
        raise StoreError(f"{folder} holds the log {held.origin!r}, not {newest.origin!r}", _ELSEWHERE)
    if held.size > newest.size:
        raise StoreError(
            f"{folder} holds {held.size} entries; the newest signed checkpoint is of {newest.size}",
            f"Was an older copy of the store put in its place? {_COMPARE}",
        )
    if roots[held.size] != held.root:
        raise StoreError(
            f"{folder} holds another history of this log",
            f"One of the two is not the record. {_COMPARE}",
        )
    if held.size and root_at(TileFolder(folder, held.size), held.size) != held.root:
        raise StoreError(f"the tiles in {folder} are not those of its checkpoint", _ELSEWHERE)
    return held.size


def _roots(connection: sa.Connection, sizes: set[int]) -> dict[int, bytes]:
    frontier = Frontier()
    roots = {0: frontier.root()} | dict.fromkeys(sizes - {0}, b"")
    for leaf in _leaves(connection, max(sizes)):
        frontier.append(leaf)
        if frontier.size in sizes:
            roots[frontier.size] = frontier.root()
    return roots


def _leaves(connection: sa.Connection, size: int) -> Iterator[bytes]:
    query = sa.select(log.c.hash).where(log.c.seq < size).order_by(log.c.seq)
    yield from connection.execute(query).scalars()


def _files(connection: sa.Connection, record: Record, size: int, since: int) -> Iterator[tuple[str, bytes]]:
    wanted = set(map(str, tiles_of(size, since)))
    for name, data in hash_tiles(_leaves(connection, size)):
        if name in wanted:
            yield name, data
    first = next(bundles_of(size, since), None)
    if first is not None:
        start = first.index * TILE_WIDTH
        yield from entry_bundles(entries(connection, record.blobs, start, size), first.index)
