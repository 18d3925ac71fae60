"""Every table, every column, every row: whatever is changed, dropped or doubled is found."""

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from store.schema import metadata
from tests.store.verification.bench import WITHOUT_MEANING, Bench

TABLES = sorted(metadata.tables)


def sample(whole: Bench, table: str) -> list[int]:
    """Return some rows of a table: the first, the last, and one in the middle."""
    rowids = [row[0] for row in whole.all(f"SELECT rowid FROM {table} ORDER BY rowid")]
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
    for table in TABLES:
        for column in metadata.tables[table].columns:
            if (table, column.name) in WITHOUT_MEANING:
                continue
            if null and column.nullable:
                yield table, column.name, "NULL"
            elif not null:
                yield table, column.name, altered(column)


def undetected(whole: Bench, table: str, statement: str) -> list[int]:
    """Change one row after the other by a statement on ``:rowid``, and return those where nobody noticed."""
    missed = []
    for rowid in sample(whole, table):
        with contextlib.suppress(sqlite3.IntegrityError):  # The table's own constraints refuse it.
            if not whole.after((statement, {"rowid": rowid})):
                missed.append(rowid)
    return missed


@pytest.mark.parametrize(("table", "column", "value"), alterations(null=False))
def test_another_value_is_found_in(whole: Bench, table: str, column: str, value: str) -> None:
    assert undetected(whole, table, f"UPDATE {table} SET {column} = {value} WHERE rowid = :rowid") == []


@pytest.mark.parametrize(("table", "column", "value"), alterations(null=True))
def test_a_value_that_is_gone_is_found_in(whole: Bench, table: str, column: str, value: str) -> None:
    filled = whole.all(f"SELECT max(rowid) FROM {table} WHERE {column} IS NOT NULL")[0][0]
    if filled is not None:
        with contextlib.suppress(sqlite3.IntegrityError):
            assert whole.after((f"UPDATE {table} SET {column} = {value} WHERE rowid = ?", (filled,)))


@pytest.mark.parametrize("kind", ["x'ff'", "'text'", "7", "7.5"])
@pytest.mark.parametrize("table", TABLES)
def test_a_value_of_another_kind_is_found_and_stops_nothing(whole: Bench, table: str, kind: str) -> None:
    for column in metadata.tables[table].columns:
        fits = (
            (kind == "x'ff'" and isinstance(column.type, sa.LargeBinary) and column.type.length is None)
            or isinstance(column.type, sa.Text)  # SQLite turns numbers into text there.
            or (kind == "7" and isinstance(column.type, sa.Integer))
        )
        if not fits and not column.primary_key:
            statement = f"UPDATE {table} SET {column.name} = {kind} WHERE rowid = :rowid"
            assert undetected(whole, table, statement) == []


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_is_gone_is_found_in(whole: Bench, table: str) -> None:
    assert undetected(whole, table, f"DELETE FROM {table} WHERE rowid = :rowid") == []


@pytest.mark.parametrize("table", TABLES)
def test_a_row_that_is_there_twice_is_found_in(whole: Bench, table: str) -> None:
    unique = {column.name for column in metadata.tables[table].columns if column.primary_key}
    for constraint in metadata.tables[table].constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            unique.add(list(constraint.columns)[-1].name)
    values = ", ".join(
        altered(column) if column.name in unique else column.name for column in metadata.tables[table].columns
    )
    statement = f"INSERT INTO {table} SELECT {values} FROM {table} WHERE rowid = :rowid"
    assert undetected(whole, table, statement) == []
