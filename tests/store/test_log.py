"""The log only grows, and its state is the tree over its entries."""

from typing import Any

import orjson
import pytest
import sqlalchemy as sa

from store import log
from store.canonical import canonical
from store.errors import StoreError
from store.record import Record
from store.schema import checkpoint
from store.schema import log as log_table
from store.tree import root_of


def append(record: Record, kind: str, **body: Any) -> int:
    with record.engine.begin() as connection:
        return log.append(connection, record.blobs, kind, body)


def entries(record: Record) -> list[bytes]:
    with record.engine.connect() as connection:
        return [
            record.blobs.decompress(connection, row.dictionary_id, row.entry)
            for row in connection.execute(sa.select(log_table).order_by(log_table.c.seq))
        ]


def checkpoints(record: Record) -> list[tuple[int, bytes, str]]:
    with record.engine.connect() as connection:
        return [(row.size, row.root, row.at) for row in connection.execute(sa.select(checkpoint))]


def test_the_first_entry_names_the_store(record: Record) -> None:
    with record.engine.connect() as connection:
        store_id = connection.exec_driver_sql("SELECT value FROM meta WHERE key = 'store_id'").scalar_one()
    first = orjson.loads(entries(record)[0])
    assert (first["v"], first["kind"], first["store"]) == (1, "store", store_id)


def test_entries_are_numbered_in_order(record: Record) -> None:
    assert [append(record, "test", n=n) for n in range(3)] == [1, 2, 3]


def test_an_entry_is_the_canonical_form_of_what_it_says(record: Record) -> None:
    append(record, "test", z=1, a=[None, "x"])
    assert entries(record)[-1] == canonical({"v": 1, "kind": "test", "z": 1, "a": [None, "x"]})


def test_the_state_is_the_tree_over_the_entries(record: Record) -> None:
    for n in range(10):
        append(record, "test", n=n)
        with record.engine.connect() as connection:
            state = log.state(connection)
        assert state.size == n + 2
        assert state.root() == root_of(entries(record))


def test_an_entry_of_a_transaction_that_fails_was_never_there(record: Record) -> None:
    before = entries(record)
    with record.engine.connect() as connection:
        log.append(connection, record.blobs, "test", {})
        connection.rollback()
    assert entries(record) == before
    assert append(record, "test") == len(before)


def test_a_state_that_is_damaged_is_a_store_error(record: Record) -> None:
    with record.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE log_state SET size = 7")
    with pytest.raises(StoreError, match="state of the log is damaged"):
        append(record, "test")


def test_a_checkpoint_keeps_size_and_root(record: Record) -> None:
    append(record, "test")
    with record.engine.begin() as connection:
        size, root = log.keep_checkpoint(connection, "2026-01-01T00:00:00.000Z")
    assert (size, bytes.fromhex(root)) == (2, root_of(entries(record)))
    assert checkpoints(record) == [(size, bytes.fromhex(root), "2026-01-01T00:00:00.000Z")]


def test_a_size_has_one_checkpoint(record: Record) -> None:
    for at in ("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"):
        with record.engine.begin() as connection:
            log.keep_checkpoint(connection, at)
    assert [at for _, _, at in checkpoints(record)] == ["2026-01-01T00:00:00.000Z"]


def test_every_finished_run_ends_with_a_checkpoint(record: Record) -> None:
    run_id = record.begin_run("run-1", "test")
    size, root = record.finish_run(run_id, "complete", {})
    assert [(kept[0], kept[1].hex()) for kept in checkpoints(record)] == [(size, root)]
    assert root_of(entries(record)).hex() == root
