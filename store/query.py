"""Reading the record: collections, findings, gaps and resources, as they stand or as they stood.

Where a function takes ``at``, it answers for that moment (RFC 3339 in UTC with milliseconds, as the
record writes it) as it would have answered then; see :mod:`store.moment`. None is now.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from store import moment
from store.collection_entry import collection_rows
from store.model import Document, Gap, Outcome
from store.record import Record
from store.retention import PrunedError, Removal, removals, why_gone
from store.schema import check, collection, collection_state, run, scope, series
from store.statement import Filed
from store.statements import read as read_statements


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A finding as it stands.

    Attributes:
        check_body: the check as it was applied.
        region: where the resource lives, or where it was looked for.
        observed: the values that decided it; None where retention let them go.
        first_seen: since when this outcome holds, RFC 3339 in UTC.
        last_seen: when the collection that it rests on was last made.
        entry: that collection's entry in the log.
        pruned: whether retention let go what decided it; ``reason`` says when and why, then.
    """

    check: str
    check_digest: str
    check_body: dict[str, Any]
    outcome: Outcome
    reason: str
    observed: dict[str, Any] | None
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
    entry: int
    pruned: bool


@dataclass(frozen=True, slots=True)
class JudgedResource:
    """A resource that a check judges, or "" for a whole scope."""

    provider: str
    scope: str
    resource_id: str
    resource_name: str


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """A collection of a series.

    Attributes:
        provider_time: what the provider's clock said, RFC 3339; None where it was not told.
        skew_ms: by how much the host's clock differed from it.
    """

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
    provider_time: str | None = None
    skew_ms: int | None = None


PRUNED = "Pruned"
"""The code of the gap that stands for gaps that retention let go."""

_FINDINGS = """{last}
SELECT f.check_id, k.digest, f.outcome, f.reason, f.observed, f.document, s.provider,
       s.external_id AS scope, s.name AS scope_name, coalesce(c.region, e.region) AS region,
       e.resource_type, r.resource_id,
       coalesce(c.name, '') AS resource_name, o.finished AS first_seen, l.finished AS last_seen,
       l.seq AS entry, f.decided IS NOT NULL AS pruned, x.finished AS closed_at, x.seq AS closed_by
FROM last
JOIN collection l ON l.id = last.id
JOIN series e ON e.id = last.series_id
JOIN scope s ON s.id = e.scope_id
JOIN resource r ON r.series_id = e.id
JOIN finding f ON f.resource_pk = r.id AND {finding}
JOIN check_applied k ON k.id = f.check_pk
JOIN collection o ON o.id = f.since
LEFT JOIN content c ON c.resource_pk = r.id AND {content}
LEFT JOIN collection x ON x.id = f.closed
ORDER BY {order}
"""

BY_CHECK = "f.check_id, s.external_id, e.region, r.resource_id"
BY_RESOURCE = "s.provider, s.external_id, e.resource_type, e.region, r.resource_id, f.check_id"
"""Orders of findings; by resource, all that was found on one follow one another."""


def findings(record: Record, at: str | None = None, order: str = BY_CHECK) -> Iterator[FindingRow]:
    """Yield every finding that stands.

    Args:
        order: :data:`BY_CHECK` or :data:`BY_RESOURCE`.
    """
    query = _FINDINGS.format(
        last=moment.last(at),
        finding=moment.standing("f", at),
        content=moment.standing("c", at),
        order=order,
    )
    with record.engine.connect() as connection:
        bodies = check_bodies(record, connection)
        acts = removals(connection, record.blobs)
        for row in connection.execute(sa.text(query), moment.bound(at)):
            yield FindingRow(**finding_values(row, bodies, acts))


