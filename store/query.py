"""Reading the record: the latest state of collections, findings, gaps and documents."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from store.collection_entry import collection_rows
from store.errors import StoreError
from store.model import Document, Gap, Outcome
from store.record import Record
from store.schema import check, collection, collection_state, run, scope, series


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding as it stands.

    Attributes:
        check_body: the check as it was applied.
        region: where the resource lives, or where it was looked for.
        first_seen: since when this outcome holds, RFC 3339 in UTC.
        last_seen: when the collection that it rests on was last made.
    """

    check: str
    check_digest: str
    check_body: dict[str, Any]
    outcome: Outcome
    reason: str
    observed: dict[str, Any]
    document: str
    provider: str
    scope: str
    scope_name: str
    region: str
    resource_type: str
    resource_id: str
    resource_name: str
    first_seen: str
    last_seen: str


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """The latest collection of a series."""

    id: int
    run: str
    provider: str
    scope: str
    region: str
    resource_type: str
    started: str
    finished: str
    complete: bool
    resources: int
    gaps: int
    seq: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """A document with where it comes from.

    Attributes:
        hash: SHA-256 of the document's canonical form.
        first_seen, last_seen: the bounds of this version.
        current: whether the resource still existed when it was last looked for.
        report: provenance and gaps of the collection that last saw it.
        collection: that collection.
    """

    document: Document
    hash: str
    first_seen: str
    last_seen: str
    current: bool
    collection: CollectionRow
    report: dict[str, Any]


_LATEST = "SELECT max(id) FROM collection GROUP BY series_id"

_FINDINGS = """
SELECT f.check_id, k.digest, f.outcome, f.reason, f.observed, f.document, s.provider,
       s.external_id AS scope, s.name AS scope_name, coalesce(c.region, e.region) AS region,
       e.resource_type, r.resource_id,
       coalesce(c.name, '') AS resource_name, o.finished AS first_seen, l.finished AS last_seen
FROM finding f
JOIN check_applied k ON k.id = f.check_pk
JOIN resource r ON r.id = f.resource_pk
JOIN series e ON e.id = r.series_id
JOIN scope s ON s.id = e.scope_id
JOIN collection o ON o.id = f.since
JOIN (SELECT series_id, max(id) AS id FROM collection GROUP BY series_id) m ON m.series_id = e.id
JOIN collection l ON l.id = m.id
LEFT JOIN content c ON c.resource_pk = r.id AND c.closed IS NULL
WHERE f.closed IS NULL
ORDER BY f.check_id, s.external_id, e.region, r.resource_id
"""


def findings(record: Record) -> Iterator[FindingRow]:
    """Yield every finding as it stands, ordered by check, scope, region and resource."""
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        bodies: dict[bytes, dict[str, Any]] = {
            key: orjson.loads(record.blobs.get(connection, key))
            for key in connection.execute(sa.select(check.c.digest)).scalars()
        }
        for row in connection.execute(sa.text(_FINDINGS)):
            yield FindingRow(
                check=row.check_id,
                check_digest=row.digest.hex(),
                check_body=bodies[row.digest],
                outcome=Outcome(row.outcome),
                reason=row.reason,
                observed=orjson.loads(row.observed),
                document=row.document.hex() if row.document else "",
                provider=row.provider,
                scope=row.scope,
                scope_name=row.scope_name,
                region=row.region,
                resource_type=row.resource_type,
                resource_id=row.resource_id,
                resource_name=row.resource_name,
                first_seen=row.first_seen,
                last_seen=row.last_seen,
            )


def latest_collections(record: Record) -> list[CollectionRow]:
    """Return the latest collection of every series."""
    with record.engine.connect() as connection:
        query = collection_rows().where(collection.c.id.in_(sa.text(_LATEST)))
        return [_collection_row(row) for row in connection.execute(query)]


def known_series(record: Record, provider: str) -> set[tuple[str, str, str]]:
    """Return (scope, resource type, region) of every series of a provider, whole scopes excepted."""
    query = (
        sa.select(scope.c.external_id, series.c.resource_type, series.c.region)
        .join(scope, scope.c.id == series.c.scope_id)
        .where(scope.c.provider == provider, series.c.resource_type != "")
    )
    with record.engine.connect() as connection:
        return {(row.external_id, row.resource_type, row.region) for row in connection.execute(query)}


