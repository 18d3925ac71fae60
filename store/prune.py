"""Letting go of payloads that policy no longer keeps: one transaction, one entry in the log, then the bytes.

Hashes, ids, intervals, manifests, checks as applied, entries, checkpoints and timestamps stay, and so does
everything that the present rests on. What goes is what ended before a moment: documents with the names of
their resources, reports, what decided findings, and statements with their files.
"""

import datetime as dt
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field

import orjson
import sqlalchemy as sa

from store import clock, log, statements
from store.checkpoints import on_demand
from store.errors import StoreError
from store.instant import rfc3339
from store.intervals import decided_digest
from store.record import Record
from store.retention import PRUNE, last_to_see, removed_root
from store.schema import blob, collection, tombstone
from store.statement import Filed, Hold, State

SHORTEST = dt.timedelta(days=1)
"""What ended less long ago cannot be let go: whoever means that means something else."""

_CHUNK = 500

Progress = Callable[[str], None]

# Each row names a payload, what it is, and when the need for it ended; null where it has not. One that
# is needed for several reasons goes when the last of them has ended.
_NEEDS = """
SELECT c.hash AS hash, 'document' AS what, e.finished AS ended
FROM content c LEFT JOIN collection e ON e.id = c.closed
UNION ALL
SELECT s.report, 'report', iif(n.id IN (SELECT value FROM json_each(:seeing)), NULL, n.next)
FROM (SELECT id, state_id, lead(finished) OVER (PARTITION BY series_id ORDER BY id) AS next
      FROM collection) n
JOIN collection_state s ON s.id = n.state_id
UNION ALL SELECT manifest, 'manifest', NULL FROM collection_state WHERE manifest IS NOT NULL
UNION ALL SELECT digest, 'check', NULL FROM check_applied
"""

_ENDED = f"""
SELECT n.hash, min(n.what) AS what FROM ({_NEEDS}) n JOIN blob b ON b.hash = n.hash
GROUP BY n.hash HAVING count(*) = count(n.ended) AND max(n.ended) < :before
"""

_DECIDED = """
SELECT f.id, f.resource_pk, f.observed, f.reason FROM finding f JOIN collection c ON c.id = f.closed
WHERE c.finished < :before AND f.decided IS NULL AND NOT (f.observed = '{}' AND f.reason = '')
"""

_NAMELESS = sa.text(
    """UPDATE content SET name = (SELECT resource_id FROM resource r WHERE r.id = content.resource_pk)
       WHERE closed IS NOT NULL AND EXISTS (SELECT 1 FROM tombstone t WHERE t.hash = content.hash)
         AND NOT EXISTS (SELECT 1 FROM blob b WHERE b.hash = content.hash)"""
)


@dataclass(slots=True)
class Pruned:
    """What was let go, or would be.

    Attributes:
        entry: the entry in the log, or None where nothing was let go.
        findings: those of which what decided them went; their outcomes stay.
        removed: how many payloads the entry accounts for: findings may share what decided them.
        notices: what could not be done yet of removing the bytes.
    """

    before: str
    entry: int | None = None
    documents: int = 0
    reports: int = 0
    findings: int = 0
    statements: int = 0
    files: int = 0
    removed: int = 0
    notices: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Only:
    """What alone may go, however young it is: what holds one person, say.

    Attributes:
        documents: hashes of documents; one that anything current needs stays all the same.
        resources: rows of resources; what decided their findings, where those have ended, goes too.
    """

    documents: frozenset[bytes]
    resources: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Selection:
    """What is to go.

    Attributes:
        findings: row → digest of what decided it.
        files: SHA-256 in hexadecimal.
    """

    documents: frozenset[bytes]
    reports: frozenset[bytes]
    findings: dict[int, bytes]
    statements: frozenset[bytes]
    files: frozenset[str]

    @property
    def blobs(self) -> frozenset[bytes]:
        return self.documents | self.reports | self.statements

    @property
    def hashes(self) -> frozenset[bytes]:
        return self.blobs | set(self.findings.values()) | {bytes.fromhex(file) for file in self.files}


