"""The floor that history is measured against: intervals in bare tables, and nothing else.

It keeps the same documents and outcomes, content-addressed and compressed as the record does, and
answers the same questions. There is no log, no provenance, no staging, no checking, and no names.
"""

import hashlib
import sqlite3
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import orjson
import zstandard

from benchmarks import synthetic
from store.model import Document

_DICTIONARY_BYTES = 64 * 1024
_SAMPLES = 2_000
_LEVEL = 3
_SCHEMA = """
CREATE TABLE resource (id INTEGER PRIMARY KEY, name TEXT UNIQUE);
CREATE TABLE content (resource INTEGER, hash BLOB, opened INTEGER, closed INTEGER);
CREATE TABLE finding (resource INTEGER, rule INTEGER, outcome TEXT, observed TEXT, opened INTEGER,
                      closed INTEGER);
CREATE TABLE blob (hash BLOB PRIMARY KEY, data BLOB) WITHOUT ROWID;
CREATE TABLE dictionary (data BLOB);
CREATE TABLE run (id INTEGER PRIMARY KEY, resources INTEGER);
CREATE INDEX content_resource ON content (resource, opened);
CREATE INDEX content_opened ON content (opened);
CREATE INDEX content_closed ON content (closed) WHERE closed IS NOT NULL;
CREATE INDEX finding_resource ON finding (resource) WHERE closed IS NULL;
CREATE INDEX finding_opened ON finding (opened, rule, outcome);
CREATE INDEX finding_closed ON finding (closed, rule, outcome) WHERE closed IS NOT NULL;
"""
_STOOD = "opened <= :at AND (closed IS NULL OR closed > :at)"
_GONE = "closed > :low AND closed <= :high AND opened <= :low"
_CAME = "opened > :low AND opened <= :high AND (closed IS NULL OR closed > :high)"


