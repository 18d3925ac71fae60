"""Answers that are too many for memory, kept on disk for as long as a run lasts, readable to nobody else.

They have not been redacted yet. Each is therefore sealed with a key that exists in memory only, and what it
is found by is written as a keyed digest.
"""

import hashlib
import itertools
import os
import shutil
import sqlite3
import tempfile
import threading
import weakref
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import zstandard
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from collectors.transport import CallError

_NONCE = 12
_AT_ONCE = 100
_SCHEMA = "CREATE TABLE kept (shelf BLOB, name BLOB, page INTEGER, sealed BLOB)"
_INDEXES = ("CREATE INDEX by_shelf ON kept (shelf)", "CREATE INDEX by_name ON kept (name)")

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    """Something to keep.

    Attributes:
        shelf: what it is read together with.
        name: what it has in common with what stands beside it on other shelves.
        value: JSON.
    """

    shelf: Key
    name: str
    value: Any


class Spool:
    """A file that is written once, then read by many threads, and gone with this object.

    Every method raises CallError, code ``SpoolFailed``, where the disk does not play along.

    Attributes:
        path: where it is.
        close: removes it; does nothing the second time.
    """

    def __init__(self) -> None:
        self._cipher = ChaCha20Poly1305(ChaCha20Poly1305.generate_key())
        self._hash = hashlib.blake2b(key=os.urandom(32), digest_size=16)
        self._nonces = itertools.count()
        self._pages = itertools.count()
        self._compressor = zstandard.ZstdCompressor(level=1)
        self._lock = threading.Lock()
        try:
            folder = Path(tempfile.mkdtemp(prefix="annexa-"))  # nobody else may enter it
            self.path = folder / "spool.db"
            self._connection = sqlite3.connect(self.path, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise _failed(error) from error
        self.close = weakref.finalize(self, _remove, self._connection, folder)
        # Nobody needs what is left of it after a crash.
        self._run("PRAGMA journal_mode = OFF", "PRAGMA synchronous = OFF", _SCHEMA)

    def keep(self, page: Iterable[Entry]) -> None:
        """Write what was on one page.

        Raises:
            CallError: ``MalformedAnswer`` besides, if a value has no JSON.
        """
        number = next(self._pages)
        rows = []
        for entry in page:
            shelf = self._digest(entry.shelf)
            name = self._digest(entry.name)
            rows.append((shelf, name, number, self._seal(entry.value, shelf + name)))
        try:
            with self._lock, self._connection:
                self._connection.executemany("INSERT INTO kept VALUES (?, ?, ?, ?)", rows)
        except sqlite3.Error as error:
            raise _failed(error) from error

    def finish(self) -> None:
        """Make it ready to be read: nothing is written after this."""
        self._run(*_INDEXES)

    def each(self, shelf: Key, *beside: Key) -> Iterator[list[Any]]:
        """Yield what is on a shelf in the order in which it came, each with what has its name elsewhere.

        Args:
            beside: the other shelves; null stands for what is not there.
        """
        shelves = [self._digest(each) for each in (shelf, *beside)]
        columns = "".join(
            ", (SELECT sealed FROM kept WHERE name = k.name AND shelf = ? LIMIT 1)" for _ in beside
        )
        query = (
            f"SELECT rowid, name, sealed{columns} FROM kept k WHERE shelf = ? AND rowid > ?"
            " ORDER BY rowid LIMIT ?"
        )
        last, rows = 0, self._select(query, *shelves[1:], shelves[0], 0, _AT_ONCE)
        while rows:
            for last, name, *sealed in rows:  # noqa: B007 - where the next ones begin
                yield [self._open(each, place + name) for each, place in zip(sealed, shelves, strict=True)]
            if len(rows) < _AT_ONCE:
                return
            rows = self._select(query, *shelves[1:], shelves[0], last, _AT_ONCE)

    def tally(self, shelf: Key) -> tuple[int, int]:
        """Return how many pages had something of a shelf, and how much there was."""
        query = "SELECT count(DISTINCT page), count(*) FROM kept WHERE shelf = ?"
        (row,) = self._select(query, self._digest(shelf))
        return int(row[0]), int(row[1])

    def _run(self, *statements: str) -> None:
        try:
            with self._lock:
                for statement in statements:
                    self._connection.execute(statement)
        except sqlite3.Error as error:
            raise _failed(error) from error

    def _select(self, query: str, *values: Any) -> list[Any]:
        try:
            with self._lock:
                return self._connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise _failed(error) from error

    def _digest(self, key: Key | str) -> bytes:
        state = self._hash.copy()
        state.update(orjson.dumps(key))
        return state.digest()

    def _seal(self, value: Any, place: bytes) -> bytes:
        try:
            plain = orjson.dumps(value)
        except orjson.JSONEncodeError as error:
            raise CallError("MalformedAnswer", f"the answer cannot be kept: {error}") from error
        nonce = next(self._nonces).to_bytes(_NONCE, "big")  # never twice under one key
        return nonce + self._cipher.encrypt(nonce, self._compressor.compress(plain), place)

    def _open(self, sealed: bytes | None, place: bytes) -> Any:
        if sealed is None:
            return None
        try:
            packed = self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], place)
        except InvalidTag as error:
            raise CallError("SpoolFailed", "what was kept for the run was changed on disk") from error
        return orjson.loads(zstandard.decompress(packed))


def _remove(connection: sqlite3.Connection, folder: Path) -> None:
    connection.close()
    shutil.rmtree(folder, ignore_errors=True)


def _failed(error: Exception) -> CallError:
    return CallError("SpoolFailed", f"what was read cannot be kept for the run: {error}")
