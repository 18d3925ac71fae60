"""Collections: their rows must be what was logged, and their blobs must be there."""

import hashlib
from typing import Any

import orjson
import sqlalchemy as sa

from store.collection_entry import KIND, collection_entry, collection_rows
from store.log import DICTIONARY, encode
from store.retention import last_to_see
from store.schema import (
    blob,
    check,
    collection,
    collection_state,
    content,
    dictionary,
    resource,
    series,
)
from store.tree import leaf_hash
from store.verification.examination import Ended, Examination


def check_collections(x: Examination) -> None:
    """Check every collection against its leaf in the log."""
    logged = {seq for seq, (kind, _) in x.leaves.items() if kind == KIND}
    superseded = _superseded(x)
    # Without tombstones nothing may be gone, and who needs it until when does not matter.
    seeing = last_to_see(x.connection, x.json) if x.tombstones else set()
    last = -1
    for row in x.connection.execute(collection_rows().order_by(collection.c.seq)):
        where = f"collection {row.id} ({row.resource_type or 'scope'} in {row.external_id} {row.region})"
        if row.id < last:
            x.problem(where, "its row is not in the order of the log")
        last = row.id
        if row.seq not in logged:
            x.problem(where, "is not in the log")
            continue
        logged.discard(row.seq)
        with x.at(where):
            _check_collection(x, row, where, None if row.id in seeing else superseded[row.id])
    for seq in sorted(logged):
        x.problem(f"log entry {seq}", "the collection that it logged is gone")
    used = sa.select(collection.c.state_id)
    for row in x.connection.execute(sa.select(collection_state).where(collection_state.c.id.not_in(used))):
        x.problem(f"collection state {row.id}", "is of no collection")
    shared = (
        sa.select(collection.c.id)
        .join(collection_state, collection_state.c.id == collection.c.state_id)
        .where(collection_state.c.series_id != collection.c.series_id)
    )
    for collection_id in x.connection.execute(shared).scalars():
        x.problem(f"collection {collection_id}", "has the state of another series")


def _superseded(x: Examination) -> dict[int, Ended | None]:
    """Return collection → the next one of its series, or None if it is the last."""
    query = """SELECT id, lead(finished) OVER next AS at, lead(seq) OVER next AS entry FROM collection
               WINDOW next AS (PARTITION BY series_id ORDER BY id)"""
    rows = x.connection.execute(sa.text(query))
    return {row.id: None if row.at is None else Ended(row.at, row.entry) for row in rows}


def _check_collection(x: Examination, row: Any, where: str, ended: Ended | None) -> None:
    if leaf_hash(encode(KIND, collection_entry(row._mapping))) != x.leaves[row.seq][1]:
        x.problem(where, f"is not as it was logged in entry {row.seq}")
    x.need(row.report, where, ended)
    if row.manifest:
        x.need(row.manifest, where)
    report = x.json(row.report)
    if report is not None and len(report["gaps"]) != row.gaps:
        x.problem(where, "its report has another number of gaps")


def check_blobs(x: Examination) -> None:
    for row in x.connection.execute(sa.select(check)):
        x.need(row.digest, f"check {row.check_id}")
    query = (
        sa.select(
            content.c.hash,
            content.c.name,
            content.c.region,
            resource.c.resource_id,
            series.c.resource_type,
            collection.c.finished,
            collection.c.seq,
        )
        .join(resource, resource.c.id == content.c.resource_pk)
        .join(series, series.c.id == resource.c.series_id)
        .outerjoin(collection, collection.c.id == content.c.closed)
    )
    for row in x.connection.execute(query):
        ended = None if row.finished is None else Ended(row.finished, row.seq)
        x.need(row.hash, f"resource {row.resource_id}", ended)
        # A name goes with its document, and the id stands for it; the same document may have come back since.
        if row.name != row.resource_id or not x.let_go(row.hash, ended):
            x.documents[row.hash].append((row.resource_type, row.resource_id, row.name, row.region))
    present = set()
    for row in x.connection.execute(sa.select(blob)):
        where = f"blob {row.hash.hex()}"
        present.add(row.hash)
        try:
            data = x.record.blobs.decompress(x.connection, row.dictionary_id, row.data)
        except ValueError as error:
            x.problem(where, f"is damaged: {error}")
            continue
        if hashlib.sha256(data).digest() != row.hash:
            x.problem(where, "its content has another hash")
        for stated in x.documents.get(row.hash, ()):
            with x.at(f"resource {stated[1]}"):
                payload = orjson.loads(data)
                if stated != tuple(payload.get(key) for key in ("type", "id", "name", "region")):
                    x.problem(f"resource {stated[1]}", "its document is of another resource")
    for key in sorted(x.needed.keys() - present):
        where, ended = x.needed[key]
        if not x.let_go(key, ended):
            x.problem(where, f"its blob {key.hex()} is gone")


def check_dictionaries(x: Examination) -> None:
    """Check every byte of the compression dictionaries: what is compressed need not use all of them."""
    logged = {body.get("dictionary") for _, body in x.bodies(DICTIONARY)}
    for row in x.connection.execute(sa.select(dictionary)):
        digest = hashlib.sha256(row.data).hexdigest()
        if digest not in logged:
            x.problem(f"dictionary {row.id}", "is not in the log as it is")
        logged.discard(digest)
