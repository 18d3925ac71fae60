"""A history of runs, and a bench on which it is changed, verified and put back."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from store.blobs import Blobs
from store.model import Gap, Scope
from store.record import DATABASE, Record
from store.verification.examination import Examination
from store.verify import Demands, Problem, verify
from tests.store.conftest import DENIED, LIST_DENIED, PRIVATE, Clock, Play

PUBLIC = {"public": True}
CLOSED = {"public": False}
OTHER = Scope("aws", "222233334444", "test")
NAMED = ("aws.s3.bucket.named", 1)
THROTTLED = Gap("s3:GetBucketAcl", "Throttling", "slow down", "2026-01-01T00:00:00.000Z", "b", "acl")

WITHOUT_MEANING = {
    ("run", "id"),
    ("check_applied", "id"),
    ("content", "id"),
    ("finding", "id"),
    ("timestamp", "id"),
    ("log_state", "id"),
}
"""Numbers that only tell rows apart, where nothing refers to them."""


def write_history(folder: Path) -> None:
    """Runs with everything in them: changes, departures, gaps, two scopes, a crash, a dictionary."""
    with Record.writer(folder, Clock()) as record:
        play = Play(record)
        both = (PRIVATE, NAMED)
        play.run(
            {"a": CLOSED, "b": PUBLIC, "c": DENIED}, checks=both, gaps=(replace(THROTTLED, resource_id="c"),)
        )
        play.run({"b": CLOSED}, complete=False, checks=both, gaps=(LIST_DENIED, THROTTLED))
        play.run({"b": CLOSED, "d": PUBLIC}, checks=both)
        play.run({"b": CLOSED, "d": PUBLIC}, checks=((PRIVATE[0], 2), NAMED))
        play.run({"a": CLOSED}, scope=OTHER, region="eu-north-1")
        play.run({f"many-{n}": {"n": n} for n in range(260)}, kind="aws.sqs.queue", checks=())
        play.run({"b": {"public": False, "n": 1}, "d": PUBLIC})
        play.begin(checks=(("aws.s3.bucket.unused", 1), PRIVATE))
    with Record.writer(folder, Clock()):
        pass


class _FoundError(Exception):
    pass


class Bench:
    """The history in memory, where a change is made, verified and taken back."""

    def __init__(self, folder: Path) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        with closing(sqlite3.connect(folder / DATABASE)) as source:
            source.backup(self.connection)
        pool = sa.pool.StaticPool
        self.record = Record(
            folder, sa.create_engine("sqlite://", creator=lambda: self.connection, poolclass=pool)
        )
        # The first connection makes SQLAlchemy look around, which ends in a rollback.
        assert verify(self.record).ok

    def all(self, query: str) -> list[Any]:
        return self.connection.execute(query).fetchall()

    def plain(self, dictionary_id: int | None, data: bytes) -> bytes | None:
        """Return what a compressed value says, or None if it says nothing."""
        with self.record.engine.connect() as connection:
            try:
                return Blobs().decompress(connection, dictionary_id, data)
            except ValueError:
                return None

    def after(self, *edits: tuple[str, Any]) -> list[Problem]:
        """Make the edits behind Annexa's back and return the problems that are found.

        Raises:
            sqlite3.IntegrityError: the table's own constraints refuse an edit.
        """
        with self._edited(edits):
            return verify(self.record).problems

    def first_after(self, *edits: tuple[str, Any], demands: Demands | None = None) -> str:
        """Return the first problem that is found after the edits, or an empty text."""

        def stop(_: Examination, where: str, message: str) -> None:
            raise _FoundError(f"{where}: {message}")

        with self._edited(edits), pytest.MonkeyPatch.context() as patch:
            patch.setattr(Examination, "problem", stop)
            try:
                verify(self.record, demands)
            except _FoundError as found:
                return str(found)
        return ""

    @contextmanager
    def _edited(self, edits: Iterable[tuple[str, Any]]) -> Iterator[None]:
        self.connection.execute("BEGIN")
        try:
            for statement, values in edits:
                assert self.connection.execute(statement, values).rowcount != 0, (
                    f"changes nothing: {statement}"
                )
            self.record.blobs = Blobs()
            yield
        finally:
            if self.connection.in_transaction:
                self.connection.rollback()

    def named_after(self, *statements: str) -> str:
        found = self.after(*((statement, ()) for statement in statements))
        return "\n".join(f"{problem.where}: {problem.message}" for problem in found)


def problems(folder: Path) -> list[Problem]:
    with Record.open(folder) as record:
        return verify(record).problems


def named(folder: Path) -> str:
    return "\n".join(f"{problem.where}: {problem.message}" for problem in problems(folder))