def finding_values(
    row: Any, bodies: Mapping[bytes, dict[str, Any]], acts: Iterable[Removal]
) -> dict[str, Any]:
    """Return what a row of findings says, as the attributes of :class:`FindingRow`.

    Args:
        acts: see :func:`store.retention.removals`.
    """
    return {
        "check": row.check_id,
        "check_digest": row.digest.hex(),
        "check_body": bodies[row.digest],
        "outcome": Outcome(row.outcome),
        "reason": why_gone(acts, row.closed_at, row.closed_by) if row.pruned else row.reason,
        "observed": None if row.observed is None else orjson.loads(row.observed),
        "document": row.document.hex() if row.document else "",
        "provider": row.provider,
        "scope": row.scope,
        "scope_name": row.scope_name,
        "region": row.region,
        "resource_type": row.resource_type,
        "resource_id": row.resource_id,
        "resource_name": row.resource_name,
        "first_seen": row.first_seen,
        "last_seen": row.last_seen,
        "entry": row.entry,
        "pruned": bool(row.pruned),
    }


def check_bodies(record: Record, connection: sa.Connection) -> dict[bytes, dict[str, Any]]:
    """Return digest → check as it was applied, for every check that ever was."""
    return {
        key: orjson.loads(record.blobs.get(connection, key))
        for key in connection.execute(sa.select(check.c.digest)).scalars().all()
    }


def latest_collections(record: Record, at: str | None = None) -> list[CollectionRow]:
    """Return the latest collection of every series."""
    with record.engine.connect() as connection:
        query = collection_rows().where(collection.c.id.in_(moment.last_ids(at)))
        return [collection_row(row) for row in connection.execute(query)]


def first_collected(record: Record) -> str:
    """Return when the first collection was finished, or "" if there is none."""
    with record.engine.connect() as connection:
        return str(connection.execute(sa.select(sa.func.min(collection.c.finished))).scalar() or "")


def known_series(record: Record, provider: str) -> set[tuple[str, str, str]]:
    """Return (scope, resource type, region) of every series of a provider, whole scopes excepted."""
    query = (
        sa.select(scope.c.external_id, series.c.resource_type, series.c.region)
        .join(scope, scope.c.id == series.c.scope_id)
        .where(scope.c.provider == provider, series.c.resource_type != "")
    )
    with record.engine.connect() as connection:
        return {(row.external_id, row.resource_type, row.region) for row in connection.execute(query)}


def gaps(record: Record, at: str | None = None) -> list[tuple[CollectionRow, Gap]]:
    """Return the gaps of the latest collection of every series.

    Where retention let go what a collection could not read, one gap with the code :data:`PRUNED` says so.
    """
    found: list[tuple[CollectionRow, Gap]] = []
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        query = collection_rows().where(collection.c.id.in_(moment.last_ids(at)), collection_state.c.gaps > 0)
        for row in connection.execute(query.order_by(collection.c.id)).all():
            try:
                report = orjson.loads(record.blobs.get(connection, row.report))
            except PrunedError as error:
                what = f"it had {row.gaps} gap{'s' if row.gaps > 1 else ''}; {error.removal}"
                found.append((collection_row(row), Gap("", PRUNED, what, row.finished)))
                continue
            found.extend((collection_row(row), Gap(**gap)) for gap in report["gaps"])
    return found


def statements(record: Record, at: str | None = None) -> list[Filed]:
    """Return every statement that had been filed by then, oldest first, withdrawals included."""
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        return read_statements(connection, record.blobs, at)


def checks_applied(record: Record) -> set[str]:
    """Return the identifiers of all checks that were ever applied."""
    with record.engine.connect() as connection:
        return set(connection.execute(sa.select(check.c.check_id)).scalars())


def judged_resources(record: Record, check_id: str) -> list[JudgedResource]:
    """Return what a check judges as things stand; a whole scope has no resource."""
    query = sa.text(
        """SELECT s.provider, s.external_id AS scope, r.resource_id, coalesce(c.name, '') AS resource_name
           FROM finding f JOIN resource r ON r.id = f.resource_pk
           JOIN series e ON e.id = r.series_id JOIN scope s ON s.id = e.scope_id
           LEFT JOIN content c ON c.resource_pk = r.id AND c.closed IS NULL
           WHERE f.closed IS NULL AND f.check_id = :check
           ORDER BY s.provider, s.external_id, r.resource_id"""
    )
    with record.engine.connect() as connection:
        return [JudgedResource(*row) for row in connection.execute(query, {"check": check_id})]


