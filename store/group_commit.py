"""Waiting for the disk once for many collections, and not for each of thousands by itself.

In WAL mode SQLite writes transactions one after the other into one file. With ``synchronous=NORMAL`` a
commit does not wait for the disk, and the next one with ``FULL`` makes all before it durable too
(https://sqlite.org/pragma.html#pragma_synchronous). A process that is killed loses nothing either way; when
the power goes, the log ends earlier, by less than :data:`INTERVAL_S` of a run that was not finished.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import sqlalchemy as sa

INTERVAL_S = 0.25


class GroupCommit:
    """Says which commits of one connection wait for the disk: outside of :meth:`run`, all do."""

    def __init__(self, engine: sa.Engine, clock: Callable[[], float] = time.monotonic) -> None:
        self._engine = engine
        self._clock = clock
        self._running = False
        self._durable_at = 0.0

    @contextmanager
    def run(self) -> Iterator[None]:
        """Group the commits of a run; the first one after it makes all of them durable."""
        self._running = True
        self._durable_at = self._clock()
        self._wait(False)
        try:
            yield
        finally:
            self._running = False
            self._wait(True)

    @contextmanager
    def acknowledging(self) -> Iterator[None]:
        """Make the commit within wait for the disk if none has for a while."""
        due = self._running and self._clock() - self._durable_at >= INTERVAL_S
        if due:
            self._wait(True)
        try:
            yield
        finally:
            if due:
                self._durable_at = self._clock()
                self._wait(False)

    def _wait(self, wait: bool) -> None:
        # On the driver's connection: within a transaction, which the engine would begin, it has no effect.
        connection = self._engine.raw_connection()
        try:
            connection.cursor().execute(f"pragma synchronous={'full' if wait else 'normal'}")
        finally:
            connection.close()
