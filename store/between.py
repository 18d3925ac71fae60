"""What held at some time of a period: findings, resources, and what could not be read.

Rows are intervals, so a period takes those that stood at its beginning and those that were opened
within it. As in :mod:`store.moment`, the log's order says which collections belong to it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import orjson
import sqlalchemy as sa

from store.collection_entry import collection_rows
from store.coverage import Period
from store.model import Gap
from store.query import (
    BY_CHECK,
    PRUNED,
    CollectionRow,
    FindingRow,
    check_bodies,
    collection_row,
    finding_values,
)
from store.record import Record
from store.retention import removals
from store.schema import collection

_LAST_BY = """SELECT c.id FROM collection c WHERE c.series_id = x.id AND c.finished <= {moment}
ORDER BY c.id DESC LIMIT 1"""

_SPAN = f"""span AS MATERIALIZED (
    SELECT * FROM (
        SELECT x.id AS series_id,
               coalesce(({_LAST_BY.format(moment=":first")}),
                        (SELECT min(c.id) - 1 FROM collection c WHERE c.series_id = x.id)) AS low,
               ({_LAST_BY.format(moment=":end")}) AS high
        FROM series x) bounds
    WHERE high IS NOT NULL)"""
"""Series → its last collection by the period's first moment, or one less than its first, and by its end."""

_HELD = """held AS (
    SELECT * FROM {table} WHERE closed IS NULL
    UNION ALL
    SELECT * FROM {table} WHERE closed > (SELECT min(low) FROM span))"""
"""Rows that may have held. Each half has an index of its own, which one condition would not use."""

_WITHIN = "f.opened <= span.high AND (f.closed IS NULL OR f.closed > span.low)"
_UNTIL = "CASE WHEN f.closed IS NULL OR f.closed > span.high THEN span.high ELSE f.closed - 1 END"
_ENDED = "CASE WHEN f.closed <= span.high THEN z.finished ELSE '' END"
_CONFIRMED = f"(SELECT max(m.id) FROM collection m WHERE m.series_id = e.id AND m.id <= {_UNTIL})"
"""The last collection that confirmed a row ``f``."""

_FINDINGS = f"""WITH {_SPAN}, {_HELD.format(table="finding")}
SELECT f.check_id, k.digest, f.outcome, f.reason, f.observed, f.document, s.provider,
       s.external_id AS scope, s.name AS scope_name, coalesce(c.region, e.region) AS region,
       e.resource_type, r.resource_id, coalesce(c.name, '') AS resource_name, o.finished AS first_seen,
       l.finished AS last_seen, l.seq AS entry, {_ENDED} AS ended,
       f.decided IS NOT NULL AS pruned, z.finished AS closed_at, z.seq AS closed_by
FROM span
JOIN series e ON e.id = span.series_id
JOIN scope s ON s.id = e.scope_id
JOIN resource r ON r.series_id = e.id
JOIN held f ON f.resource_pk = r.id AND {_WITHIN}
JOIN check_applied k ON k.id = f.check_pk
JOIN collection o ON o.id = f.since
JOIN collection l ON l.id = {_CONFIRMED}
LEFT JOIN collection z ON z.id = f.closed
LEFT JOIN content c ON c.id = (SELECT v.id FROM content v
    WHERE v.resource_pk = r.id AND v.opened <= {_UNTIL} ORDER BY v.opened DESC LIMIT 1)
ORDER BY {{order}}, f.opened
"""

_RESOURCES = f"""WITH {_SPAN}, {_HELD.format(table="content")}
SELECT e.resource_type, r.resource_id, f.name, s.external_id AS scope, f.region, f.hash,
       o.finished AS first_seen, l.finished AS last_seen, {_ENDED} AS ended
FROM span
JOIN series e ON e.id = span.series_id
JOIN scope s ON s.id = e.scope_id
JOIN resource r ON r.series_id = e.id
JOIN held f ON f.resource_pk = r.id AND {_WITHIN}
JOIN collection o ON o.id = f.opened
JOIN collection l ON l.id = {_CONFIRMED}
LEFT JOIN collection z ON z.id = f.closed
ORDER BY e.resource_type, s.external_id, e.region, r.resource_id, f.opened
"""


