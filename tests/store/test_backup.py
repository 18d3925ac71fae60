"""Backups: a copy is a store, or it does not have the name of one."""

import io
import os
import shutil
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest

from store import query
from store.backup import backup
from store.errors import StoreError
from store.files import keep, path_of
from store.record import DATABASE, Record
from store.sealing import Sealing
from store.signing_key import FileKey
from store.statement import AttachedFile, Attestation
from store.verification.demands import Demands, Held
from store.verify import verify
from tests.independent_verifier import Verifier
from tests.store.conftest import Clock, Play, tamper

CLOSED, PUBLIC = {"public": False}, {"public": True}
DATA = b"minutes of the meeting"


def sealing(folder: Path) -> Sealing:
    return Sealing(key=FileKey(folder / "signing.key"), new_key=folder / "signing.key")


@pytest.fixture(scope="module")
def filled(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed store with two runs and a statement that brings a file."""
    folder = Path(shutil.copytree(empty_store, tmp_path_factory.mktemp("filled") / "store"))
    with Record.writer(folder, Clock(), sealing(folder)) as record:
        play = Play(record)
        play.run({"a": CLOSED})
        sha256, size = keep(folder, io.BytesIO(DATA), "minutes.txt")
        file = AttachedFile(sha256, size, "minutes.txt", "text/plain")
        record.file(Attestation("5.1", "Ann", "It is so.", "2026-01-01", "2026-12-31", (file,)), "root")
        play.run({"a": PUBLIC})
        record.redaction_key()
        record.publish()
    return folder


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(filled, tmp_path / "store"))


def attached(store: Path) -> Path:
    [path] = [path for path in (store / "files").rglob("*") if path.is_file()]
    return path


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_backup_is_a_store_that_verifies(store: Path, tmp_path: Path) -> None:
    done = backup(store, tmp_path / "copy", {})
    assert (done.verified, done.files, done.problems) == (True, 1, [])
    with Record.open(tmp_path / "copy") as copy, Record.open(store) as record:
        found = verify(copy)
        assert (found.problems, found.root, found.size) == ([], done.root, done.size)
        assert found.root == verify(record).root
        assert found.held == [(str(tmp_path / "copy" / "checkpoint"), found.signed_size)]
        assert query.statements(copy) == query.statements(record)
        assert list(query.findings(copy)) == list(query.findings(record))
    assert path_of(tmp_path / "copy", attached(store).name).read_bytes() == DATA


def test_only_its_owner_may_read_a_backup(store: Path, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        backup(store, tmp_path / "copy", {"signing.key": store / "signing.key"})
    finally:
        os.umask(before)
    modes = {path.is_dir(): path.stat().st_mode & 0o777 for path in [tmp_path / "copy"]}
    for path in (tmp_path / "copy").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path
    assert modes == {True: 0o700}


def test_keys_are_copied_only_where_they_are_asked_for(store: Path, tmp_path: Path) -> None:
    backup(store, tmp_path / "without", {})
    assert left(tmp_path / "without") == ["checkpoint", "files", "record.db"]
    names = ("signing.key", "redaction.key")
    backup(store, tmp_path / "with", {name: store / name for name in names})
    assert all((tmp_path / "with" / name).read_bytes() == (store / name).read_bytes() for name in names)


def test_a_folder_that_holds_something_is_left_alone(store: Path, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match="exists already"):
        backup(store, tmp_path / "full", {})
    (tmp_path / "empty").mkdir()
    assert backup(store, tmp_path / "empty", {}).verified


def test_a_copy_that_does_not_verify_is_not_kept(store: Path, tmp_path: Path) -> None:
    tamper(store, "UPDATE finding SET outcome = 'pass' WHERE outcome = 'fail'")
    done = backup(store, tmp_path / "copy", {})
    assert not done.verified
    assert "its findings give another root" in {problem.message for problem in done.problems}
    assert left(tmp_path) == ["store"]
    assert not backup(store, tmp_path / "copy", {}, check=False).verified
    assert left(tmp_path) == ["copy", "store"]


def test_a_file_that_is_gone_or_changed_makes_no_backup(store: Path, tmp_path: Path) -> None:
    path = attached(store)
    path.write_bytes(b"other minutes")
    with pytest.raises(StoreError, match="is not the file that was filed"):
        backup(store, tmp_path / "copy", {})
    path.unlink()
    with pytest.raises(StoreError, match="is gone"):
        backup(store, tmp_path / "copy", {})
    assert left(tmp_path) == ["store"]


def test_what_is_left_of_a_damaged_store_is_copied_unverified(store: Path, tmp_path: Path) -> None:
    path = attached(store)
    path.write_bytes(b"other minutes")
    assert not backup(store, tmp_path / "changed", {}, check=False).verified
    assert path_of(tmp_path / "changed", path.name).read_bytes() == b"other minutes"
    path.unlink()
    assert backup(store, tmp_path / "without", {}, check=False).files == 0
    with Record.open(tmp_path / "without") as copy:
        [problem] = verify(copy).problems
    assert "is gone" in problem.message


@pytest.mark.parametrize("stage", ["copying the database", "copying files", "verifying the copy"])
def test_what_is_interrupted_leaves_nothing(store: Path, tmp_path: Path, stage: str) -> None:
    def interrupt(reached: str) -> None:
        if reached == stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup(store, tmp_path / "copy", {}, progress=interrupt)
    assert left(tmp_path) == ["store"]


def test_backups_are_made_while_somebody_writes(store: Path, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        with Record.writer(store, Clock(), sealing(store)) as record:
            play = Play(record, runs=10)
            while not stop.is_set():
                play.run({f"r{n}": {"public": False, "run": play.runs} for n in range(20)})
                record.publish()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        copies = [backup(store, tmp_path / f"copy-{n}", {}) for n in range(5)]
    finally:
        stop.set()
        writer.join()
    assert [done.problems for done in copies] == [[]] * 5
    assert copies[0].size < copies[-1].size
    notes = [Held(str(done.path), (done.path / "checkpoint").read_bytes()) for done in copies]
    with Record.open(store) as record:
        assert verify(record, Demands(held=tuple(notes))).problems == [], "each is the record's beginning"


def test_two_that_went_on_from_one_backup_are_a_fork(store: Path, tmp_path: Path) -> None:
    backup(store, tmp_path / "one", {"signing.key": store / "signing.key"})
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    for name, content in (("one", CLOSED), ("two", PUBLIC)):
        with Record.writer(tmp_path / name, Clock(), sealing(tmp_path / name)) as record:
            Play(record, runs=20).run({"b": content})
            record.publish()
    other = Held("two", (tmp_path / "two" / "checkpoint").read_bytes())
    with Record.open(tmp_path / "one") as record:
        [problem] = verify(record, Demands(held=(other,))).problems
    assert (problem.where, problem.message.split(" entries ")[-1]) == ("two", "are not those that it is of")


def test_the_independent_verifier_accepts_a_backup(filled: Path, tmp_path: Path) -> None:
    with Record.writer(tmp_path / "plain", Clock()) as record:
        Play(record).run({"a": CLOSED})
    backup(tmp_path / "plain", tmp_path / "copy", {})
    assert Verifier(tmp_path / "copy").run() == []


def test_there_must_be_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no store"):
        backup(tmp_path / "nothing", tmp_path / "copy", {})
    assert left(tmp_path) == []


def test_what_was_deleted_from_the_database_is_in_no_copy(store: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(store / DATABASE, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = off")
        connection.execute("CREATE TABLE t AS SELECT 'a-canary-in-a-dropped-table' AS c")
        connection.execute("DROP TABLE t")
    assert b"a-canary-in" in (store / DATABASE).read_bytes()
    backup(store, tmp_path / "copy", {})
    assert b"a-canary-in" not in (tmp_path / "copy" / DATABASE).read_bytes()
