"""Opening and writing a record: one writer, honest after a crash, and clear when it cannot be."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import store
from store import query
from store.errors import StoreError
from store.model import Scope
from store.record import DATABASE, REDACTION_KEY, Record
from store.verify import verify
from tests.store.conftest import SCOPE, Clock, Play, tamper

ROOT = Path(store.__file__).parents[1]


def contents(count: int, version: int = 0) -> dict[str, Any]:
    return {f"arn:aws:s3:::bucket-{n}": {"n": n, "version": version, "pad": "x" * 200} for n in range(count)}


# A crash.


def test_a_run_that_was_not_finished_is_interrupted_on_the_next_open(folder: Path) -> None:
    with Record.writer(folder, Clock()) as record:
        Play(record).begin()
    with Record.writer(folder, Clock()) as record:
        found = query.last_run(record)
        assert found is not None
        assert (found["run"], found["status"]) == ("run-1", "interrupted")
        assert found["finished"] is not None
        assert verify(record).problems == []


def test_a_finished_run_stays_as_it_is(folder: Path) -> None:
    with Record.writer(folder, Clock()) as record:
        Play(record).run({"a": 1})
    with Record.writer(folder, Clock()) as record:
        found = query.last_run(record)
        assert found is not None
        assert found["status"] == "complete"


def test_what_an_interrupted_run_acknowledged_is_kept(folder: Path) -> None:
    with Record.writer(folder, Clock()) as record:
        play = Play(record)
        uid, run_id, keys = play.begin()
        play.collect(uid, run_id, keys, {"a": 1})
    with Record.writer(folder, Clock()) as record:
        assert [row[1] for row in query.resources(record)] == ["a"]
        assert verify(record).problems == []


def test_a_collection_that_was_not_acknowledged_leaves_no_trace_but_blobs(folder: Path) -> None:
    with Record.writer(folder, Clock()) as record:
        Play(record).run({"a": 1})
    renamed = Scope(SCOPE.provider, SCOPE.id, "renamed")
    with Record.writer(folder, Clock()) as record:
        run_id = record.begin_run("run-2", "test")
        for scope, kind in ((renamed, "aws.s3.bucket"), (Scope("aws", "999", "new"), "aws.new")):
            record.collection(run_id, "run-2", scope, kind, "").keep([])
    with Record.writer(folder, Clock()) as record:
        assert query.scope_name(record, SCOPE.provider, SCOPE.id) == SCOPE.name
        assert {scope for scope, _, _ in query.known_series(record, "aws")} == {SCOPE.id}
        assert verify(record).problems == []


KILLED = """
import os, sys
from pathlib import Path
from store.record import Record
from tests.store.conftest import Play, Clock

with Record.writer(Path(sys.argv[1]), Clock()) as record:
    play = Play(record)
    uid, run_id, keys = play.begin()
    play.collect(uid, run_id, keys, {"a": 1})
    print("acknowledged", flush=True)
    os.kill(os.getpid(), 9)
