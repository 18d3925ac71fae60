"""What differs between two moments: the net change, not what happened in between.

Work grows with what was opened and closed between the moments, not with what the record holds.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from store import moment
from store.json_changes import Change, changes
from store.model import Outcome
from store.query import check_bodies
from store.record import Record
from store.retention import Removal, removals, why_gone

_CONTENT = """
SELECT c.resource_pk AS key, c.hash, c.name, c.region, c.opened, c.closed, {where}
FROM content c {joins} WHERE c.{edge} > :low AND c.{edge} <= :high
"""

_FINDINGS = """
SELECT f.resource_pk, f.check_id, k.digest, f.outcome, f.reason, f.opened, f.closed, e.region,
       x.finished AS ended, x.seq AS ended_by, {where}
FROM finding f JOIN check_applied k ON k.id = f.check_pk {joins}
LEFT JOIN collection x ON x.id = f.closed
WHERE f.{edge} > :low AND f.{edge} <= :high
"""

_NAME = """SELECT name FROM content WHERE resource_pk = :resource AND opened <= :opened
ORDER BY opened DESC LIMIT 1"""

_WHERE = "r.series_id, s.provider, s.external_id AS scope, e.resource_type, r.resource_id"
_JOINS = """JOIN resource r ON r.id = {rows}.resource_pk JOIN series e ON e.id = r.series_id
JOIN scope s ON s.id = e.scope_id"""


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """A resource that differs.

    Attributes:
        change: ``appeared``, ``gone`` or ``changed``.
        before, after: hashes of its document, or "" where there is none.
    """

    change: str
    provider: str
    scope: str
    region: str
    resource_type: str
    resource_id: str
    resource_name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class FindingChange:
    """A finding whose outcome differs.

    Attributes:
        change: ``appeared``, ``gone`` or ``changed``.
        check_body: the check as it was last applied.
        before, after: outcomes, or None where there was no such finding.
        reason: why it came to the outcome after.
    """

    change: str
    check: str
    check_body: dict[str, Any]
    provider: str
    scope: str
    region: str
    resource_type: str
    resource_id: str
    resource_name: str
    before: Outcome | None
    after: Outcome | None
    reason: str


def resource_changes(record: Record, since: str, until: str | None) -> Iterator[ResourceChange]:
    """Yield the resources that differ between two moments, by type, scope and identifier."""
    with record.engine.connect() as connection:
        before, after = _edges(connection, _CONTENT, "c", since, until, lambda row: row.key)
    found = [(before.get(key), after.get(key)) for key in before.keys() | after.keys()]
    for old, new in sorted(found, key=_place):
        row = _newer(old, new)
        if old is None or new is None or old.hash != new.hash:
            yield ResourceChange(
                change=_change(old, new),
                provider=row.provider,
                scope=row.scope,
                region=row.region,
                resource_type=row.resource_type,
                resource_id=row.resource_id,
                resource_name=row.name,
                before=old.hash.hex() if old else "",
                after=new.hash.hex() if new else "",
            )


def finding_changes(record: Record, since: str, until: str | None) -> Iterator[FindingChange]:
    """Yield the findings whose outcome differs between two moments, by type, scope, resource and check."""
    with record.engine.connect() as connection:
        bodies = check_bodies(record, connection)
        acts = removals(connection, record.blobs)
        before, after = _edges(
            connection, _FINDINGS, "f", since, until, lambda row: (row.resource_pk, row.check_id)
        )
        found = [(before.get(key), after.get(key)) for key in before.keys() | after.keys()]
        for old, new in sorted(found, key=lambda pair: (*_place(pair), _newer(*pair).check_id)):
            if old is not None and new is not None and old.outcome == new.outcome:
                continue
            row = _newer(old, new)
            at = {"resource": row.resource_pk, "opened": row.opened}
            yield FindingChange(
                change=_change(old, new),
                check=row.check_id,
                check_body=bodies[row.digest],
                provider=row.provider,
                scope=row.scope,
                region=row.region,
                resource_type=row.resource_type,
                resource_id=row.resource_id,
                resource_name=connection.execute(sa.text(_NAME), at).scalar() or "",
                before=Outcome(old.outcome) if old else None,
                after=Outcome(new.outcome) if new else None,
                reason=_reason(acts, new) if new else "",
            )


def document_changes(record: Record, before: str, after: str) -> list[Change]:
    """Return what differs between two documents, given by their hashes.

    Raises:
        PrunedError: retention let one of them go.
    """
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        old, new = (orjson.loads(record.blobs.get(connection, bytes.fromhex(key))) for key in (before, after))
    return list(changes(old, new))


def _reason(acts: list[Removal], row: Any) -> str:
    return why_gone(acts, row.ended, row.ended_by) if row.reason is None else str(row.reason)


def _edges(
    connection: sa.Connection, template: str, rows: str, since: str, until: str | None, key: Any
) -> tuple[dict[Any, Any], dict[Any, Any]]:
    """Return by key the rows that stood at first and no longer at last, and those that are new at last."""
    news = moment.news(connection, since, until)
    if not news:
        return {}, {}
    bounds = {
        "low": min(low for low, _ in news.values()),
        "high": max(high for _, high in news.values()),
    }
    found: list[dict[Any, Any]] = []
    for edge in ("closed", "opened"):
        statement = template.format(where=_WHERE, joins=_JOINS.format(rows=rows), edge=edge)
        kept: dict[Any, Any] = {}
        for row in connection.execute(sa.text(statement), bounds):
            if row.series_id not in news:
                continue
            low, high = news[row.series_id]
            still = row.closed is None or row.closed > high
            if (edge == "closed" and row.opened <= low < row.closed <= high) or (
                edge == "opened" and low < row.opened <= high and still
            ):
                kept[key(row)] = row
        found.append(kept)
    return found[0], found[1]


def _newer(old: Any, new: Any) -> Any:
    return old if new is None else new


def _place(pair: tuple[Any, Any]) -> tuple[str, ...]:
    row = _newer(*pair)
    return row.resource_type, row.scope, row.resource_id, row.region


def _change(old: Any, new: Any) -> str:
    return "appeared" if old is None else "gone" if new is None else "changed"
