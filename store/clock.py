"""The host's clock held against the log: nothing is written by a clock that has jumped back.

Small steps back are usual, as where NTP corrects a clock; and what threads of one run write need not
be in the order of their clocks. So only a jump of more than a tolerance counts.
"""

import datetime as dt

import orjson
import sqlalchemy as sa

from store import log
from store.blobs import Blobs
from store.errors import StoreError
from store.schema import collection
from store.schema import log as log_table

CLOCK = "clock"
TOLERANCE = dt.timedelta(minutes=2)
_LAST_ENTRIES = 64


def newest(connection: sa.Connection, blobs: Blobs) -> str:
    """Return the latest moment that the log's last entries state, or "" for an empty log.

    Where somebody accepted another clock, only what was logged since counts.

    Raises:
        StoreError: an entry is damaged.
    """
    rows = connection.execute(
        sa.select(log_table, collection.c.finished)
        .outerjoin(collection, collection.c.seq == log_table.c.seq)
        .order_by(log_table.c.seq.desc())
        .limit(_LAST_ENTRIES)
    ).all()
    found = ""
    for row in rows:
        try:
            if row.entry is None:
                at = row.finished or ""
            else:
                at = orjson.loads(blobs.decompress(connection, row.dictionary_id, row.entry)).get("at", "")
        except ValueError as error:
            raise StoreError(f"log entry {row.seq} is damaged: {error}", "Run `annexa verify`.") from error
        found = max(found, at)
        if row.kind == CLOCK:
            break
    return found


def behind(connection: sa.Connection, blobs: Blobs, at: str) -> str:
    """Return the moment that a clock has fallen behind by more than the tolerance, or "".

    Args:
        at: what the clock says, RFC 3339 in UTC.
    """
    latest = newest(connection, blobs)
    if not latest:
        return ""
    return latest if dt.datetime.fromisoformat(latest) - dt.datetime.fromisoformat(at) > TOLERANCE else ""


def must_not_be_behind(connection: sa.Connection, blobs: Blobs, at: str) -> None:
    """Refuse to write by a clock that has jumped back.

    Raises:
        StoreError: it is behind the log by more than the tolerance.
    """
    latest = behind(connection, blobs, at)
    if latest:
        raise StoreError(
            f"this host's clock says {at}, but the record goes up to {latest}: nothing was written",
            "Set the clock right. If the clock is right now and was ahead before, run "
            "`annexa checkpoint accept-clock --reason TEXT --by NAME`, which leaves a trace in the log.",
        )


def accept(connection: sa.Connection, blobs: Blobs, at: str, reason: str, by: str) -> int:
    """Log that the clock is right although the log is ahead of it; from here on times begin anew.

    Returns:
        the entry.

    Raises:
        StoreError: the clock is not behind the log.
    """
    latest = behind(connection, blobs, at)
    if not latest:
        raise StoreError(
            "this host's clock is not behind the record", "There is nothing to accept; go on as usual."
        )
    body = {"at": at, "before": latest, "reason": reason, "by": by}
    return log.append(connection, blobs, CLOCK, body)
