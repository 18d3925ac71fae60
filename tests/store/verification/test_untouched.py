"""What nobody touched verifies."""

import sqlite3
from contextlib import closing
from pathlib import Path

from store.record import DATABASE, Record
from store.verify import verify
from tests.store.conftest import Play
from tests.store.verification.bench import CLOSED, problems


def test_a_store_that_nobody_touched_verifies(folder: Path) -> None:
    with Record.open(folder) as record:
        found = verify(record)
    assert (found.ok, found.problems) == (True, [])
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        assert found.size == connection.execute("SELECT count(*) FROM log").fetchone()[0]
        size, root = connection.execute("SELECT size, root FROM checkpoint ORDER BY size DESC").fetchone()
    assert size < found.size
    assert found.root != root.hex(), "the interruption was logged after the last checkpoint"


def test_an_empty_store_verifies(empty_store: Path) -> None:
    assert problems(empty_store) == []


def test_a_run_that_is_still_going_on_verifies(record: Record) -> None:
    play = Play(record, runs=100)
    uid, run_id, keys = play.begin()
    play.collect(uid, run_id, keys, {"a": CLOSED})
    assert verify(record).problems == []
