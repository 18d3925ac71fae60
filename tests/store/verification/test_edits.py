"""One change behind Annexa's back each, and the name that it is found by."""

import pytest

from tests.store.conftest import PRIVATE
from tests.store.verification.bench import Bench

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
        "dictionary 2: is not in the log as it is",
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
    "a run's summary is no JSON": (
        "UPDATE run SET summary = '{' WHERE id = 1",
        "its end is not as it was logged",
    ),
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
    "something is said beside the store's name": (
        "INSERT INTO meta VALUES ('owner', 'x')",
        "meta owner: is not of Annexa's schema",
    ),
    "the schema is said to be of another version": (
        "INSERT INTO alembic_version VALUES ('9999')",
        "alembic_version: says ['0001', '9999'], not 0001",
    ),
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


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("finding", "outcome TEXT NOT NULL", "outcome TEXT"),
        ("checkpoint", "CONSTRAINT pk_checkpoint PRIMARY KEY (size)", "CHECK (size > 0)"),
        ("uq_finding_open", "closed IS NULL", "closed IS NULL AND outcome = 'pass'"),
    ],
)
def test_it_is_found_and_named_when_the_schema_is_worded_otherwise(
    bench: Bench, name: str, old: str, new: str
) -> None:
    bench.connection.execute("PRAGMA writable_schema = on")
    edit = "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE name = ? AND instr(sql, ?)"
    found = bench.first_after((edit, (old, new, name, old)))
    assert found.endswith(f" {name}: is not made as Annexa's schema says")


def test_a_problem_is_named_once_and_not_for_all_that_follows(bench: Bench) -> None:
    found = bench.named_after(
        "UPDATE log SET entry = x'00' WHERE seq = 1", "UPDATE blob SET data = x'00' WHERE rowid = 100"
    )
    assert len(found.splitlines()) < 6