def gaps(record: Record) -> list[tuple[CollectionRow, Gap]]:
    """Return the gaps of the latest collection of every series."""
    found: list[tuple[CollectionRow, Gap]] = []
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        query = collection_rows().where(collection.c.id.in_(sa.text(_LATEST)), collection_state.c.gaps > 0)
        for row in connection.execute(query.order_by(collection.c.id)).all():
            report = orjson.loads(record.blobs.get(connection, row.report))
            found.extend((_collection_row(row), Gap(**gap)) for gap in report["gaps"])
    return found


def documents(record: Record, provider: str, scope_id: str, resource_type: str) -> Iterator[Document]:
    """Yield the last known documents of a type in a scope."""
    query = sa.text(
        """SELECT c.hash FROM scope s
           JOIN series e ON e.scope_id = s.id AND e.resource_type = :type
           JOIN resource r ON r.series_id = e.id
           JOIN content c ON c.resource_pk = r.id AND c.closed IS NULL
           WHERE s.provider = :provider AND s.external_id = :scope
           ORDER BY e.region, r.resource_id"""
    )
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        rows = connection.execute(
            query, {"type": resource_type, "provider": provider, "scope": scope_id}
        ).scalars()
        for key in rows.all():
            yield Document.from_payload(orjson.loads(record.blobs.get(connection, key)))


def types_changed_since_judged(record: Record, provider: str, scope_id: str) -> set[str]:
    """Return the types of which something changed since the scope was last judged as a whole.

    Runs that were stopped before they came to judge the scope count too.
    """
    query = sa.text(
        """SELECT DISTINCT e.resource_type FROM scope s
           JOIN series e ON e.scope_id = s.id
           JOIN resource r ON r.series_id = e.id
           JOIN content c ON c.resource_pk = r.id
           JOIN (SELECT coalesce(max(l.id), 0) AS id FROM collection l
                 JOIN series w ON w.id = l.series_id AND w.resource_type = ''
                 JOIN scope o ON o.id = w.scope_id
                 WHERE o.provider = :provider AND o.external_id = :scope) last
           WHERE s.provider = :provider AND s.external_id = :scope
             AND (c.opened > last.id OR c.closed > last.id)"""
    )
    with record.engine.connect() as connection:
        return set(connection.execute(query, {"provider": provider, "scope": scope_id}).scalars())


def evidence(record: Record, wanted: str) -> list[Evidence]:
    """Find the newest version of resources by identifier, by ``type/name`` or by name.

    Raises:
        StoreError: nothing matches.
    """
    kind, _, name = wanted.partition("/")
    query = sa.text(
        """SELECT c.id, c.hash, c.opened, c.closed, e.id AS series_id
           FROM resource r
           JOIN series e ON e.id = r.series_id
           JOIN content c ON c.resource_pk = r.id
           WHERE (r.resource_id = :wanted OR c.name = :wanted
                  OR (e.resource_type = :kind AND (c.name = :name OR r.resource_id = :name)))
             AND c.opened = (SELECT max(opened) FROM content WHERE resource_pk = r.id)
           ORDER BY e.resource_type, r.resource_id"""
    )
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        rows = connection.execute(query, {"wanted": wanted, "kind": kind, "name": name}).all()
        found = [_evidence(record, connection, row) for row in rows]
    if not found:
        raise StoreError(
            f"no resource {wanted!r} in the store",
            "Give its identifier, its name, or TYPE/NAME; `annexa evidence list` shows what there is.",
        )
    return found


