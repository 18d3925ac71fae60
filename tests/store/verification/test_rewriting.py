"""A history that was written anew, with hashes that fit."""

from pathlib import Path

import orjson
import pytest

from store.blobs import Blobs
from store.database import engine_for
from store.record import DATABASE
from store.tree import Frontier, leaf_hash
from tests.store.verification.bench import named

pytestmark = pytest.mark.slow


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
