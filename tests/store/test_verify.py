"""Whatever is changed behind Annexa's back is found and named."""

import contextlib
import io
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.blobs import Blobs
from store.database import engine_for
from store.errors import StoreError
from store.model import Gap, Scope
from store.record import DATABASE, Record
from store.schema import metadata
from store.statement import Attestation, Exclusion, Hold, Waiver, Withdrawal
from store.tree import Frontier, leaf_hash
from store.verify import Problem, verify
from tests.store.conftest import DENIED, LIST_DENIED, PRIVATE, Clock, Play

PUBLIC = {"public": True}
CLOSED = {"public": False}
OTHER = Scope("aws", "222233334444", "test")
NAMED = ("aws.s3.bucket.named", 1)
THROTTLED = Gap("s3:GetBucketAcl", "Throttling", "slow down", "2026-01-01T00:00:00.000Z", "b", "acl")

TABLES = {
    "run",
    "scope",
    "series",
    "resource",
    "collection",
    "collection_state",
    "content",
    "check_applied",
    "finding",
    "blob",
    "dictionary",
    "log",
    "log_state",
    "checkpoint",
    "meta",
}
EMPTY = {"timestamp", "tombstone"}
"""Nothing is written to them here."""

WITHOUT_MEANING = {
    ("run", "id"),
    ("check_applied", "id"),
    ("content", "id"),
    ("finding", "id"),
    ("log_state", "id"),
    ("checkpoint", "note"),
}
"""Numbers that only tell rows apart where nothing refers to them, and a field not in use yet."""


def state_all(record: Record) -> None:
    """File one statement of each kind, and withdraw one."""
    file = record.attach(io.BytesIO(b"minutes of the meeting"), "minutes.txt", "text/plain")
    for statement in (
        Attestation("5.1", "Ada", "It is met.", "2026-01-01", "2026-12-31", (file,)),
        Waiver(PRIVATE[0], "", "", "b", "On purpose.", "Grace", "2026-01-01", "2026-12-31"),
        Hold("A dispute.", "Grace", "2026-01-01"),
    ):
        record.file(statement, "root@host")
    excluded = record.file(Exclusion("7.4", "There are no premises.", "Grace", "2026-01-01"), "root@host")
    record.file(Withdrawal(excluded.entry, "There are now.", "Ada"), "root@host")


def write_history(folder: Path) -> None:
    """Runs with all there is: changes, departures, gaps, two scopes, statements, a crash, a dictionary."""
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
        state_all(record)
        play.begin(checks=(("aws.s3.bucket.unused", 1), PRIVATE))
    with Record.writer(folder, Clock()):
        pass