def resources(record: Record) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Yield (type, id, name, scope, region, content hash) of every resource as last known."""
    query = sa.text(
        """SELECT e.resource_type, r.resource_id, c.name, s.external_id, c.region, c.hash
           FROM content c JOIN resource r ON r.id = c.resource_pk
           JOIN series e ON e.id = r.series_id JOIN scope s ON s.id = e.scope_id
           WHERE c.closed IS NULL ORDER BY e.resource_type, s.external_id, e.region, r.resource_id"""
    )
    with record.engine.connect() as connection:
        for row in connection.execute(query):
            yield row[0], row[1], row[2], row[3], row[4], row[5].hex()


def last_run(record: Record) -> dict[str, Any] | None:
    """Return uid, started, finished, status and summary of the newest run."""
    with record.engine.connect() as connection:
        row = connection.execute(sa.select(run).order_by(run.c.id.desc()).limit(1)).mappings().first()
    if row is None:
        return None
    return {
        "run": row["uid"],
        "started": row["started"],
        "finished": row["finished"],
        "status": row["status"],
        "trigger": row["trigger"],
        "summary": orjson.loads(row["summary"]) if row["summary"] else {},
    }


def _evidence(record: Record, connection: sa.Connection, row: Any) -> Evidence:
    versions = connection.execute(
        collection_rows()
        .where(
            collection.c.series_id == row.series_id,
            collection.c.id >= row.opened,
            *([collection.c.id < row.closed] if row.closed else []),
        )
        .order_by(collection.c.id)
    ).all()
    document = Document.from_payload(orjson.loads(record.blobs.get(connection, row.hash)))
    saw = [version for version in versions if _saw(record, connection, version, document.id)]
    return Evidence(
        document=document,
        hash=row.hash.hex(),
        first_seen=saw[0].finished,
        last_seen=saw[-1].finished,
        current=row.closed is None,
        collection=_collection_row(saw[-1]),
        report=orjson.loads(record.blobs.get(connection, saw[-1].report)),
    )


def _saw(record: Record, connection: sa.Connection, version: Any, resource_id: str) -> bool:
    if version.manifest is None:
        return True
    manifest = orjson.loads(record.blobs.get(connection, version.manifest))
    return any(seen == resource_id for seen, _ in manifest)


def _collection_row(row: Any) -> CollectionRow:
    return CollectionRow(
        id=row.id,
        run=row.uid,
        provider=row.provider,
        scope=row.external_id,
        region=row.region,
        resource_type=row.resource_type,
        started=row.started,
        finished=row.finished,
        complete=bool(row.complete),
        resources=row.resources,
        gaps=row.gaps,
        seq=row.seq,
    )


def outcome_counts(record: Record) -> dict[str, int]:
    """Return outcome → how many findings stand."""
    with record.engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT outcome, count(*) FROM finding WHERE closed IS NULL GROUP BY outcome")
        ).all()
    counts = {outcome.value: 0 for outcome in Outcome}
    counts.update((row[0], int(row[1])) for row in rows)
    return counts


def scope_name(record: Record, provider: str, scope_id: str) -> str:
    """Return the name that a scope was last collected under."""
    with record.engine.connect() as connection:
        name = connection.execute(
            sa.select(scope.c.name).where(scope.c.provider == provider, scope.c.external_id == scope_id)
        ).scalar()
    return str(name) if name is not None else scope_id


def reports(record: Record, run_uid: str) -> Iterator[dict[str, Any]]:
    """Yield the report (provenance and gaps) of every collection of a run, in the log's order."""
    query = (
        sa.select(collection_state.c.report)
        .join(collection, collection.c.state_id == collection_state.c.id)
        .join(run, run.c.id == collection.c.run_id)
        .where(run.c.uid == run_uid)
        .order_by(collection.c.seq)
    )
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        for key in connection.execute(query).scalars().all():
            yield orjson.loads(record.blobs.get(connection, key))


def last_read(record: Record) -> dict[tuple[str, str, str], str]:
    """Return (provider, scope, resource type) → when all of it had last been looked for."""
    query = sa.text(
        """SELECT s.provider, s.external_id, e.resource_type, min(c.finished) FROM collection c
           JOIN series e ON e.id = c.series_id JOIN scope s ON s.id = e.scope_id
           WHERE c.id IN (SELECT max(id) FROM collection GROUP BY series_id)
           GROUP BY s.provider, s.external_id, e.resource_type"""
    )
    with record.engine.connect() as connection:
        return {(row[0], row[1], row[2]): row[3] for row in connection.execute(query)}


def types_known(record: Record, provider: str, scope_id: str) -> dict[str, bool]:
    """Return resource type → whether all of it was read to its end when it was last collected."""
    query = sa.text(
        """SELECT e.resource_type, min(t.complete) FROM collection c
           JOIN collection_state t ON t.id = c.state_id
           JOIN series e ON e.id = c.series_id JOIN scope s ON s.id = e.scope_id
           WHERE s.provider = :provider AND s.external_id = :scope AND e.resource_type <> ''
             AND c.id IN (SELECT max(id) FROM collection GROUP BY series_id)
           GROUP BY e.resource_type"""
    )
    with record.engine.connect() as connection:
        rows = connection.execute(query, {"provider": provider, "scope": scope_id})
        return {row[0]: bool(row[1]) for row in rows}
