"""Every version that the resources of one type had in a period."""

from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import sqlalchemy as sa

from store import moment
from store.model import Document
from store.record import Record
from store.retention import PrunedError
from store.schema import collection, collection_state, scope, series

_BEFORE = """(SELECT x.finished FROM collection x WHERE x.series_id = e.id AND x.id < {row}.id
    ORDER BY x.id DESC LIMIT 1)"""


@dataclass(frozen=True, slots=True)
class Seen:
    """When something was found.

    Attributes:
        at: when the collection that found it was finished.
        after: when the one before it was, or "": it came about in between.
        entry: its entry in the log.
    """

    at: str
    after: str
    entry: int


@dataclass(frozen=True, slots=True)
class PeriodVersion:
    """A resource as it was from one collection to another.

    Attributes:
        document: None where retention let it go.
        hash: SHA-256 of the document's canonical form.
        new: whether it began within the period; otherwise it stood at its first moment.
        run: the run that found it so.
        began, ended: when it was found so, and when otherwise or gone; None if it still held.
    """

    resource_id: str
    name: str
    document: Document | None
    hash: str
    new: bool
    run: int
    began: Seen
    ended: Seen | None


def versions(record: Record, resource_type: str, since: str, until: str | None) -> Iterator[PeriodVersion]:
    """Yield what stood at one moment or began by another, resource by resource, oldest version first.

    Work grows with what changed: resources that did not change in between are left out.

    Args:
        since, until: as :func:`store.moment.between` takes them.
    """
    query = sa.text(
        f"""{moment.news(until)},
        moved AS MATERIALIZED (
            SELECT c.resource_pk FROM content c JOIN collection o ON o.id = c.opened
            JOIN news n ON n.series_id = o.series_id
            WHERE c.opened > n.low AND c.opened <= n.high
            UNION
            SELECT c.resource_pk FROM content c JOIN collection o ON o.id = c.closed
            JOIN news n ON n.series_id = o.series_id
            WHERE c.closed > n.low AND c.closed <= n.high)
        SELECT r.resource_id, c.name, c.hash, c.opened > n.low AS new,
               o.run_id AS run, o.finished AS began, o.seq AS began_entry,
               {_BEFORE.format(row="o")} AS began_after,
               CASE WHEN c.closed <= n.high THEN z.seq END AS ended_entry, z.finished AS ended,
               {_BEFORE.format(row="z")} AS ended_after, b.dictionary_id, b.data
        FROM moved
        JOIN resource r ON r.id = moved.resource_pk
        JOIN series e ON e.id = r.series_id AND e.resource_type = :type
        JOIN news n ON n.series_id = e.id
        JOIN content c ON c.resource_pk = r.id
            AND c.opened <= n.high AND (c.closed IS NULL OR c.closed > n.low)
        JOIN collection o ON o.id = c.opened
        LEFT JOIN collection z ON z.id = c.closed
        LEFT JOIN blob b ON b.hash = c.hash
        ORDER BY r.resource_id, r.id, c.opened"""
    )
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        for row in connection.execute(query, {"type": resource_type, **moment.between(since, until)}):
            try:
                payload = record.blobs.plain(connection, row.hash, row.dictionary_id, row.data)
                document = Document.from_payload(orjson.loads(payload))
            except PrunedError:
                document = None
            yield PeriodVersion(
                resource_id=row.resource_id,
                name=row.name,
                document=document,
                hash=row.hash.hex(),
                new=bool(row.new),
                run=row.run,
                began=Seen(row.began, row.began_after or "", row.began_entry),
                ended=None
                if row.ended_entry is None
                else Seen(row.ended, row.ended_after or "", row.ended_entry),
            )


def first_complete_runs(record: Record) -> dict[tuple[str, str, str], int]:
    """Return (provider, scope, resource type) → the first run that read such a list to its end."""
    query = sa.select(
        scope.c.provider, scope.c.external_id, series.c.resource_type, sa.func.min(collection.c.run_id)
    ).select_from(
        collection.join(collection_state, collection_state.c.id == collection.c.state_id)
        .join(series, series.c.id == collection.c.series_id)
        .join(scope, scope.c.id == series.c.scope_id)
    )
    query = query.where(collection_state.c.complete).group_by(
        scope.c.provider, scope.c.external_id, series.c.resource_type
    )
    with record.engine.connect() as connection:
        return {(row[0], row[1], row[2]): int(row[3]) for row in connection.execute(query)}