def documents(record: Record, provider: str, scope_id: str, resource_type: str) -> Iterator[Document]:
    """Yield the last known documents of a type in a scope."""
    query = sa.text(
        """SELECT c.hash, b.dictionary_id, b.data FROM scope s
           JOIN series e ON e.scope_id = s.id AND e.resource_type = :type
           JOIN resource r ON r.series_id = e.id
           JOIN content c ON c.resource_pk = r.id AND c.closed IS NULL
           LEFT JOIN blob b ON b.hash = c.hash
           WHERE s.provider = :provider AND s.external_id = :scope
           ORDER BY e.region, r.resource_id"""
    )
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        bound = {"type": resource_type, "provider": provider, "scope": scope_id}
        for row in connection.execute(query, bound):
            yield Document.from_payload(orjson.loads(record.blobs.plain(connection, *row)))


def standing_documents(
    record: Record, resource_type: str, at: str | None = None
) -> Iterator[tuple[str, str, Document, str]]:
    """Yield (provider, scope, document, content hash) of every document of a type as it stood.

    What retention let go is left out; nothing that stands now is ever let go.
    """
    query = sa.text(
        f"""{moment.last(at)}
            SELECT s.provider, s.external_id, c.hash, b.dictionary_id, b.data FROM last
            JOIN series e ON e.id = last.series_id AND e.resource_type = :type
            JOIN scope s ON s.id = e.scope_id
            JOIN resource r ON r.series_id = e.id
            JOIN content c ON c.resource_pk = r.id AND {moment.standing("c", at)}
            LEFT JOIN blob b ON b.hash = c.hash
            ORDER BY s.provider, s.external_id, e.region, r.resource_id"""
    )
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        found = connection.execute(query, {"type": resource_type, **moment.bound(at)})
        for provider, scope_id, key, dictionary_id, data in found:
            try:
                payload = record.blobs.plain(connection, key, dictionary_id, data)
            except PrunedError:
                continue
            yield provider, scope_id, Document.from_payload(orjson.loads(payload)), key.hex()


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


def resources(record: Record, at: str | None = None) -> Iterator[tuple[str, str, str, str, str, str]]:
    """Yield (type, id, name, scope, region, content hash) of every resource as last known."""
    query = sa.text(
        f"""{moment.last(at)}
            SELECT e.resource_type, r.resource_id, c.name, s.external_id, c.region, c.hash
            FROM last JOIN series e ON e.id = last.series_id JOIN scope s ON s.id = e.scope_id
            JOIN resource r ON r.series_id = e.id
            JOIN content c ON c.resource_pk = r.id AND {moment.standing("c", at)}
            ORDER BY e.resource_type, s.external_id, e.region, r.resource_id"""
    )
    with record.engine.connect() as connection:
        for row in connection.execute(query, moment.bound(at)):
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


def collection_row(row: Any) -> CollectionRow:
    """Return a row of :func:`collection_rows` as a value."""
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
        provider_time=row.provider_time,
        skew_ms=row.skew_ms,
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
    """Yield the report (provenance and gaps) of every collection of a run, in the log's order.

    Raises:
        PrunedError: retention let one go.
    """
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


def last_read(record: Record, at: str | None = None) -> dict[tuple[str, str, str], str]:
    """Return (provider, scope, resource type) → when all of it had last been looked for."""
    query = sa.text(
        f"""{moment.last(at)}
            SELECT s.provider, s.external_id, e.resource_type, min(c.finished) FROM last
            JOIN collection c ON c.id = last.id
            JOIN series e ON e.id = c.series_id JOIN scope s ON s.id = e.scope_id
            GROUP BY s.provider, s.external_id, e.resource_type"""
    )
    with record.engine.connect() as connection:
        rows = connection.execute(query, moment.bound(at))
        return {(row[0], row[1], row[2]): row[3] for row in rows}


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
