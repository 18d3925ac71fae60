"""Intervals: rows that one collection opens and another closes, in sets and not row by row.

What a collection saw is staged in temporary tables while it streams; here the stage is held
against what is open. A row is closed where the two differ, and opened where nothing is open.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import orjson
import sqlalchemy as sa

from store.canonical import digest
from store.model import Outcome

STAGING = (
    """CREATE TEMPORARY TABLE IF NOT EXISTS stage_content (
        series_id INTEGER, resource_id TEXT, name TEXT, region TEXT, hash BLOB,
        PRIMARY KEY (series_id, resource_id))""",
    """CREATE TEMPORARY TABLE IF NOT EXISTS stage_finding (
        series_id INTEGER, resource_id TEXT, check_id TEXT, check_pk INTEGER, outcome TEXT, reason TEXT,
        observed TEXT, document BLOB, since INTEGER, PRIMARY KEY (series_id, resource_id, check_id))""",
)

_STATEMENTS = 1 << 10
_REMEMBERED = 1 << 12
"""Few values decide most findings: true, false, null."""

_AT_ONCE = 1000

STAGES = ("stage_content", "stage_finding")


def run_on(connection: sa.Connection, series: int, statement: str, **values: Any) -> int:
    """Run a statement on one series and return how many rows it touched."""
    return connection.execute(prepared(statement), {"series": series, **values}).rowcount


@lru_cache(_STATEMENTS)
def prepared(statement: str) -> sa.TextClause:
    """Return a statement as it is run; most are run for each collection of a run, and few are long."""
    return sa.text(statement)


def stage_unseen(
    connection: sa.Connection, series: int, check_pks: dict[tuple[str, str], int], reason: str
) -> None:
    """Stage ``unknown`` for every check on every known resource that an incomplete collection did not see."""
    for (check_id, _), check_pk in check_pks.items():
        run_on(
            connection,
            series,
            """INSERT INTO stage_finding
               SELECT :series, r.resource_id, :check_id, :check_pk, :outcome, :reason, '{}', c.hash, NULL
               FROM resource r JOIN content c ON c.resource_pk = r.id AND c.closed IS NULL
               WHERE r.series_id = :series AND NOT EXISTS (
                   SELECT 1 FROM stage_content s
                   WHERE s.series_id = :series AND s.resource_id = r.resource_id)""",
            check_id=check_id,
            check_pk=check_pk,
            outcome=Outcome.UNKNOWN.value,
            reason=reason,
        )


def add_resources(connection: sa.Connection, series: int) -> None:
    """Give a row to every resource that was staged for the first time."""
    run_on(
        connection,
        series,
        """INSERT INTO resource (series_id, resource_id)
           SELECT :series, resource_id FROM (
               SELECT resource_id FROM stage_content WHERE series_id = :series
               UNION SELECT resource_id FROM stage_finding WHERE series_id = :series) staged
           WHERE NOT EXISTS (SELECT 1 FROM resource r
               WHERE r.series_id = :series AND r.resource_id = staged.resource_id)""",
    )


def apply_content(connection: sa.Connection, series: int, pk: int, complete: bool) -> int:
    """Close what changed, and what is gone if the list was complete; open what is new.

    Returns:
        how many resources appeared, changed or went.
    """
    run_on(
        connection,
        series,
        """UPDATE content SET closed = :pk WHERE id IN (
               SELECT c.id FROM resource r
               JOIN content c ON c.resource_pk = r.id AND c.closed IS NULL
               JOIN stage_content s ON s.series_id = :series AND s.resource_id = r.resource_id
               WHERE r.series_id = :series AND s.hash <> c.hash)""",
        pk=pk,
    )
    gone = 0
    if complete:
        gone = run_on(
            connection,
            series,
            """UPDATE content SET closed = :pk WHERE id IN (
                   SELECT c.id FROM resource r
                   JOIN content c ON c.resource_pk = r.id AND c.closed IS NULL
                   LEFT JOIN stage_content s ON s.series_id = :series AND s.resource_id = r.resource_id
                   WHERE r.series_id = :series AND s.resource_id IS NULL)""",
            pk=pk,
        )
    opened = run_on(
        connection,
        series,
        """INSERT INTO content (resource_pk, name, region, hash, opened)
           SELECT r.id, s.name, s.region, s.hash, :pk FROM stage_content s
           JOIN resource r ON r.series_id = :series AND r.resource_id = s.resource_id
           LEFT JOIN content c ON c.resource_pk = r.id AND c.closed IS NULL
           WHERE s.series_id = :series AND c.id IS NULL""",
        pk=pk,
    )
    return gone + opened


def apply_findings(
    connection: sa.Connection,
    series: int,
    pk: int,
    check_pks: dict[tuple[str, str], int],
    unjudged_stay: bool,
) -> int:
    """Close findings that changed, whose resource is gone, or whose check no longer applies; open new ones.

    Args:
        check_pks: the checks that apply now.
        unjudged_stay: findings without a document that were not judged now still hold.

    Returns:
        how many findings appeared, changed or went.
    """
    current = ", ".join(str(check_pk) for check_pk in check_pks.values()) or "-1"
    # Looked up while the rows are still open: only open ones have an index.
    run_on(
        connection,
        series,
        """UPDATE stage_finding SET since = (
               SELECT f.since FROM resource r
               JOIN finding f ON f.resource_pk = r.id AND f.check_id = stage_finding.check_id
                    AND f.closed IS NULL
               WHERE r.series_id = :series AND r.resource_id = stage_finding.resource_id
                 AND f.outcome = stage_finding.outcome)
           WHERE series_id = :series""",
    )
    run_on(
        connection,
        series,
        """UPDATE finding SET closed = :pk WHERE id IN (
               SELECT f.id FROM stage_finding s
               JOIN resource r ON r.series_id = :series AND r.resource_id = s.resource_id
               JOIN finding f ON f.resource_pk = r.id AND f.check_id = s.check_id AND f.closed IS NULL
               WHERE s.series_id = :series AND (
                    s.check_pk <> f.check_pk OR s.outcome <> f.outcome OR s.reason <> f.reason
                    OR s.observed <> f.observed
                    OR coalesce(s.document, '') <> coalesce(f.document, '')))""",
        pk=pk,
    )
    gone = run_on(
        connection,
        series,
        f"""UPDATE finding SET closed = :pk WHERE id IN (
               SELECT f.id FROM resource r
               JOIN finding f ON f.resource_pk = r.id AND f.closed IS NULL
               LEFT JOIN content c ON c.resource_pk = r.id AND c.closed IS NULL
               LEFT JOIN stage_finding s ON s.series_id = :series
                    AND s.resource_id = r.resource_id AND s.check_id = f.check_id
               WHERE r.series_id = :series AND s.check_id IS NULL
                    AND (f.check_pk NOT IN ({current}) OR (c.id IS NULL AND NOT :stay)))""",
        pk=pk,
        stay=unjudged_stay,
    )
    opened = run_on(
        connection,
        series,
        """INSERT INTO finding (resource_pk, check_id, check_pk, outcome, reason, observed, document,
                                since, opened)
           SELECT r.id, s.check_id, s.check_pk, s.outcome, s.reason, s.observed, s.document,
                  coalesce(s.since, :pk), :pk
           FROM stage_finding s
           JOIN resource r ON r.series_id = :series AND r.resource_id = s.resource_id
           LEFT JOIN finding f ON f.resource_pk = r.id AND f.check_id = s.check_id AND f.closed IS NULL
           WHERE s.series_id = :series AND f.id IS NULL""",
        pk=pk,
    )
    return gone + opened


def open_findings(connection: sa.Connection, series_pk: int) -> Iterator[list[str]]:
    """Yield the open findings of a series as they enter its findings root, in order."""
    rows = connection.execute(
        sa.text(
            """SELECT r.resource_id, f.check_id, k.digest, f.outcome, f.document, f.observed, f.reason
               FROM resource r JOIN finding f ON f.resource_pk = r.id AND f.closed IS NULL
               JOIN check_applied k ON k.id = f.check_pk
               WHERE r.series_id = :series ORDER BY r.resource_id, f.check_id"""
        ),
        {"series": series_pk},
    )
    for some in rows.partitions(_AT_ONCE):
        for resource_id, check_id, applied, outcome, document, observed, reason in some:
            decided = decided_digest(observed, reason)
            yield finding_leaf(resource_id, check_id, applied, outcome, document, decided)


def finding_leaf(
    resource_id: str,
    check_id: str,
    check_digest: bytes,
    outcome: str,
    document: bytes | None,
    decided: str,
) -> list[str]:
    """Return one finding as it enters a findings root.

    Args:
        decided: see :func:`decided_digest`.
    """
    return [resource_id, check_id, check_digest.hex(), outcome, document.hex() if document else "", decided]


@lru_cache(_REMEMBERED)
def decided_digest(observed: str, reason: str) -> str:
    """Return the digest that stands in a finding's leaf for what decided it."""
    return digest({"observed": orjson.loads(observed), "reason": reason})