def prune(
    record: Record,
    before: str,
    reason: str,
    by: str,
    *,
    dry_run: bool = False,
    only: Only | None = None,
    progress: Progress = lambda stage: None,
) -> Pruned:
    """Let go of what ended before a moment.

    Args:
        record: open for writing.
        before: RFC 3339 in UTC with milliseconds.
        by: who answers for it.
        dry_run: only say what would go.
        only: what alone may go; it need not be old.
        progress: told what is being done.

    Raises:
        StoreError: a hold is in force, the moment is too young, or the entry cannot be signed. Nothing
            was let go then.
    """
    at = rfc3339(record.clock())
    progress("looking for what can go")
    with record.engine.begin() as connection:
        filed = statements.read(connection, record.blobs)
        latest = _latest(record, connection)
        _must_be_free(filed, latest)
        if only is None:
            _must_be_old(before, latest)
        _must_agree_with_providers(connection)
        selection = _select(record, connection, before, filed, only)
        done = Pruned(
            before,
            documents=len(selection.documents),
            reports=len(selection.reports),
            findings=len(selection.findings),
            statements=len(selection.statements),
            files=len(selection.files),
            removed=len(selection.hashes),
        )
        if dry_run:
            return done
        if selection.hashes:
            connection.exec_driver_sql("PRAGMA secure_delete = on")
            body = {
                "at": at,
                "by": by,
                "reason": reason,
                "before": before,
                "removed": done.removed,
                "root": removed_root(selection.hashes).hex(),
            }
            done.entry = log.append(connection, record.blobs, PRUNE, body)
            _remove(record, connection, selection, done.entry, at, progress)
            if record.sealing is not None:
                on_demand(connection, record.blobs, record.sealing, at)
    with record.engine.begin() as connection:
        statements.remove_pruned_files(connection, record.blobs, record.path)
    progress("giving back the space")
    done.notices += _erase(record)
    return done


def cutoff(record: Record, keep: dt.timedelta) -> str:
    """Return the moment that lies an age before the present, RFC 3339 in UTC.

    The present is the clock's, or the newest moment that the record states where that is earlier: a
    clock that has jumped ahead must not let go of everything.

    Raises:
        StoreError: the age goes back beyond the calendar.
    """
    with record.engine.connect() as connection:
        latest = _latest(record, connection)
    try:
        return rfc3339(dt.datetime.fromisoformat(latest) - keep)
    except OverflowError as error:
        raise StoreError("so long ago there was no calendar", "Give a shorter age.") from error


def holds(filed: Iterable[Filed], at: str) -> list[Filed]:
    """Return the holds that stand in the way of pruning at a moment: those that have not ended.

    Args:
        at: the present as :func:`cutoff` takes it: a clock that has jumped ahead must not end a hold.
    """
    ended = (State.EXPIRED, State.WITHDRAWN, State.PRUNED)
    return [one for one in filed if one.kind == Hold.KIND and one.state(at) not in ended]


def _must_be_free(filed: Iterable[Filed], at: str) -> None:
    standing = holds(filed, at)
    if standing:
        named = "; ".join(_named(one) for one in standing)
        raise StoreError(
            f"nothing is pruned while a hold is in force: {named}; the record goes up to {at}",
            "Whoever placed it can end it with `annexa hold release`; `annexa hold list` shows holds.",
        )


def _named(hold: Filed) -> str:
    assert isinstance(hold.statement, Hold)
    until = f", until {hold.statement.valid_until}" if hold.statement.valid_until else ""
    return f"hold {hold.entry} by {hold.statement.approver}{until}: {hold.statement.reason}"


def _latest(record: Record, connection: sa.Connection) -> str:
    return min(rfc3339(record.clock()), clock.newest(connection, record.blobs))