class Bare:
    """Interval tables in SQLite; runs are numbered from 1."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        for pragma in ("journal_mode=wal", "synchronous=full", "cache_size=-16384"):
            self._db.execute(f"pragma {pragma}")
        self._db.executescript(_SCHEMA)
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL)
        self._decompressor = zstandard.ZstdDecompressor()

    def run(self, documents: Sequence[Document]) -> None:
        """Keep what differs from the last run, in one durable transaction."""
        db = self._db
        db.execute("begin immediate")
        number = db.execute("SELECT coalesce(max(id), 0) + 1 FROM run").fetchone()[0]
        open_ = {
            name: (pk, hash_)
            for name, pk, hash_ in db.execute(
                """SELECT r.name, r.id, c.hash FROM resource r
                   JOIN content c ON c.resource = r.id AND c.closed IS NULL"""
            )
        }
        fresh = []
        for document in documents:
            data = orjson.dumps(document.payload(), option=orjson.OPT_SORT_KEYS)
            key = hashlib.sha256(data).digest()
            known = open_.get(document.id)
            if known is None or known[1] != key:
                fresh.append((document, key, data, known))
        if number == 1:
            self._train([data for _, _, data, _ in fresh[:_SAMPLES]])
        for document, key, data, known in fresh:
            self._put(number, document, key, data, known)
        db.execute("INSERT INTO run VALUES (?, ?)", (number, len(documents)))
        db.execute("commit")

    def size(self) -> int:
        """Return how many bytes the database uses."""
        pages, free, page = (
            self._db.execute(f"pragma {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * page)

    def one(self, name: str, at: int) -> Any:
        """Return the document of one resource after a run."""
        row = self._db.execute(
            f"""SELECT b.data FROM resource r JOIN content c ON c.resource = r.id
                JOIN blob b ON b.hash = c.hash WHERE r.name = :name AND {_STOOD}""",
            {"name": name, "at": at},
        ).fetchone()
        return orjson.loads(self._decompressor.decompress(row[0]))

    def versions(self, name: str) -> list[Any]:
        """Return every document of one resource, with the runs that opened and closed it."""
        rows = self._db.execute(
            """SELECT c.opened, c.closed, b.data FROM resource r JOIN content c ON c.resource = r.id
               JOIN blob b ON b.hash = c.hash WHERE r.name = :name ORDER BY c.opened""",
            {"name": name},
        )
        return [(*row[:2], orjson.loads(self._decompressor.decompress(row[2]))) for row in rows]

    def state(self, at: int) -> list[Any]:
        """Return (name, hash) of every resource after a run."""
        return self._db.execute(
            f"SELECT r.name, c.hash FROM content c JOIN resource r ON r.id = c.resource WHERE {_STOOD}",
            {"at": at},
        ).fetchall()

    def counted(self, at: int) -> list[Any]:
        """Return (rule, outcome, number) of what stood after a run."""
        return self._db.execute(
            f"SELECT rule, outcome, count(*) FROM finding WHERE {_STOOD} GROUP BY rule, outcome", {"at": at}
        ).fetchall()

    def findings(self, at: int) -> list[Any]:
        """Return (name, rule, outcome, observed) of what stood after a run."""
        rows = self._db.execute(
            f"""SELECT r.name, f.rule, f.outcome, f.observed FROM finding f
                JOIN resource r ON r.id = f.resource WHERE {_STOOD} ORDER BY f.rule, r.name""",
            {"at": at},
        )
        return [(*row[:3], orjson.loads(row[3])) for row in rows]

    def resource_changes(self, low: int, high: int) -> list[Any]:
        """Return (resource, hash before, hash after) of what differs between two runs."""
        return self._changes("SELECT resource, hash FROM content", low, high)

    def finding_changes(self, low: int, high: int) -> list[Any]:
        """Return ((resource, rule), outcome before, outcome after) of what differs between two runs."""
        return self._changes("SELECT resource << 8 | rule, outcome FROM finding", low, high)

    def changed_documents(self, low: int, high: int) -> list[Any]:
        """Return what differs between two runs, with both documents of each resource."""
        found = [
            (key, self._document(before), self._document(after))
            for key, before, after in self.resource_changes(low, high)
        ]
        return [*found, *self.finding_changes(low, high)]

    def coverage(self, low: int, high: int) -> list[Counter[Any]]:
        """Return how many findings of each rule and outcome stood after each run."""
        opened, closed = (
            self._db.execute(
                f"""SELECT {edge}, rule, outcome, count(*) FROM finding WHERE {edge} <= :high
                    GROUP BY {edge}, rule, outcome""",
                {"high": high},
            ).fetchall()
            for edge in ("opened", "closed")
        )
        steps: dict[int, Counter[Any]] = {number: Counter() for number in range(high + 1)}
        for rows, sign in ((opened, 1), (closed, -1)):
            for at, rule, outcome, number in rows:
                steps[at][rule, outcome] += sign * number
        standing, found = Counter[Any](), []
        for at in range(high + 1):
            standing.update(steps[at])
            if at >= low:
                found.append(Counter(standing))
        return found

    def hash_everything(self) -> int:
        """Hash every row and every blob once, and return how many there are."""
        number = 0
        for key, data in self._db.execute("SELECT hash, data FROM blob"):
            if hashlib.sha256(self._decompressor.decompress(data)).digest() != key:
                raise ValueError(f"blob {key.hex()} is damaged")
            number += 1
        for table in ("content", "finding"):
            for row in self._db.execute(f"SELECT * FROM {table}"):
                hashlib.sha256(repr(row).encode()).digest()
                number += 1
        return number

    def pack(self, path: Path) -> None:
        """Write every row as a line of JSON, and every document, into a zip."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for table in ("resource", "content", "finding"):
                with archive.open(f"{table}.jsonl", "w") as member:
                    for row in self._db.execute(f"SELECT * FROM {table}"):
                        member.write(orjson.dumps(row, default=bytes.hex) + b"\n")
            for key, data in self._db.execute("SELECT hash, data FROM blob ORDER BY hash"):
                archive.writestr(f"documents/{key.hex()}.json", self._decompressor.decompress(data))

    def _document(self, key: bytes | None) -> Any:
        if key is None:
            return None
        data = self._db.execute("SELECT data FROM blob WHERE hash = ?", (key,)).fetchone()[0]
        return orjson.loads(self._decompressor.decompress(data))

    def _train(self, samples: Sequence[bytes]) -> None:
        trained = zstandard.train_dictionary(_DICTIONARY_BYTES, list(samples))
        self._compressor = zstandard.ZstdCompressor(level=_LEVEL, dict_data=trained)
        self._decompressor = zstandard.ZstdDecompressor(dict_data=trained)
        self._db.execute("INSERT INTO dictionary VALUES (?)", (trained.as_bytes(),))

    def _put(
        self, number: int, document: Document, key: bytes, data: bytes, known: tuple[int, bytes] | None
    ) -> None:
        db = self._db
        if known is None:
            resource = db.execute("INSERT INTO resource (name) VALUES (?)", (document.id,)).lastrowid
        else:
            resource = known[0]
            for table in ("content", "finding"):
                db.execute(
                    f"UPDATE {table} SET closed = ? WHERE resource = ? AND closed IS NULL",
                    (number, resource),
                )
        db.execute("INSERT OR IGNORE INTO blob VALUES (?, ?)", (key, self._compressor.compress(data)))
        db.execute("INSERT INTO content VALUES (?, ?, ?, NULL)", (resource, key, number))
        db.executemany(
            "INSERT INTO finding VALUES (?, ?, ?, ?, ?, NULL)",
            [
                (resource, rule, finding.outcome.value, orjson.dumps(finding.observed).decode(), number)
                for rule, finding in enumerate(synthetic.findings(document, "", _RULES))
            ],
        )

    def _changes(self, select: str, low: int, high: int) -> list[Any]:
        bounds = {"low": low, "high": high}
        before = dict(self._db.execute(f"{select} WHERE {_GONE}", bounds).fetchall())
        after = dict(self._db.execute(f"{select} WHERE {_CAME}", bounds).fetchall())
        return [
            (key, before.get(key), after.get(key))
            for key in before.keys() | after.keys()
            if before.get(key) != after.get(key)
        ]


_RULES = [(str(number), "") for number in range(synthetic.CHECKS)]


def merkle_root(leaves: Iterable[bytes]) -> bytes:
    """Return the root over leaf hashes whose number is a power of two."""
    sha256 = hashlib.sha256
    level = list(leaves)
    while len(level) > 1:
        level = [
            sha256(b"\x01" + level[place] + level[place + 1]).digest() for place in range(0, len(level), 2)
        ]
    return level[0]
