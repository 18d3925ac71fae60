"""Storing 1,000 records of 5 KB, then the same again, against the least that durable storing takes."""

import hashlib
import sqlite3
import tempfile
from pathlib import Path

import orjson
import zstandard

from benchmarks import measure, synthetic
from store.record import Record

_COUNT = 1_000
_SIZE = 5_000


def main() -> None:
    """Print the ratios."""
    found = list(synthetic.documents(_COUNT, _SIZE))
    payloads = [document.payload() for document in found]
    with tempfile.TemporaryDirectory() as folder:
        floor = measure.call(lambda: _floor(Path(folder) / "floor.db", payloads))
        with Record.writer(Path(folder) / "store") as record:
            first = measure.call(lambda: synthetic.run(record, found))
            size = record.size()
            again = measure.call(lambda: synthetic.run(record, found))
            grown = record.size() - size
    measure.note("baseline: canonical form, SHA-256, zstd and one durable SQLite transaction, nothing else")
    measure.line("1,000 records of 5 KB, judged and logged", first.wall_s, floor.wall_s)
    measure.line("the same again, unchanged", again.wall_s, floor.wall_s)
    measure.note(f"bytes added by the unchanged run: {grown:,}")


def _floor(path: Path, payloads: list[dict[str, object]]) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
    connection.execute("create table blob (hash blob primary key, data blob)")
    compressor = zstandard.ZstdCompressor(level=3)
    connection.execute("begin immediate")
    for payload in payloads:
        data = orjson.dumps(payload, option=orjson.OPT_SORT_KEYS)
        connection.execute(
            "insert into blob values (?, ?)", (hashlib.sha256(data).digest(), compressor.compress(data))
        )
    connection.execute("commit")
    connection.close()