@dataclass(frozen=True, slots=True)
class HeldFinding(FindingRow):
    """A finding that held at some time of a period, decided by the same values all the while.

    Attributes:
        ended: when a collection of the period found otherwise, or "" if it stood at its end.
    """

    ended: str


@dataclass(frozen=True, slots=True)
class HeldResource:
    """A version of a resource that held at some time of a period.

    Attributes:
        document: SHA-256 of the document.
        last_seen: when the last collection before its end, or the period's, was finished.
        ended: when a collection of the period found otherwise, or "".
    """

    resource_type: str
    resource_id: str
    resource_name: str
    scope: str
    region: str
    document: str
    first_seen: str
    last_seen: str
    ended: str


@dataclass(frozen=True, slots=True)
class HeldGap:
    """A call that one collection of a period, or several in a row, could not read.

    Attributes:
        collection, gap: as they were at last.
        first_seen, last_seen: by the first and the last of these collections; what lies before the
            last collection by the period's first moment is not looked at.
        ended: when a collection of the period met it no longer, or "".
        collections: how many of the period met it.
    """

    collection: CollectionRow
    gap: Gap
    first_seen: str
    last_seen: str
    ended: str
    collections: int


def findings_between(record: Record, period: Period, order: str = BY_CHECK) -> Iterator[HeldFinding]:
    """Yield every finding that held at some time of a period, the older before the newer.

    Where a finding keeps its outcome and what decided it changes, it is yielded again.

    Args:
        order: as :func:`store.query.findings` takes it.
    """
    statement = _FINDINGS.format(order=order)
    with record.engine.connect() as connection:
        bodies = check_bodies(record, connection)
        acts = removals(connection, record.blobs)
        for row in connection.execute(sa.text(statement), _bounds(period)):
            yield HeldFinding(**finding_values(row, bodies, acts), ended=row.ended)


def resources_between(record: Record, period: Period) -> Iterator[HeldResource]:
    """Yield every version of a resource that held at some time of a period."""
    with record.engine.connect() as connection:
        for row in connection.execute(sa.text(_RESOURCES), _bounds(period)):
            yield HeldResource(
                resource_type=row.resource_type,
                resource_id=row.resource_id,
                resource_name=row.name,
                scope=row.scope,
                region=row.region,
                document=row.hash.hex(),
                first_seen=row.first_seen,
                last_seen=row.last_seen,
                ended=row.ended,
            )


def gaps_between(record: Record, period: Period) -> Iterator[HeldGap]:
    """Yield what the collections of a period could not read, series by series."""
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        statement = sa.text(f"WITH {_SPAN} SELECT series_id, low, high FROM span")
        spans = {row.series_id: row for row in connection.execute(statement, _bounds(period))}
        for series_pk in sorted(spans):
            span = spans[series_pk]
            rows = collection_rows().where(
                collection.c.series_id == series_pk,
                collection.c.id >= span.low,
                collection.c.id <= span.high,
            )
            yield from _gaps(record, connection, rows.order_by(collection.c.id), span.low)


def _gaps(record: Record, connection: sa.Connection, rows: sa.Select[Any], low: int) -> Iterator[HeldGap]:
    standing: dict[tuple[str, ...], HeldGap] = {}
    for row in connection.execute(rows).all():
        met: dict[tuple[str, ...], HeldGap] = {}
        for gap in _met(record, connection, row):
            key = (gap.call, gap.code, gap.region, gap.resource_id, gap.key)
            before = standing.get(key)
            met[key] = HeldGap(
                collection=collection_row(row),
                gap=gap,
                first_seen=before.first_seen if before else row.finished,
                last_seen=row.finished,
                ended="",
                collections=int(row.id > low) + (before.collections if before else 0),
            )
        if row.id > low:
            yield from (replace(standing[key], ended=row.finished) for key in standing if key not in met)
        standing = met
    yield from standing.values()


def _met(record: Record, connection: sa.Connection, row: Any) -> Iterable[Gap]:
    if not row.gaps:
        return ()
    if record.blobs.missing(connection, [row.report]):
        return (Gap("", PRUNED, f"retention let go of what the {row.gaps} gaps were", row.finished),)
    return (Gap(**each) for each in orjson.loads(record.blobs.get(connection, row.report))["gaps"])


def _bounds(period: Period) -> dict[str, str]:
    return {"first": f"{period.first}T00:00:00.000Z", "end": period.end}
