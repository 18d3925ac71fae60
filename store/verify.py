"""Verification: recompute every hash and root from what the store holds, and name what is wrong."""

import sqlalchemy as sa

from store.record import Record
from store.schema import timestamp
from store.verification.collections import check_blobs, check_collections
from store.verification.demands import Demands, Held
from store.verification.examination import Examination, Problem, Verification
from store.verification.file import check_file
from store.verification.held import check_held, read_held
from store.verification.intervals import check_series
from store.verification.log import check_applied, check_checkpoints, check_log, check_runs, check_scopes
from store.verification.retention import check_retention
from store.verification.signatures import check_signatures
from store.verification.statements import check_statements

__all__ = ["Demands", "Held", "Problem", "Verification", "verify"]


def _check_timestamps(x: Examination) -> None:
    if x.connection.execute(sa.select(timestamp.c.id).limit(1)).first() or any(x.bodies("timestamp")):
        # The library that it takes is loaded only where there are timestamps.
        from store.verification.timestamps import check_timestamps

        check_timestamps(x)


_STEPS = (
    check_file,
    read_held,
    check_log,
    check_checkpoints,
    check_signatures,
    check_held,
    _check_timestamps,
    check_runs,
    check_applied,
    check_scopes,
    check_retention,
    check_statements,
    check_collections,
    check_blobs,
    check_series,
)


def verify(record: Record, demands: Demands | None = None) -> Verification:
    """Verify a whole record.

    Args:
        demands: what it is held against from outside; without them only the store speaks for itself.

    Nothing is taken from the store that is not recomputed: rows and entries give the leaves of
    the log, leaves give its root, intervals give the roots that collections were logged with,
    blobs give their own names.
    """
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        examination = Examination(record=record, connection=connection, demands=demands or Demands())
        for step in _STEPS:
            try:
                with examination.at("store"):
                    step(examination)
            except sa.exc.DBAPIError as error:
                examination.problem("database", str(error.orig))
    return examination.result
