"""Writing what a pack proves: the log, the rows of its series, and what these name by hash."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from store.canonical import canonical
from store.collection_entry import KIND, collection_entry, collection_rows
from store.errors import StoreError
from store.files import chunks, path_of
from store.intervals import decided_digest
from store.log import encode
from store.pack import layout
from store.pack.choose import withdrawals
from store.pack.contents import Contents, Selection
from store.pack.rows import SeriesRows, read_series
from store.pack.writer import PackWriter
from store.proof import SubtreeHashes, inclusion, root_at
from store.record import Record
from store.schema import checkpoint, collection, timestamp, tombstone
from store.schema import log as log_table
from store.statement import AttachedFile, Attestation, Filed
from store.tiles import entry_bundles, tile_data, tiles_of
from store.tlog_proof import TlogProof
from store.tree import leaf_hash

_DAMAGED = "Run `annexa verify`."
_Line = dict[str, Any]
_Lines = Callable[[SeriesRows], Iterator[_Line]]


def write_evidence(record: Record, contents: Contents, pack: PackWriter) -> None:
    """Write all of a pack but its pages.

    Raises:
        StoreError: the record is damaged.
    """
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        writing = _Writing(record, connection, contents, pack)
        tree = writing.log()
        writing.checkpoints()
        writing.rows()
        writing.payloads()
        writing.statements()
        writing.tombstones()
        writing.proofs(tree)
    pack.describe(manifest(contents, tree))


def manifest(contents: Contents, tree: SubtreeHashes) -> dict[str, Any]:
    """Return what the manifest says beside the list of files."""
    selection = contents.selection
    sample = selection.sample
    return {
        "format": layout.FORMAT,
        "store": contents.store_id,
        "origin": contents.origin,
        "period": {"first": selection.period.first.isoformat(), "last": selection.period.last.isoformat()},
        "as_of": contents.as_of,
        "selection": _selection(selection),
        "sample": None if sample is None else {"number": sample.number, "seed": sample.seed},
        "log": {"size": len(tree), "root": root_at(tree, len(tree)).hex()},
        "checkpoints": contents.checkpoints,
        "statements": [filed.entry for filed in contents.statements],
        "populations": [
            {
                "check": one.check,
                "total": one.total,
                "not_applicable": one.not_applicable,
                "outcomes": dict(one.outcomes),
                "packed": one.packed,
            }
            for one in contents.populations
        ],
    }


def _selection(selection: Selection) -> dict[str, list[str]]:
    return {
        "controls": sorted(selection.controls),
        "providers": sorted(selection.providers),
        "scopes": sorted(selection.scopes),
    }


class _Writing:
    """One pack being written from one snapshot of the record."""

    def __init__(
        self, record: Record, connection: sa.Connection, contents: Contents, pack: PackWriter
    ) -> None:
        self._record = record
        self._connection = connection
        self._contents = contents
        self._pack = pack
        self._size = contents.checkpoints[-1]
        self._notes: dict[int, bytes] = {}
        self._withdrawals = withdrawals(connection, record.blobs, contents)
        self._proven = set(contents.collections)
        self._proven |= {filed.entry for filed in (*contents.statements, *self._withdrawals)}
        self._entries: dict[int, bytes] = {}
        self._checks: set[str] = set(contents.checks)

    def log(self) -> SubtreeHashes:
        """Write the log as tiles, and return its tree."""
        tree = SubtreeHashes()
        for path, data in entry_bundles(self._logged(tree)):
            self._pack.add(f"{layout.LOG}/{path}", data)
        for tile in tiles_of(self._size):
            self._pack.add(f"{layout.LOG}/{tile}", tile_data(tree, tile))
        if len(tree) != self._size:
            raise StoreError(f"the log has only {len(tree)} entries", _DAMAGED)
        return tree

    def _logged(self, tree: SubtreeHashes) -> Iterator[bytes]:
        query = sa.select(log_table).where(log_table.c.seq < self._size).order_by(log_table.c.seq)
        collections = iter(self._connection.execute(collection_rows().order_by(collection.c.seq)))
        for row in self._connection.execute(query):
            entry = self._plain(row) if row.entry is not None else _rebuilt(next(collections, None))
            leaf = leaf_hash(entry)
            if leaf != row.hash or row.seq != len(tree):
                raise StoreError(f"log entry {row.seq} is damaged", _DAMAGED)
            tree.append(leaf)
            if row.seq in self._proven:
                self._entries[row.seq] = entry
            yield entry

    def _plain(self, row: Any) -> bytes:
        try:
            return self._record.blobs.decompress(self._connection, row.dictionary_id, row.entry)
        except ValueError as error:
            raise StoreError(f"log entry {row.seq} is damaged: {error}", _DAMAGED) from error

    def checkpoints(self) -> None:
        query = sa.select(checkpoint).where(checkpoint.c.size.in_(self._contents.checkpoints))
        for row in self._connection.execute(query.order_by(checkpoint.c.size)):
            self._notes[row.size] = row.note.encode()
            self._pack.add(layout.checkpoint(row.size), self._notes[row.size])
        self._pack.add(f"{layout.LOG}/checkpoint", self._notes[self._size])
        answered = timestamp.c.token.is_not(None) & timestamp.c.size.in_(self._contents.stamped)
        query = sa.select(timestamp).where(answered).order_by(timestamp.c.size, timestamp.c.id)
        last, number = -1, 0
        for row in self._connection.execute(query):
            number = number + 1 if row.size == last else 0
            self._pack.add(layout.timestamp(row.size, number), row.token)
            last = row.size

    def rows(self) -> None:
        """Write the series, and every row of theirs that is replayed."""
        shown = {(one.opened, one.resource_id, one.check) for one in self._contents.findings}
        self._stream(layout.SERIES, _series_lines)
        self._stream(layout.CONTENT, _content_lines)
        self._stream(layout.FINDINGS, lambda rows: self._finding_lines(rows, shown))
        self._stream(layout.SEEN, self._seen_lines)
        self._blobs(layout.check, self._checks)

    def _finding_lines(self, rows: SeriesRows, shown: set[tuple[int, str, str]]) -> Iterator[_Line]:
        for row in rows.findings:
            # Who verifies must be able to tell that a check was not chosen, so they get every one.
            self._checks.add(row.digest.hex())
            line = {
                "resource": row.resource_id,
                "check": row.check_id,
                "check_digest": row.digest.hex(),
                "outcome": row.outcome,
                "document": row.document.hex() if row.document else "",
                "since": row.since,
                "opened": row.opened,
                "closed": rows.closed(row),
            }
            if row.decided is not None:
                line["decided"] = row.decided.hex()
            elif (row.opened, row.resource_id, row.check_id) in shown:
                line |= {"observed": orjson.loads(row.observed), "reason": row.reason}
            else:
                line["decided"] = decided_digest(row.observed, row.reason)
            yield line

    def _seen_lines(self, rows: SeriesRows) -> Iterator[_Line]:
        for one, seen in rows.seen(self._connection, self._record.blobs):
            standing = [
                row.resource_id in seen
                for row in rows.content
                if row.opened <= one.seq and (row.closed is None or row.closed > one.seq)
            ]
            yield {"collection": one.seq, "seen": _stretches(standing)}

    def _stream(self, name: str, lines: _Lines) -> None:
        self._pack.add_stream(
            name,
            (
                canonical({"series": rows.number, **line}) + b"\n"
                for rows in read_series(self._connection, self._contents.selection)
                for line in lines(rows)
            ),
        )

    def payloads(self) -> None:
        """Write documents and reports."""
        self._blobs(layout.document, self._contents.documents)
        self._blobs(layout.report, {one.report for one in self._contents.collections.values()})

    def statements(self) -> None:
        """Write what people stated, with the files that they attached."""
        stated = {filed.digest for filed in (*self._contents.statements, *self._withdrawals)}
        self._blobs(layout.statement, stated)
        files = {
            layout.attached(file.sha256, file.name): file.sha256
            for filed in self._contents.statements
            for file in _files(filed)
            if file.sha256 not in self._contents.pruned
        }
        for name, sha256 in sorted(files.items()):
            # Whoever attaches something chooses how well it compresses; a reader must not have to care.
            self._pack.add_stream(name, chunks(path_of(self._record.path, sha256)), compressed=False)

    def tombstones(self) -> None:
        """Write all that the entries let go that let go something of this pack: their roots are over it."""
        entries = sorted(set(self._contents.pruned.values()))
        rows = (
            {"entry": seq, "hash": key.hex()}
            for seq in entries
            for key in self._connection.execute(
                sa.select(tombstone.c.hash).where(tombstone.c.seq == seq).order_by(tombstone.c.hash)
            ).scalars()
        )
        if entries:
            self._pack.add_stream(layout.TOMBSTONES, (canonical(row) + b"\n" for row in rows))

    def proofs(self, tree: SubtreeHashes) -> None:
        """Write the entries that something rests on, each with its place in the log."""
        for seq, data in sorted(self._entries.items()):
            proof = TlogProof(seq, tuple(inclusion(tree, seq, self._size)), self._notes[self._size])
            self._pack.add(layout.entry(seq), data)
            self._pack.add(layout.proof(seq), bytes(proof))

    def _blobs(self, path: Callable[[str], str], hashes: Iterable[str]) -> None:
        for key in sorted(hashes):
            if key not in self._contents.pruned:
                data = self._record.blobs.get(self._connection, bytes.fromhex(key))
                self._pack.add(path(key), data)


def _rebuilt(row: Any) -> bytes:
    return b"" if row is None else encode(KIND, collection_entry(row._mapping))


def _series_lines(rows: SeriesRows) -> Iterator[_Line]:
    yield {
        "provider": rows.provider,
        "scope": rows.scope,
        "type": rows.resource_type,
        "region": rows.region,
    }


def _content_lines(rows: SeriesRows) -> Iterator[_Line]:
    for row in rows.content:
        yield {
            "resource": row.resource_id,
            "document": row.hash.hex(),
            "opened": row.opened,
            "closed": rows.closed(row),
        }


def _files(filed: Filed) -> tuple[AttachedFile, ...]:
    return filed.statement.files if isinstance(filed.statement, Attestation) else ()


def _stretches(chosen: Iterable[bool]) -> list[list[int]]:
    """Return the numbers of what was chosen as [first, last] of those that follow one another."""
    found: list[list[int]] = []
    for number, yes in enumerate(chosen):
        if yes and found and found[-1][1] == number - 1:
            found[-1][1] = number
        elif yes:
            found.append([number, number])
    return found