"""


def python(program: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_process_that_is_killed_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    assert python(KILLED, str(tmp_path)).stdout == "acknowledged\n"
    with Record.writer(tmp_path, Clock()) as record:
        assert [row[1] for row in query.resources(record)] == ["a"]
        assert verify(record).problems == []
        found = query.last_run(record)
        assert found is not None
        assert found["status"] == "interrupted"


# One writer.


def test_a_second_writer_is_refused_and_told_to_wait(folder: Path) -> None:
    with (
        Record.writer(folder, Clock()),
        pytest.raises(StoreError, match="is being written by another") as caught,
        Record.writer(folder, Clock()),
    ):
        pass
    assert "Wait" in caught.value.hint


def test_a_second_process_is_refused_as_well(folder: Path) -> None:
    program = "import sys; from pathlib import Path; from store.record import Record\n"
    program += "with Record.writer(Path(sys.argv[1])): pass"
    with Record.writer(folder, Clock()):
        refused = python(program, str(folder))
    assert "BusyError" in refused.stderr
    assert python(program, str(folder)).returncode == 0


def test_one_may_read_while_another_writes(folder: Path) -> None:
    with Record.writer(folder, Clock()) as writing, Record.open(folder) as reading:
        Play(writing).run({"a": 1})
        assert [row[1] for row in query.resources(reading)] == ["a"]


def test_a_reader_cannot_write(folder: Path) -> None:
    with pytest.raises(StoreError, match="readonly"), Record.open(folder) as record:
        record.begin_run("run-1", "test")


# What cannot be opened.


def test_no_store_is_an_error_that_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store at") as caught, Record.open(tmp_path):
        pass
    assert "annexa init" in caught.value.hint


@pytest.mark.parametrize("opening", [Record.open, Record.writer])
def test_a_store_of_a_newer_schema_is_refused(folder: Path, opening: Any) -> None:
    tamper(folder, "UPDATE alembic_version SET version_num = '0999'")
    with pytest.raises(StoreError, match="schema 0999") as caught, opening(folder):
        pass
    assert "upgrade Annexa" in caught.value.hint


@pytest.mark.parametrize("opening", [Record.open, Record.writer])
def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path, opening: Any) -> None:
    (tmp_path / DATABASE).write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(StoreError, match="file is not a database") as caught, opening(tmp_path):
        pass
    assert "backup" in caught.value.hint
    assert (tmp_path / DATABASE).read_bytes().startswith(b"not a database")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StoreError, match="cannot be written: Not a directory") as caught,
        Record.writer(tmp_path / "file" / "store"),
    ):
        pass
    assert "write access" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="cannot be written") as caught, Record.writer(tmp_path):
        pass
    assert "write access" in caught.value.hint


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_store_in_a_read_only_folder_can_be_read(folder: Path) -> None:
    folder.chmod(0o500)
    try:
        with Record.open(folder) as record:
            assert verify(record).problems == []
    finally:
        folder.chmod(0o700)


def test_the_folder_is_for_its_owner_only(tmp_path: Path) -> None:
    with Record.writer(tmp_path / "new" / "store"):
        assert (tmp_path / "new" / "store").stat().st_mode & 0o777 == 0o700


# The disk is full.


def fill(record: Record, pages: int) -> None:
    """Let the database grow by so many pages and no further."""
    with record.engine.connect() as connection:
        used = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {used + pages}")


@pytest.mark.parametrize("pages", [0, 1, 2, 3, 5, 8, 13, 21, 34, 55])
def test_a_full_disk_is_one_clear_error_and_loses_nothing(folder: Path, pages: int) -> None:
    with Record.writer(folder, Clock()) as record:
        Play(record).run(contents(20))
        acknowledged = list(query.resources(record))

    def write_until_it_is_full() -> None:
        nonlocal acknowledged
        with Record.writer(folder, Clock()) as record:
            fill(record, pages)
            play = Play(record, runs=1)
            for version in range(1, 50):
                uid, run_id, keys = play.begin()
                play.collect(uid, run_id, keys, contents(20, version))
                acknowledged = list(query.resources(record))
                record.finish_run(run_id, "complete", {})

    with pytest.raises(StoreError, match="database or disk is full") as caught:
        write_until_it_is_full()
    assert "Free some space" in caught.value.hint
    with Record.open(folder) as record:
        assert list(query.resources(record)) == acknowledged
        assert verify(record).problems == []
    with Record.writer(folder, Clock()) as record:
        Play(record, runs=1000).run(contents(20, version=1000))
        assert verify(record).problems == []


# The key of the digests that stand for secrets.


def test_the_redaction_key_is_made_once(folder: Path) -> None:
    with Record.writer(folder, Clock()) as record:
        key = record.redaction_key()
        assert len(key) == 32
        assert record.redaction_key() == key
    with Record.open(folder) as record:
        assert record.redaction_key() == key


def test_two_stores_have_two_keys(tmp_path: Path) -> None:
    with Record.writer(tmp_path / "one") as one, Record.writer(tmp_path / "other") as other:
        assert one.redaction_key() != other.redaction_key()


def test_only_its_owner_may_read_the_redaction_key(record: Record) -> None:
    record.redaction_key()
    assert (record.path / REDACTION_KEY).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "00", "not hexadecimal", "\x00\xff"])
def test_a_redaction_key_that_is_damaged_is_refused_and_not_replaced(record: Record, text: str) -> None:
    path = record.path / REDACTION_KEY
    path.write_text(text, encoding="latin-1")
    with pytest.raises(StoreError, match=r"redaction\.key") as caught:
        record.redaction_key()
    assert "backup" in caught.value.hint
    assert path.read_text(encoding="latin-1") == text


# Checks.


def test_a_check_is_kept_once_for_each_version(record: Record) -> None:
    one, two = {"id": "a.b.c", "v": 1}, {"id": "a.b.c", "v": 2}
    first = record.register_checks([("a.b.c", one)])
    both = record.register_checks([("a.b.c", one), ("a.b.c", two)])
    assert first.items() < both.items()
    assert len(set(both.values())) == 2


def test_only_new_checks_are_logged(record: Record) -> None:
    def entries() -> int:
        return verify(record).size

    before = entries()
    for _ in range(2):
        record.register_checks([("a.b.c", {"id": "a.b.c"}), ("a.b.d", {"id": "a.b.d"})])
    assert entries() == before + 1
