"""Proofs for single entries of the log, and for documents, as files that stand alone.

An entry's proof is a C2SP tlog-proof (c2sp.org/tlog-proof) under the newest signed checkpoint. A document
is proven in two steps: it is a leaf under the content root of a collection, and that root is in the
collection's entry.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import sqlalchemy as sa

from store import durable, moment
from store.canonical import canonical
from store.errors import StoreError
from store.evidence import last_that_saw, named, unknown
from store.log_entries import entries
from store.proof import SubtreeHashes, inclusion, root_at
from store.publication import newest_signed
from store.record import Record
from store.schema import content, resource, tombstone
from store.schema import log as log_table
from store.tlog_proof import SUFFIX, TlogProof
from store.tree import leaf_hash

VERSION = 1


@dataclass(frozen=True, slots=True)
class ContentProof:
    """A document's place under the content root of a collection.

    Attributes:
        entry: the collection's entry in the log.
        leaf: resource id and SHA-256 of the document; its canonical form is what is hashed as a leaf.
        index, size: which of how many leaves it is.
        hashes: from the leaf's sibling up to the root's child (RFC 6962 §2.1.1).
        root: the entry's ``content``.
    """

    entry: int
    leaf: tuple[str, str]
    index: int
    size: int
    hashes: tuple[bytes, ...]
    root: bytes

    def __bytes__(self) -> bytes:
        said = {
            "v": VERSION,
            "entry": self.entry,
            "leaf": list(self.leaf),
            "index": self.index,
            "size": self.size,
            "hashes": [value.hex() for value in self.hashes],
            "root": self.root.hex(),
        }
        return orjson.dumps(said, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


@dataclass(frozen=True, slots=True)
class Proofs:
    """What was written.

    Attributes:
        size: of the checkpoint that all of it is proven under.
        files: their names, in the folder.
        pruned: SHA-256 of documents that are proven, but that retention let go.
    """

    size: int
    files: tuple[str, ...]
    pruned: tuple[str, ...] = ()


def prove(
    record: Record, wanted: Iterable[int], resources: Iterable[str], at: str | None = None
) -> tuple[Proofs, dict[str, bytes]]:
    """Make the files that prove entries and documents.

    Args:
        wanted: sequence numbers of entries.
        resources: identifiers, ``type/name`` or names; each document is proven by the collection that
            last saw it.
        at: the moment up to which collections count, RFC 3339 in UTC; None is now.

    Raises:
        StoreError: an entry or a resource is not there or not covered by a signed checkpoint, or the
            record is damaged.
    """
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        newest = newest_signed(connection)
        if newest is None:
            raise StoreError("no checkpoint is signed", "Run `annexa checkpoint` first.")
        found = [proof for name in resources for proof in _content_proofs(record, connection, name, at)]
        files: dict[str, bytes] = {}
        for seq in sorted({*wanted, *(proof.entry for proof in found)}):
            if not 0 <= seq < newest.size:
                raise StoreError(
                    f"the newest signed checkpoint covers entries 0 to {newest.size - 1}, and not {seq}",
                    "Run `annexa checkpoint` if the entry is newer.",
                )
            (files[f"{seq}.entry.json"],) = entries(connection, record.blobs, seq, seq + 1)
        leaves = connection.execute(
            sa.select(log_table.c.hash).where(log_table.c.seq < newest.size).order_by(log_table.c.seq)
        )
        tree = SubtreeHashes(leaves.scalars())
        if len(tree) != newest.size or root_at(tree, newest.size) != newest.root:
            raise StoreError(f"checkpoint {newest.size} is not of this log", "Run `annexa verify`.")
        for name in list(files):
            seq = int(name.partition(".")[0])
            proof = TlogProof(seq, tuple(inclusion(tree, seq, newest.size)), newest.note.encode())
            files[f"{seq}{SUFFIX}"] = bytes(proof)
        pruned = []
        for one in found:
            files[f"{one.entry}.{one.index}.content-proof.json"] = bytes(one)
            key = one.leaf[1]
            if _let_go(connection, record, bytes.fromhex(key)):
                pruned.append(key)
            else:
                files[f"{key}.document.json"] = record.blobs.get(connection, bytes.fromhex(key))
    return Proofs(newest.size, tuple(sorted(files)), tuple(pruned)), files


def export_proofs(
    record: Record, wanted: Iterable[int], resources: Iterable[str], at: str | None, folder: Path
) -> Proofs:
    """Write what :func:`prove` makes into a folder.

    Raises:
        StoreError: as there, or a file cannot be written.
    """
    done, files = prove(record, wanted, resources, at)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, data in files.items():
            durable.write(folder / name, data)
    except OSError as error:
        raise StoreError(
            f"{error.filename or folder} cannot be written: {error.strerror}", "Name a folder that can be."
        ) from error
    return done


def _let_go(connection: sa.Connection, record: Record, key: bytes) -> bool:
    known = sa.select(tombstone.c.seq).where(tombstone.c.hash == key).limit(1)
    return connection.execute(known).first() is not None and bool(record.blobs.missing(connection, [key]))


def _content_proofs(
    record: Record, connection: sa.Connection, wanted: str, at: str | None
) -> list[ContentProof]:
    found = []
    for one in named(connection, wanted):
        by_then = moment.last_of(connection, one.series_id, at)
        if by_then is None:
            continue
        versions = sa.select(content.c.closed).where(
            content.c.resource_pk == one.id, content.c.opened <= by_then
        )
        version = connection.execute(versions.order_by(content.c.opened.desc()).limit(1)).first()
        if version is None:
            continue
        current = version.closed is None or version.closed > by_then
        saw = last_that_saw(record, connection, one, by_then if current else version.closed - 1)
        found.append(_content_proof(saw, _seen(record, connection, saw), one.resource_id))
    if not found:
        raise unknown(wanted)
    return found


def _seen(record: Record, connection: sa.Connection, collection: Any) -> list[tuple[str, str]]:
    """Return what a collection saw: resource id and document hash, in the order of its content root."""
    if collection.manifest is not None:
        pairs = orjson.loads(record.blobs.get(connection, collection.manifest))
        return sorted((resource_id, key) for resource_id, key in pairs)
    query = (
        sa.select(resource.c.resource_id, content.c.hash)
        .join(resource, resource.c.id == content.c.resource_pk)
        .where(
            resource.c.series_id == collection.series_id,
            content.c.opened <= collection.id,
            sa.or_(content.c.closed.is_(None), content.c.closed > collection.id),
        )
    )
    return sorted((row.resource_id, row.hash.hex()) for row in connection.execute(query))


def _content_proof(collection: Any, seen: list[tuple[str, str]], resource_id: str) -> ContentProof:
    index = next(number for number, (seen_id, _) in enumerate(seen) if seen_id == resource_id)
    tree = SubtreeHashes(leaf_hash(canonical(list(pair))) for pair in seen)
    root = root_at(tree, len(seen))
    if root != collection.content_root:
        raise StoreError(f"collection {collection.id} is damaged: its resources give another root")
    hashes = tuple(inclusion(tree, index, len(seen)))
    return ContentProof(collection.seq, seen[index], index, len(seen), hashes, root)
