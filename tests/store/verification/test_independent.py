"""Who knows only docs/record-format.md finds what ``annexa verify`` finds."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from store.record import DATABASE
from store.tree import EMPTY_ROOT
from tests.independent_verifier import Verifier
from tests.store.verification.everything import Everything
from tests.store.verification.test_cells import TABLES, alterations


def edited(everything: Everything, folder: Path, statement: str) -> list[str] | None:
    """Return what is found after a change of a copy; None if the tables refuse it."""
    shutil.copytree(everything.folder, folder)
    with closing(sqlite3.connect(folder / DATABASE)) as connection, connection:
        try:
            assert connection.execute(statement).rowcount, f"changes nothing: {statement}"
        except sqlite3.IntegrityError:
            return None
    return Verifier(folder).run(str(everything.demands.trusted[-1]))


def test_a_record_with_everything_verifies_also_before_its_key_was_rotated(everything: Everything) -> None:
    first, second = map(str, everything.demands.trusted)
    assert Verifier(everything.folder).run(second) == []
    assert Verifier(everything.older).run(first) == []
    assert Verifier(everything.older).run(second) == ["not signed by the key that was given"]


@pytest.mark.parametrize("table", TABLES)
def test_another_value_or_a_row_that_is_gone_is_found_in(
    everything: Everything, table: str, tmp_path: Path
) -> None:
    newest = f"rowid = (SELECT max(rowid) FROM {table})"
    changed = [(column, value) for where, column, value in alterations(null=False) if where == table]
    edits = [f"UPDATE {table} SET {column} = {value} WHERE {newest}" for column, value in changed]
    edits.append(f"DELETE FROM {table} WHERE {newest}")
    missed = [edit for n, edit in enumerate(edits) if edited(everything, tmp_path / str(n), edit) == []]
    assert missed == []


@pytest.mark.parametrize(
    "edit",
    [
        "DELETE FROM tombstone",
        "UPDATE tombstone SET seq = 1",
        "DELETE FROM timestamp",
        "DELETE FROM dictionary",
        "DELETE FROM blob WHERE hash IN (SELECT manifest FROM collection_state)",
        "DELETE FROM blob WHERE hash IN (SELECT digest FROM check_applied)",
        "UPDATE finding SET outcome = 'pass'",
        "UPDATE finding SET since = opened",
        "UPDATE content SET closed = NULL",
        f"UPDATE log_state SET size = 0, frontier = x'{EMPTY_ROOT.hex()}'",
    ],
)
def test_an_edit_that_somebody_may_want_is_found(everything: Everything, edit: str, tmp_path: Path) -> None:
    assert edited(everything, tmp_path / "store", edit) != []