@pytest.fixture(scope="module")
def history(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history") / "store"
    shutil.copytree(empty_store, folder)
    write_history(folder)
    return folder


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
        self.connection.execute("BEGIN")
        try:
            for statement, values in edits:
                assert self.connection.execute(statement, values).rowcount != 0, (
                    f"changes nothing: {statement}"
                )
            self.record.blobs = Blobs()
            return verify(self.record).problems
        finally:
            if self.connection.in_transaction:
                self.connection.rollback()

    def named_after(self, *statements: str) -> str:
        found = self.after(*((statement, ()) for statement in statements))
        return "\n".join(f"{problem.where}: {problem.message}" for problem in found)


@pytest.fixture(scope="module")
def bench(history: Path) -> Bench:
    return Bench(history)


@pytest.fixture
def folder(history: Path, tmp_path: Path) -> Path:
    """A copy of the history, closed, to tamper with."""
    return Path(shutil.copytree(history, tmp_path / "store"))


def problems(folder: Path) -> list[Problem]:
    with Record.open(folder) as record:
        return verify(record).problems


def named(folder: Path) -> str:
    return "\n".join(f"{problem.where}: {problem.message}" for problem in problems(folder))


def test_a_store_that_nobody_touched_verifies(folder: Path) -> None:
    with Record.open(folder) as record:
        found = verify(record)
    assert (found.ok, found.problems) == (True, [])
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        assert found.size == connection.execute("SELECT count(*) FROM log").fetchone()[0]
        size, root = connection.execute("SELECT size, root FROM checkpoint ORDER BY size DESC").fetchone()
    assert size < found.size
    assert found.root != root.hex(), "the interruption was logged after the last checkpoint"


def test_the_history_has_rows_in_every_table_that_holds_evidence(bench: Bench) -> None:
    filled = {name for name in metadata.tables if bench.all(f"SELECT 1 FROM {name} LIMIT 1")}
    assert filled == TABLES
    assert metadata.tables.keys() - TABLES == EMPTY


def test_an_empty_store_verifies(empty_store: Path) -> None:
    assert problems(empty_store) == []


def test_a_run_that_is_still_going_on_verifies(record: Record) -> None:
    play = Play(record, runs=100)
    uid, run_id, keys = play.begin()
    play.collect(uid, run_id, keys, {"a": CLOSED})
    assert verify(record).problems == []


# One change each, and the name it is found by.

EDITS = {
    "a verdict is turned into a pass": (
        "UPDATE finding SET outcome = 'pass' WHERE outcome = 'fail' AND closed IS NULL",
        "its findings give another root",
    ),
    "a verdict of the past is turned into a pass": (
        "UPDATE finding SET outcome = 'pass' WHERE outcome = 'fail' AND closed IS NOT NULL",
        "its findings give another root",
    ),
    "what a finding observed is changed": (
        """UPDATE finding SET observed = '{"item":{"public":false}}' WHERE outcome = 'fail'""",
        "its findings give another root",
    ),
    "what a finding observed is written otherwise": (
        """UPDATE finding SET observed = ' ' || observed WHERE outcome = 'fail'""",
        "what was observed is not written as it was",
    ),
    "a reason is changed": (
        "UPDATE finding SET reason = 'nothing to see' WHERE outcome = 'unknown'",
        "its findings give another root",
    ),
    "a finding names another document": (
        "UPDATE finding SET document = (SELECT hash FROM content LIMIT 1) WHERE outcome = 'fail'",
        "its findings give another root",
    ),
    "a finding names another check": (
        "UPDATE finding SET check_pk = 3 WHERE check_pk = 1",
        "its findings give another root",
    ),
    "a failure is said to be younger than it is": (
        "UPDATE finding SET since = opened WHERE since <> opened",
        "since when it holds is not what its history says",
    ),
    "a finding is dropped": ("DELETE FROM finding WHERE outcome = 'fail'", "its findings give another root"),
    "a document is put in another's place": (
        "UPDATE content SET hash = (SELECT hash FROM content WHERE id = 1) WHERE id = 2",
        "resource b: its document is of another resource",
    ),
    "a resource gets another name": (
        "UPDATE content SET name = 'innocent' WHERE id = 2",
        "resource b: its document is of another resource",
    ),
    "a resource gets another region": (
        "UPDATE content SET region = 'us-east-1' WHERE id = 2",
        "resource b: its document is of another resource",
    ),
    "a version is dropped": ("DELETE FROM content WHERE id = 2", "its resources give another root"),
    "a resource is said to be gone": (
        "UPDATE content SET closed = 4 WHERE resource_pk = 5 AND closed IS NULL",
        "its resources give another root",
    ),
    "a resource is said to be gone since an incomplete collection": (
        "UPDATE content SET closed = 2 WHERE id = 1",
        "resource a: is gone since collection 2",
    ),
    "a resource is said to be there since an incomplete collection": (
        "UPDATE content SET opened = 2 WHERE resource_pk = 5 AND opened = 3",
        "which did not see it",
    ),
    "an interval is bounded by a collection of another scope": (
        "UPDATE content SET opened = 5 WHERE id = 1",
        "its interval is not bounded by collections of aws.s3.bucket",
    ),
    "a resource gets another identifier": (
        "UPDATE resource SET resource_id = 'z' WHERE resource_id = 'b'",
        "resource z: its document is of another resource",
    ),
    "a resource is moved to another series": (
        "UPDATE resource SET series_id = 3 WHERE resource_id = 'd'",
        "its resources give another root",
    ),
    "a resource is invented": (
        "INSERT INTO resource (series_id, resource_id) VALUES (1, 'z')",
        "resource z: has neither content nor findings",
    ),
    "an incomplete collection is called complete": (
        "UPDATE collection_state SET complete = 1 WHERE complete = 0",
        "is not as it was logged in entry",
    ),
    "a collection is moved to another run": (
        "UPDATE collection SET run_id = 3 WHERE id = 2",
        "is not as it was logged in entry",
    ),
    "a collection is dated back": (
        "UPDATE collection SET finished = '2025-01-01T00:00:00.000Z' WHERE id = 1",
        "is not as it was logged in entry",
    ),
    "a collection is dropped": (
        "DELETE FROM collection WHERE id = 4",
        "the collection that it logged is gone",
    ),
    "the manifest of an incomplete collection is dropped": (
        "UPDATE collection_state SET manifest = NULL WHERE manifest IS NOT NULL",
        "is incomplete and does not say what it saw",
    ),
    "a scope is said to be another account": (
        "UPDATE scope SET external_id = '999900001111' WHERE id = 1",
        "is not as it was logged in entry",
    ),
    "a scope is said to be of another provider": (
        "UPDATE scope SET provider = 'gcp' WHERE id = 1",
        "is not as it was logged in entry",
    ),
    "a scope gets another name": (
        "UPDATE scope SET name = 'harmless' WHERE id = 1",
        "scope 111122223333: its name is not as it was logged",
    ),
    "a scope is invented": (
        "INSERT INTO scope (provider, external_id, name) VALUES ('aws', '333', 'x')",
        "scope 333: its name is not as it was logged",
    ),
    "a series is said to be of another type": (
        "UPDATE series SET resource_type = 'aws.ec2.volume' WHERE id = 1",
        "is not as it was logged in entry",
    ),
    "a series is said to be of another region": (
        "UPDATE series SET region = 'us-east-1' WHERE id = 1",
        "is not as it was logged in entry",
    ),
    "a series is invented": (
        "INSERT INTO series (scope_id, resource_type, region) VALUES (1, 'aws.x.y', '')",
        "series aws.x.y: has no collection",
    ),
    "gaps are denied": (
        "UPDATE collection_state SET gaps = 0 WHERE gaps > 0",
        "is not as it was logged in entry",
    ),
    "a report is exchanged for another": (
        """UPDATE collection_state SET report = (SELECT report FROM collection_state WHERE id = 1)
           WHERE id = 2""",
        "is not as it was logged in entry",
    ),
    "a collection gets the state of another": (
        "UPDATE collection SET state_id = 1 WHERE id = 3",
        "is not as it was logged in entry",
    ),
    "a state is invented": (
        """INSERT INTO collection_state (series_id, complete, resources, gaps, content_root, findings_root,
               checks, report) SELECT series_id, complete, resources, gaps, content_root, findings_root,
               checks, report FROM collection_state WHERE id = 1""",
        "is of no collection",
    ),
    "a leaf of a collection is changed": (
        "UPDATE log SET hash = zeroblob(32) WHERE seq = (SELECT seq FROM collection WHERE id = 2)",
        "is not as it was logged in entry",
    ),
    "a leaf of a kept entry is changed": (
        "UPDATE log SET hash = zeroblob(32) WHERE seq = 0",
        "log entry 0: has another leaf hash",
    ),
    "an entry is not kept": (
        "UPDATE log SET entry = NULL WHERE seq = 0",
        "log entry 0: must be kept",
    ),
    "a check gets another rule": (
        "UPDATE check_applied SET digest = (SELECT digest FROM check_applied WHERE id = 2) WHERE id = 1",
        f"check {PRIVATE[0]}: is not in the log as it is",
    ),
    "a check that decided nothing gets another name": (
        "UPDATE check_applied SET check_id = 'aws.x.y' WHERE check_id = 'aws.s3.bucket.unused'",
        "check aws.s3.bucket.unused: was logged, but its row is gone",
    ),
    "a check that decided nothing is dropped": (
        "DELETE FROM check_applied WHERE check_id = 'aws.s3.bucket.unused'",
        "check aws.s3.bucket.unused: was logged, but its row is gone",
    ),
    "a document is dropped": (
        "DELETE FROM blob WHERE hash = (SELECT hash FROM content WHERE id = 2)",
        "resource b: its blob",
    ),
    "a report is dropped": (
        """DELETE FROM blob WHERE hash = (SELECT report FROM collection
           JOIN collection_state x ON x.id = state_id WHERE collection.id = 2)""",
        "collection 2 (aws.s3.bucket in 111122223333 eu-west-1): its blob",
    ),
    "a rule is dropped": (
        "DELETE FROM blob WHERE hash = (SELECT digest FROM check_applied WHERE id = 1)",
        f"check {PRIVATE[0]}: its blob",
    ),
    "a document has the content of another": (
        "UPDATE blob SET data = (SELECT data FROM blob WHERE rowid = 4) WHERE rowid = 5",
        "its content has another hash",
    ),
    "a document is damaged": ("UPDATE blob SET data = x'00' WHERE rowid = 5", "is damaged"),
    "something stands behind a document": (
        "UPDATE blob SET data = CAST(data || x'00' AS BLOB) WHERE rowid = 5",
        "is damaged",
    ),
    "a document is text where bytes belong": (
        "UPDATE blob SET data = 'text' WHERE rowid = 5",
        "blob row 5: holds values of another kind: data",
    ),
    "the dictionary is dropped": ("DELETE FROM dictionary", "compression dictionary 1 is missing"),
    "the dictionary is damaged": ("UPDATE dictionary SET data = zeroblob(100)", "log entry 0: "),
    "the dictionary's head is damaged": (
        "UPDATE dictionary SET data = CAST(substr(data, 1, 12) || zeroblob(100) AS BLOB)",
        "log entry 0: ",
    ),
    "a dictionary is invented": (
        "INSERT INTO dictionary (data) VALUES (x'00')",
        "dictionary 2: nothing is compressed with it",
    ),
    "a run is dropped": ("DELETE FROM run WHERE id = 8", "run run-8: was logged, but its row is gone"),
    "a run is invented": (
        "INSERT INTO run (uid, started, status, trigger) VALUES ('run-9', '', 'running', 'x')",
        "run run-9: its start is not as it was logged",
    ),
    "a run is started by something else": (
        "UPDATE run SET trigger = 'schedule' WHERE id = 1",
        "run run-1: its start is not as it was logged",
    ),
    "an interrupted run is called complete": (
        "UPDATE run SET status = 'complete' WHERE status = 'interrupted'",
        "run run-8: its end is not as it was logged",
    ),
    "a run with gaps is called complete": (
        "UPDATE run SET status = 'complete' WHERE status = 'gaps'",
        "run run-2: its end is not as it was logged",
    ),
    "a run's summary is changed": (
        """UPDATE run SET summary = '{"resources":99}' WHERE id = 1""",
        "run run-1: its end is not as it was logged",
    ),
    "a run's summary is no JSON": ("UPDATE run SET summary = '{' WHERE id = 1", "run run-1: is malformed"),
    "runs change places": (
        "UPDATE run SET id = 99 WHERE id = 1",
        "its row is not in the order of the log",
    ),
    "the last entry is dropped": (
        "DELETE FROM log WHERE seq = (SELECT max(seq) FROM log)",
        "log state: says ",
    ),
    "an entry in the middle is dropped": ("DELETE FROM log WHERE seq = 5", "log entry 5: is missing"),
    "the first entry is dropped": ("DELETE FROM log WHERE seq = 0", "log entry 0: is missing"),
    "an entry is damaged": ("UPDATE log SET entry = x'00' WHERE seq = 5", "log entry 5: cannot be read"),
    "an entry is replaced by another": (
        """UPDATE log SET (kind, dictionary_id, entry) =
               (SELECT kind, dictionary_id, entry FROM log WHERE seq = 1) WHERE seq = 2""",
        "log entry 2: has another leaf hash",
    ),
    "an entry is of another kind": (
        "UPDATE log SET kind = 'run' WHERE seq = 0",
        "is not of the kind that its row says",
    ),
    "the state of the log is changed": (
        "UPDATE log_state SET frontier = zeroblob(length(frontier))",
        "log state: the entries give another tree",
    ),
    "the state of the log is dropped": ("DELETE FROM log_state", "log state: says 0 entries"),
    "the log has two states": (
        "INSERT INTO log_state (size, frontier) VALUES (0, x'')",
        "log state: is there more than once",
    ),
    "a checkpoint has another root": (
        "UPDATE checkpoint SET root = zeroblob(32) WHERE size = 6",
        "checkpoint 6: the log's first entries have another root",
    ),
    "a checkpoint is dropped": (
        "DELETE FROM checkpoint WHERE size = 6",
        "is not the one that run run-1 ended with",
    ),
    "a checkpoint is dated back": (
        "UPDATE checkpoint SET at = '2025-01-01T00:00:00.000Z' WHERE size = 6",
        "is not the one that run run-1 ended with",
    ),
    "a checkpoint is of a log that is longer": (
        "INSERT INTO checkpoint (size, root, at) VALUES (1000, zeroblob(32), '')",
        "checkpoint 1000: the log has only",
    ),
    "the store is given another name": (
        "UPDATE meta SET value = 'x'",
        "log entry 0: does not name this store",
    ),
    "the store's name is dropped": ("DELETE FROM meta", "log entry 0: does not name this store"),
    "a tombstone is slipped in": (
        "INSERT INTO tombstone VALUES (zeroblob(32), 3)",
        "tombstone of entry 3: is not in the log",
    ),
}


@pytest.mark.parametrize("what", EDITS)
def test_it_is_found_and_named_when(bench: Bench, what: str) -> None:
    statement, name = EDITS[what]
    assert name in bench.named_after(statement)


def test_it_is_found_and_named_when_collections_change_places(bench: Bench) -> None:
    places = [("collection", "id"), ("finding", "since")]
    places += [(table, column) for table in ("content", "finding") for column in ("opened", "closed")]
    found = bench.named_after(
        *(
            f"UPDATE {table} SET {column} = CASE {column} WHEN 5 THEN 6 WHEN 6 THEN 5 ELSE {column} + 0 END"
            for table, column in places
            if table != "collection"
        ),
        "UPDATE collection SET id = 99 WHERE id = 5",
        "UPDATE collection SET id = 5 WHERE id = 6",
        "UPDATE collection SET id = 6 WHERE id = 99",
    )
    assert "its row is not in the order of the log" in found


def test_it_is_found_and_named_when_a_version_is_split_in_two(bench: Bench) -> None:
    copied = "resource_pk, name, region, hash, 4, closed FROM content WHERE resource_pk = 5 AND opened = 3"
    found = bench.named_after(
        "DROP INDEX uq_content_open",
        f"INSERT INTO content (resource_pk, name, region, hash, opened, closed) SELECT {copied}",
        "UPDATE content SET closed = 4 WHERE resource_pk = 5 AND opened = 3",
    )
    assert "resource d: has two versions that do not differ" in found


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (
            "CREATE TRIGGER tidy AFTER INSERT ON finding BEGIN UPDATE finding SET outcome = 'pass'; END",
            "trigger tidy: is not of Annexa's schema",
        ),
        ("CREATE VIEW verdicts AS SELECT * FROM finding", "view verdicts: is not of Annexa's schema"),
        ("CREATE TABLE notes (text)", "table notes: is not of Annexa's schema"),
        ("DROP INDEX uq_finding_open", "index uq_finding_open: is gone"),
    ],
)
def test_it_is_found_and_named_when_the_schema_is_changed(bench: Bench, statement: str, name: str) -> None:
    assert name in bench.named_after(statement)


