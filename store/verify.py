"""Verification: recompute every hash and root from what the store holds, and name what is wrong."""

import sqlalchemy as sa

from store.record import Record
from store.verification.collections import check_blobs, check_collections
from store.verification.examination import Examination, Problem, Verification
from store.verification.file import check_file
from store.verification.intervals import check_series
from store.verification.log import check_applied, check_log, check_runs, check_scopes

__all__ = ["Problem", "Verification", "verify"]

_STEPS = (
    check_file,
    check_log,
    check_runs,
    check_applied,
    check_scopes,
    check_collections,
    check_blobs,
    check_series,
)


def verify(record: Record) -> Verification:
    """Verify a whole record.

    Nothing is taken from the store that is not recomputed: rows and entries give the leaves of
    the log, leaves give its root, intervals give the roots that collections were logged with,
    blobs give their own names.
    """
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        examination = Examination(record, connection)
        for step in _STEPS:
            try:
                with examination.at("store"):
                    step(examination)
            except sa.exc.DBAPIError as error:
                examination.problem("database", str(error.orig))
    return examination.result