def _must_agree_with_providers(connection: sa.Connection) -> None:
    query = sa.select(collection.c.skew_ms).where(collection.c.skew_ms.is_not(None))
    skew_ms = connection.execute(query.order_by(collection.c.id.desc()).limit(1)).scalar() or 0
    if abs(skew_ms) > SHORTEST / dt.timedelta(milliseconds=1):
        raise StoreError(
            f"the newest collection found this host's clock {abs(skew_ms) / 86_400_000:.1f} days off its "
            "provider's: ages cannot be told",
            "Set the clock right, and collect again.",
        )


def _must_be_old(before: str, latest: str) -> None:
    limit = rfc3339(dt.datetime.fromisoformat(latest) - SHORTEST)
    if before > limit:
        raise StoreError(
            f"what ended before {before} is too young to be pruned; the record goes up to {latest}",
            f"Prune what ended before {limit} or earlier.",
        )


def _select(
    record: Record, connection: sa.Connection, before: str, filed: list[Filed], only: Only | None
) -> _Selection:
    def read(key: bytes) -> object:
        return orjson.loads(record.blobs.get(connection, key))

    seeing = orjson.dumps(sorted(last_to_see(connection, read))).decode()
    found: dict[str, set[bytes]] = {"document": set(), "report": set()}
    for row in connection.execute(sa.text(_ENDED), {"seeing": seeing, "before": before}):
        found[row.what].add(row.hash)
    ended = {one.entry for one in filed if one.statement is not None and "" < one.ended < before}
    brought = {file for one in filed if one.entry in ended for file in statements.files_of(one)}
    still = {file for one in filed if one.entry not in ended for file in statements.files_of(one)}
    digests: dict[tuple[str, str], bytes] = {}
    findings = {}
    for row in connection.execute(sa.text(_DECIDED), {"before": before}):
        if only is not None and row.resource_pk not in only.resources:
            continue
        decided = row.observed, row.reason
        if decided not in digests:
            digests[decided] = bytes.fromhex(decided_digest(*decided))
        findings[row.id] = digests[decided]
    if only is not None:
        none: frozenset[bytes] = frozenset()
        return _Selection(only.documents & found["document"], none, findings, none, frozenset())
    return _Selection(
        frozenset(found["document"]),
        frozenset(found["report"]),
        findings,
        frozenset(bytes.fromhex(one.digest) for one in filed if one.entry in ended),
        frozenset(brought - still),
    )


def _remove(
    record: Record,
    connection: sa.Connection,
    selection: _Selection,
    entry: int,
    at: str,
    progress: Progress,
) -> None:
    gone = sorted(selection.hashes)
    progress(f"removing {len(gone)} payloads")
    connection.execute(tombstone.insert(), [{"hash": key, "seq": entry} for key in gone])
    blobs = sorted(selection.blobs)
    for i in range(0, len(blobs), _CHUNK):
        connection.execute(blob.delete().where(blob.c.hash.in_(blobs[i : i + _CHUNK])))
    # No proof needs the name, as it is part of the document only; an id is part of what the log proves.
    connection.execute(_NAMELESS)
    if selection.findings:
        connection.exec_driver_sql(
            "UPDATE finding SET observed = NULL, reason = NULL, decided = ? WHERE id = ?",
            [(digest, pk) for pk, digest in selection.findings.items()],
        )
    if record.blobs.retrain(connection, lambda done, of: progress(f"compressing anew: {done} of {of}")):
        log.name_dictionary(connection, record.blobs, at)


def _erase(record: Record) -> list[str]:
    """Rewrite the file without what was removed; returns what stood in the way."""
    notices = []
    with closing(record.engine.raw_connection()) as connection:
        cursor = connection.cursor()
        try:
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            cursor.execute("VACUUM")
        except sqlite3.Error as error:
            notices.append(
                f"the file could not be rewritten ({error}): what was removed is overwritten, but its "
                "space is not free, and older copies of it may be left; make room and prune again"
            )
        busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if busy:
            notices.append(
                "somebody is reading the store: what was removed is left in record.db-wal until they are "
                "done; prune again then"
            )
    return notices