def test_a_problem_is_named_once_and_not_for_all_that_follows(bench: Bench) -> None:
    found = bench.named_after(
        "UPDATE log SET entry = x'00' WHERE seq = 1", "UPDATE blob SET data = x'00' WHERE rowid = 100"
    )
    assert len(found.splitlines()) < 6


# Every table, every column.


def sample(bench: Bench, table: str) -> list[int]:
    """Return some rows of a table: the first, the last, and one in the middle."""
    rowids = [row[0] for row in bench.all(f"SELECT rowid FROM {table} ORDER BY rowid")]
    return sorted({rowids[0], rowids[len(rowids) // 2], rowids[-1]})


def altered(column: sa.Column[Any]) -> str:
    """Return SQL that gives another value of the column's kind."""
    if isinstance(column.type, sa.LargeBinary):
        last = f"CASE WHEN substr({column.name}, -1) = x'2a' THEN x'2b' ELSE x'2a' END"
        head = f"substr({column.name}, 1, length({column.name}) - 1)"
        return f"coalesce(CAST({head} || {last} AS BLOB), zeroblob(32))"
    if isinstance(column.type, sa.Boolean):
        return f"1 - {column.name}"
    if isinstance(column.type, sa.Text):
        return f"coalesce({column.name} || 'x', 'x')"
    return f"coalesce({column.name} + 1000, 1)"


def alterations(*, null: bool) -> list[tuple[str, str, str]]:
    return list(_alterations(null))


def _alterations(null: bool) -> Iterator[tuple[str, str, str]]:
    for table in sorted(TABLES):
        for column in metadata.tables[table].columns:
            if (table, column.name) in WITHOUT_MEANING:
                continue
            if null and column.nullable:
                yield table, column.name, "NULL"
            elif not null:
                yield table, column.name, altered(column)


def undetected(bench: Bench, table: str, statement: str) -> list[int]:
    """Change one row after the other by a statement on ``:rowid``, and return those where nobody noticed."""
    missed = []
    for rowid in sample(bench, table):
        with contextlib.suppress(sqlite3.IntegrityError):  # The table's own constraints refuse it.
            if not bench.after((statement, {"rowid": rowid})):
                missed.append(rowid)
    return missed


@pytest.mark.parametrize(("table", "column", "value"), alterations(null=False))
def test_another_value_is_found_in(bench: Bench, table: str, column: str, value: str) -> None:
    assert undetected(bench, table, f"UPDATE {table} SET {column} = {value} WHERE rowid = :rowid") == []


@pytest.mark.parametrize(("table", "column", "value"), alterations(null=True))
def test_a_value_that_is_gone_is_found_in(bench: Bench, table: str, column: str, value: str) -> None:
    filled = bench.all(f"SELECT max(rowid) FROM {table} WHERE {column} IS NOT NULL")[0][0]
    if filled is not None:
        with contextlib.suppress(sqlite3.IntegrityError):
            assert bench.after((f"UPDATE {table} SET {column} = {value} WHERE rowid = ?", (filled,)))


@pytest.mark.parametrize("kind", ["x'ff'", "'text'", "7", "7.5"])
@pytest.mark.parametrize("table", sorted(TABLES))
def test_a_value_of_another_kind_is_found_and_stops_nothing(bench: Bench, table: str, kind: str) -> None:
    for column in metadata.tables[table].columns:
        fits = (
            (kind == "x'ff'" and isinstance(column.type, sa.LargeBinary) and column.type.length is None)
            or isinstance(column.type, sa.Text)  # SQLite turns numbers into text there.
            or (kind == "7" and isinstance(column.type, sa.Integer))
        )
        if not fits and not column.primary_key:
            statement = f"UPDATE {table} SET {column.name} = {kind} WHERE rowid = :rowid"
            assert undetected(bench, table, statement) == []


@pytest.mark.parametrize("table", sorted(TABLES))
def test_a_row_that_is_gone_is_found_in(bench: Bench, table: str) -> None:
    assert undetected(bench, table, f"DELETE FROM {table} WHERE rowid = :rowid") == []


@pytest.mark.parametrize("table", sorted(TABLES - {"meta"}))
def test_a_row_that_is_there_twice_is_found_in(bench: Bench, table: str) -> None:
    unique = {column.name for column in metadata.tables[table].columns if column.primary_key}
    for constraint in metadata.tables[table].constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            unique.add(list(constraint.columns)[-1].name)
    values = ", ".join(
        altered(column) if column.name in unique else column.name for column in metadata.tables[table].columns
    )
    statement = f"INSERT INTO {table} SELECT {values} FROM {table} WHERE rowid = :rowid"
    assert undetected(bench, table, statement) == []


# Bytes.


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_any_flipped_bit_in_a_blob_or_an_entry_is_found(bench: Bench, data: st.DataObject) -> None:
    table, column = data.draw(st.sampled_from([("blob", "data"), ("log", "entry")]))
    rows = bench.all(
        f"SELECT rowid, dictionary_id, {column} FROM {table} WHERE {column} IS NOT NULL ORDER BY rowid"
    )
    rowid, dictionary_id, value = data.draw(st.sampled_from(rows))
    flipped = bytearray(value)
    flipped[data.draw(st.integers(0, len(value) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    # A few bits of the compressed form carry no meaning: what is said stays the same to the byte.
    if bench.plain(dictionary_id, bytes(flipped)) != bench.plain(dictionary_id, value):
        assert bench.after((f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (bytes(flipped), rowid)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(page=st.integers(0, 10_000), place=st.integers(0, 4095), value=st.integers(1, 255))
def test_a_damaged_file_is_never_a_crash(
    history: Path, tmp_path: Path, page: int, place: int, value: int
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(history, copy, dirs_exist_ok=True)
    damaged = bytearray((copy / DATABASE).read_bytes())
    damaged[(page * 4096 + place) % len(damaged)] ^= value
    (copy / DATABASE).write_bytes(damaged)
    with contextlib.suppress(StoreError):
        problems(copy)


# Rewriting history.


def truncate_log(folder: Path, size: int) -> None:
    """Cut the log to ``size`` entries and make its state say so."""
    engine = engine_for(folder / DATABASE)
    with engine.begin() as connection:
        frontier = Frontier()
        query = f"SELECT hash FROM log WHERE seq < {size} ORDER BY seq"
        for (leaf,) in connection.exec_driver_sql(query).all():
            frontier.append(leaf)
        connection.exec_driver_sql(f"DELETE FROM log WHERE seq >= {size}")
        connection.exec_driver_sql(f"DELETE FROM checkpoint WHERE size > {size}")
        connection.exec_driver_sql("UPDATE log_state SET size = ?, frontier = ?", (size, frontier.to_bytes()))
    engine.dispose()


def test_a_log_that_was_cut_with_its_state_is_found_by_what_it_logged(folder: Path) -> None:
    truncate_log(folder, 6)
    found = named(folder)
    assert "is not in the log" in found
    assert "its end was never logged" in found
    assert "log state" not in found


def test_a_log_that_was_written_anew_no_longer_fits_its_checkpoints(folder: Path) -> None:
    engine = engine_for(folder / DATABASE)
    with engine.begin() as connection:
        blobs = Blobs()
        blobs.load(connection)
        frontier = Frontier()
        for seq, kept, dictionary_id, data in connection.exec_driver_sql(
            "SELECT seq, hash, dictionary_id, entry FROM log ORDER BY seq"
        ).all():
            leaf = kept
            if seq == 2:
                entry = blobs.decompress(connection, dictionary_id, data)
                entry = orjson.dumps(
                    orjson.loads(entry) | {"at": "2025-01-01T00:00:00.000Z"}, option=orjson.OPT_SORT_KEYS
                )
                written = blobs.compress(connection, entry)
                leaf = leaf_hash(entry)
                connection.exec_driver_sql(
                    "UPDATE log SET hash = ?, dictionary_id = ?, entry = ? WHERE seq = 2", (leaf, *written)
                )
            frontier.append(leaf)
        connection.exec_driver_sql("UPDATE log_state SET frontier = ?", (frontier.to_bytes(),))
    engine.dispose()
    found = named(folder)
    assert "the log's first entries have another root" in found
    assert "log state" not in found
