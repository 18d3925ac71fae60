"""One resource: its document at a moment, and where it comes from."""

from dataclasses import dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa

from store import moment
from store.collection_entry import collection_rows
from store.errors import StoreError
from store.model import Document
from store.query import CollectionRow, collection_row
from store.record import Record
from store.retention import PrunedError
from store.schema import collection, content


@dataclass(frozen=True, slots=True)
class Evidence:
    """A document with where it comes from.

    Attributes:
        hash: SHA-256 of the document's canonical form.
        first_seen, last_seen: the bounds of this version.
        current: whether the resource still existed when it was last looked for.
        report: provenance and gaps of the collection that last saw it.
        collection: that collection.
        pruned: ``document`` and ``report`` → when and why retention let it go; the document has no
            content and the report is empty, then.
    """

    document: Document
    hash: str
    first_seen: str
    last_seen: str
    current: bool
    collection: CollectionRow
    report: dict[str, Any]
    pruned: dict[str, str] = field(default_factory=dict)


_NAMED = sa.text("""
SELECT r.id, r.series_id, r.resource_id, e.resource_type, s.provider, s.external_id AS scope
FROM resource r JOIN series e ON e.id = r.series_id JOIN scope s ON s.id = e.scope_id
WHERE r.id IN (
    SELECT id FROM resource WHERE series_id IN (SELECT id FROM series) AND resource_id = :wanted
    UNION SELECT resource_pk FROM content WHERE name = :wanted
    UNION SELECT id FROM resource
          WHERE series_id IN (SELECT id FROM series WHERE resource_type = :kind) AND resource_id = :name
    UNION SELECT c.resource_pk FROM content c JOIN resource x ON x.id = c.resource_pk
          JOIN series y ON y.id = x.series_id WHERE c.name = :name AND y.resource_type = :kind)
ORDER BY e.resource_type, r.resource_id, e.id
""")

# Made once: putting a query together takes longer than answering it.
_VERSION = (
    sa.select(content, collection.c.finished.label("first_seen"))
    .join(collection, collection.c.id == content.c.opened)
    .where(content.c.resource_pk == sa.bindparam("resource"), content.c.opened <= sa.bindparam("by_then"))
    .order_by(content.c.opened.desc())
    .limit(1)
)
_NEWEST = collection_rows().where(
    collection.c.id
    == sa.select(sa.func.max(collection.c.id))
    .where(collection.c.series_id == sa.bindparam("series"), collection.c.id <= sa.bindparam("last"))
    .scalar_subquery()
)


def evidence(record: Record, wanted: str, at: str | None = None) -> list[Evidence]:
    """Find the version of resources that was the newest at a moment.

    Args:
        wanted: an identifier, ``type/name`` or a name, also one that it has had at another time.
        at: the moment as :mod:`store.query` takes it; None is now.

    Raises:
        StoreError: nothing matches.
    """
    found = []
    with record.engine.connect() as connection:
        for resource in named(connection, wanted):
            by_then = moment.last_of(connection, resource.series_id, at)
            if by_then is None:
                continue
            version = connection.execute(_VERSION, {"resource": resource.id, "by_then": by_then}).first()
            if version is None:
                continue
            current = version.closed is None or version.closed > by_then
            saw = last_that_saw(record, connection, resource, by_then if current else version.closed - 1)
            document, gone = read_document(record, connection, resource, version)
            pruned = {"document": gone} if gone else {}
            report: dict[str, Any] = {}
            try:
                report = orjson.loads(record.blobs.get(connection, saw.report))
            except PrunedError as error:
                pruned["report"] = str(error.removal)
            found.append(
                Evidence(
                    document=document,
                    hash=version.hash.hex(),
                    first_seen=version.first_seen,
                    last_seen=saw.finished,
                    current=current,
                    collection=collection_row(saw),
                    report=report,
                    pruned=pruned,
                )
            )
    if not found:
        raise unknown(wanted)
    return found


def named(connection: sa.Connection, wanted: str) -> Any:
    """Return the resources that have, or ever had, an identifier, ``type/name`` or name."""
    kind, _, name = wanted.partition("/")
    return connection.execute(_NAMED, {"wanted": wanted, "kind": kind, "name": name}).all()


def last_that_saw(record: Record, connection: sa.Connection, resource: Any, last: int) -> Any:
    """Return the newest collection up to ``last`` that saw the resource; incomplete ones may not have."""
    while True:
        row = connection.execute(_NEWEST, {"series": resource.series_id, "last": last}).one()
        if row.manifest is None:
            return row
        manifest = orjson.loads(record.blobs.get(connection, row.manifest))
        if any(seen == resource.resource_id for seen, _ in manifest):
            return row
        last = row.id - 1


def read_document(
    record: Record, connection: sa.Connection, resource: Any, version: Any
) -> tuple[Document, str]:
    """Return the document of a version, and when and why retention let it go, or "".

    Args:
        resource, version: rows of :func:`named` and of ``content``, which say who it is of in any case.
    """
    try:
        return Document.from_payload(orjson.loads(record.blobs.get(connection, version.hash))), ""
    except PrunedError as error:
        empty = Document(resource.resource_type, resource.resource_id, version.name, version.region, {})
        return empty, str(error.removal)


def unknown(wanted: str) -> StoreError:
    """Say that nothing matches."""
    return StoreError(
        f"no resource {wanted!r} in the store",
        "Give its identifier, its name, or TYPE/NAME; `annexa evidence list` shows what there is.",
    )
