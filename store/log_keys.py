"""The keys that a log names in entries of its own: the first one, and each that took over from another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from store import log
from store.blobs import Blobs
from store.errors import StoreError
from store.note_key import NoteKey, SignatureKind
from store.schema import log as log_table

KEY = "key"


@dataclass(frozen=True, slots=True)
class LoggedKey:
    """A key that signs every checkpoint of more than ``seq`` entries, until another takes over.

    Attributes:
        before: the key that it took over from, which signs the first of these checkpoints too.
    """

    seq: int
    key: NoteKey
    before: NoteKey | None = None

    @classmethod
    def of(cls, seq: int, body: dict[str, Any]) -> "LoggedKey":
        """Read an entry.

        Raises:
            ValueError: it does not name keys of a log.
        """
        key = NoteKey.parse(body["new"])
        before = None if body["old"] is None else NoteKey.parse(body["old"])
        if any(found.kind is not SignatureKind.ED25519 for found in (key, before) if found):
            raise ValueError("a witness's key cannot sign for a log")
        return cls(seq, key, before)


def append_key(connection: sa.Connection, blobs: Blobs, new: NoteKey, old: NoteKey | None, at: str) -> int:
    """Name the key that signs from now on."""
    body = {"old": None if old is None else str(old), "new": str(new), "at": at}
    return log.append(connection, blobs, KEY, body)


def logged_keys(connection: sa.Connection, blobs: Blobs) -> list[LoggedKey]:
    """Return the keys that the log names, oldest first.

    Raises:
        StoreError: an entry that names one is damaged.
    """
    found = []
    for row in connection.execute(
        sa.select(log_table).where(log_table.c.kind == KEY).order_by(log_table.c.seq)
    ):
        try:
            entry = blobs.decompress(connection, row.dictionary_id, row.entry)
            found.append(LoggedKey.of(row.seq, orjson.loads(entry)))
        except (ValueError, KeyError, TypeError) as error:
            raise StoreError(f"log entry {row.seq} is damaged: {error}", "Run `annexa verify`.") from error
    return found


def key_at(keys: Sequence[LoggedKey], size: int) -> LoggedKey | None:
    """Return the key that signs a checkpoint of ``size`` entries, or None if the log had none by then."""
    return next((found for found in reversed(keys) if found.seq < size), None)
