"""What differs between two moments: the net change, not what happened in between.

Work grows with what was opened and closed between the moments, not with what the record holds.
"""

from collections.abc import Iterator, Sequence
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

_PAIRS = """{news},
edge AS (
    SELECT i.resource_pk, {key} AS key, i.id AS old, NULL AS new, {value} AS value
    FROM {rows} i JOIN collection o ON o.id = i.closed JOIN news n ON n.series_id = o.series_id
    WHERE i.closed > (SELECT min(low) FROM news) AND i.closed <= (SELECT max(high) FROM news)
      AND i.closed > n.low AND i.closed <= n.high AND i.opened <= n.low
    UNION ALL
    SELECT i.resource_pk, {key}, NULL, i.id, {value}
    FROM {rows} i JOIN collection o ON o.id = i.opened JOIN news n ON n.series_id = o.series_id
    WHERE i.opened > (SELECT min(low) FROM news) AND i.opened <= (SELECT max(high) FROM news)
      AND i.opened > n.low AND i.opened <= n.high AND (i.closed IS NULL OR i.closed > n.high)),
pair AS MATERIALIZED (
    SELECT resource_pk, max(old) AS old, max(new) AS new FROM edge GROUP BY resource_pk, key
    HAVING count(*) = 1 OR min(value) <> max(value))
SELECT s.provider, s.external_id AS scope, e.resource_type, r.resource_id, {columns}
FROM pair JOIN resource r ON r.id = pair.resource_pk JOIN series e ON e.id = r.series_id
JOIN scope s ON s.id = e.scope_id {joins}
ORDER BY e.resource_type, s.external_id, r.resource_id, e.region{order}
"""
"""Rows that stood at first and no longer at last, and those that are new at last, in pairs that differ."""

_CONTENT = {
    "rows": "content",
    "order": "",
    "key": "0",
    "value": "i.id",
    "columns": """old.hash AS before, new.hash AS after, coalesce(new.name, old.name) AS name,
        coalesce(new.region, old.region) AS region""",
    "joins": "LEFT JOIN content old ON old.id = pair.old LEFT JOIN content new ON new.id = pair.new",
}
_FINDINGS = {
    "rows": "finding",
    "order": ", f.check_id",
    "key": "i.check_id",
    "value": "i.outcome",
    "columns": """f.check_id, k.digest, e.region, new.reason, closing.finished AS closed_at,
         closing.seq AS closed_by,
        old.outcome AS before, new.outcome AS after,
        (SELECT c.name FROM content c WHERE c.resource_pk = f.resource_pk AND c.opened <= f.opened
         ORDER BY c.opened DESC LIMIT 1) AS name""",
    "joins": """LEFT JOIN finding old ON old.id = pair.old LEFT JOIN finding new ON new.id = pair.new
        JOIN finding f ON f.id = coalesce(pair.new, pair.old) JOIN check_applied k ON k.id = f.check_pk
         LEFT JOIN collection closing ON closing.id = new.closed""",
}


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
        found = _pairs(connection, _CONTENT, since, until)
    for row in found:
        if row.before != row.after:
            yield ResourceChange(
                change=_change(row),
                provider=row.provider,
                scope=row.scope,
                region=row.region,
                resource_type=row.resource_type,
                resource_id=row.resource_id,
                resource_name=row.name,
                before=row.before.hex() if row.before else "",
                after=row.after.hex() if row.after else "",
            )


def finding_changes(record: Record, since: str, until: str | None) -> Iterator[FindingChange]:
    """Yield the findings whose outcome differs between two moments, by type, scope, resource and check."""
    with record.engine.connect() as connection:
        found = _pairs(connection, _FINDINGS, since, until)
        bodies = check_bodies(record, connection) if found else {}
        acts = removals(connection, record.blobs)
    for row in found:
        yield FindingChange(
            change=_change(row),
            check=row.check_id,
            check_body=bodies[row.digest],
            provider=row.provider,
            scope=row.scope,
            region=row.region,
            resource_type=row.resource_type,
            resource_id=row.resource_id,
            resource_name=row.name or "",
            before=Outcome(row.before) if row.before else None,
            after=Outcome(row.after) if row.after else None,
            reason=_reason(acts, row),
        )


def document_changes(record: Record, before: str, after: str) -> list[Change]:
    """Return what differs between two documents, given by their hashes.

    Raises:
        PrunedError: retention let one of them go.
    """
    with record.engine.connect() as connection:
        old, new = (orjson.loads(record.blobs.get(connection, bytes.fromhex(key))) for key in (before, after))
    return list(changes(old, new))


def _reason(acts: list[Removal], row: Any) -> str:
    if row.after is None:
        return ""
    return why_gone(acts, row.closed_at, row.closed_by) if row.reason is None else str(row.reason)


def _pairs(connection: sa.Connection, what: dict[str, str], since: str, until: str | None) -> Sequence[Any]:
    query = _PAIRS.format(news=moment.news(until), **what)
    return connection.execute(sa.text(query), moment.between(since, until)).all()


def _change(row: Any) -> str:
    return "appeared" if row.before is None else "gone" if row.after is None else "changed"
