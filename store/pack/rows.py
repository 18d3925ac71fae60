"""The rows of the record that a pack is made of, series by series, so that memory holds one series."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import orjson
import sqlalchemy as sa

from store.blobs import Blobs
from store.collection_entry import collection_entry, collection_rows
from store.pack.contents import Selection
from store.pack.replayed import Collected, Replayed, replayed
from store.pack.sampling import Item
from store.schema import collection, scope, series

_Key = tuple[str, str, str, str]
_ORDER = "s.provider, s.external_id, e.resource_type, e.region"

_CONTENT = """
SELECT {order}, r.resource_id, c.name, c.region AS lives_in, c.hash, o.seq AS opened, z.seq AS closed
FROM content c
JOIN resource r ON r.id = c.resource_pk
JOIN series e ON e.id = r.series_id JOIN scope s ON s.id = e.scope_id
JOIN collection o ON o.id = c.opened LEFT JOIN collection z ON z.id = c.closed
WHERE {wanted}
ORDER BY {order}, r.resource_id, o.seq
"""

_FINDINGS = """
SELECT {order}, r.resource_id, f.check_id, k.digest, f.outcome, f.reason, f.observed, f.decided,
       f.document, b.seq AS since, b.finished AS first_seen, o.seq AS opened, z.seq AS closed,
       z.finished AS ended
FROM finding f
JOIN resource r ON r.id = f.resource_pk
JOIN series e ON e.id = r.series_id JOIN scope s ON s.id = e.scope_id
JOIN check_applied k ON k.id = f.check_pk
JOIN collection b ON b.id = f.since
JOIN collection o ON o.id = f.opened LEFT JOIN collection z ON z.id = f.closed
WHERE {wanted}
ORDER BY {order}, r.resource_id, f.check_id, o.seq
"""


@dataclass(frozen=True, slots=True)
class SeriesRows:
    """A series with what of it stood in the collections that are replayed.

    Attributes:
        number: by which the files of a pack name the series.
        content, findings: rows by resource (and check), then by when they were opened.
    """

    number: int
    provider: str
    scope: str
    resource_type: str
    region: str
    replayed: Replayed
    content: list[Any]
    findings: list[Any]

    @property
    def place(self) -> tuple[str, str, str]:
        return self.provider, self.scope, self.resource_type

    def item(self, resource_id: str) -> Item:
        return Item(self.provider, self.scope, self.region, self.resource_type, resource_id)

    def closed(self, row: Any) -> int | None:
        """Return the entry that closed a row, None if that is after the period."""
        return None if row.closed is None or row.closed > self.replayed.last else int(row.closed)

    def seen(self, connection: sa.Connection, blobs: Blobs) -> Iterator[tuple[Collected, dict[str, str]]]:
        """Yield the incomplete collections, with resource id → document of what each did see."""
        for one in self.replayed.collections:
            if one.manifest is not None:
                yield one, dict(orjson.loads(blobs.get(connection, one.manifest)))


def read_series(connection: sa.Connection, selection: Selection) -> Iterator[SeriesRows]:
    """Yield the series of a selection that had been collected by the end of its period, in order."""
    wanted, values = _condition(selection)
    content = _InOrder(_rows(connection, _CONTENT, wanted, values))
    findings = _InOrder(_rows(connection, _FINDINGS, wanted, values))
    collections = (
        collection_rows()
        .where(sa.text(wanted.replace("s.", "scope.")).bindparams(**values))
        .order_by(
            scope.c.provider, scope.c.external_id, series.c.resource_type, series.c.region, collection.c.seq
        )
    )
    number = 0
    for key, group in groupby(connection.execute(collections), _key):
        entries = [_collected(row) for row in group]
        found = replayed(entries, selection.period)
        if found is not None:
            yield SeriesRows(number, *key, found, content.of(key, found), findings.of(key, found))
            number += 1


def _collected(row: Any) -> Collected:
    return Collected.of(row.seq, collection_entry(row._mapping))


def _condition(selection: Selection) -> tuple[str, dict[str, Any]]:
    conditions = ["1 = 1"]
    values: dict[str, Any] = {}
    for column, name, chosen in (
        ("s.provider", "provider", selection.providers),
        ("s.external_id", "scope", selection.scopes),
    ):
        if chosen:
            names = {f"{name}_{number}": value for number, value in enumerate(sorted(chosen))}
            conditions.append(f"{column} IN ({', '.join(f':{one}' for one in names)})")
            values |= names
    return " AND ".join(conditions), values


def _rows(connection: sa.Connection, query: str, wanted: str, values: dict[str, Any]) -> Iterable[Any]:
    return connection.execute(sa.text(query.format(order=_ORDER, wanted=wanted)), values)


def _key(row: Any) -> _Key:
    return row.provider, row.external_id, row.resource_type, row.region


class _InOrder:
    """Rows in the order of their series, taken a series at a time."""

    def __init__(self, rows: Iterable[Any]) -> None:
        self._groups = groupby(rows, _key)
        self._next = next(self._groups, None)

    def of(self, key: _Key, found: Replayed) -> list[Any]:
        """Return the rows of a series that stood in what is replayed; others are never held."""
        while self._next is not None and self._next[0] < key:
            self._next = next(self._groups, None)
        if self._next is None or self._next[0] != key:
            return []
        return [
            row
            for row in self._next[1]
            if row.opened <= found.last and (row.closed is None or row.closed > found.first)
        ]
