"""Changes by chance: cells flipped, emptied, copied, exchanged, dated back; rows dropped and doubled."""

import random
import re
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.store.verification.bench import Bench

Edit = tuple[str, Any]
_MOMENT = re.compile(r"2026-01-01T")
_NOBODYS: dict[type, Any] = {int: -77, str: "\x00nobody's", bytes: b"\x00nobody's", float: -7.7}


@dataclass(frozen=True)
class Mutation:
    """A change.

    Attributes:
        column: "*" for whole rows.
        after: the new value, where one cell gets one.
    """

    kind: str
    table: str
    column: str
    rowids: tuple[int, ...]
    edits: tuple[Edit, ...]
    after: Any = None


class Mutator:
    """Draws changes of the record on a bench, each of which changes something."""

    def __init__(self, bench: Bench) -> None:
        names = [row[0] for row in bench.all("SELECT name FROM sqlite_master WHERE type = 'table'")]
        self.columns = {
            name: [row[1] for row in bench.all(f"PRAGMA table_info({name})")] for name in sorted(names)
        }
        self.rows = {
            name: {row[0]: dict(zip(columns, row[1:], strict=True)) for row in self._read(bench, name)}
            for name, columns in self.columns.items()
        }
        self.kinds: tuple[Callable[[random.Random, str], Mutation | None], ...] = (
            *(self.flip,) * 4,
            *(self.copy,) * 2,
            *(self.swap,) * 2,
            self.empty,
            self.back_date,
            self.drop,
            self.double,
            self.exchange,
        )

    @staticmethod
    def _read(bench: Bench, table: str) -> list[Any]:
        return bench.all(f"SELECT rowid, * FROM {table}")

    def draw(self, chance: random.Random) -> Iterator[Mutation]:
        """Yield changes without end."""
        while True:
            table = chance.choice(list(self.rows))
            mutation = chance.choice(self.kinds)(chance, table)
            if mutation is not None:
                yield mutation

    def _cell(self, chance: random.Random, table: str) -> tuple[int, str, Any]:
        rowid = chance.choice(list(self.rows[table]))
        column = chance.choice(self.columns[table])
        return rowid, column, self.rows[table][rowid][column]

    def flip(self, chance: random.Random, table: str) -> Mutation | None:
        rowid, column, value = self._cell(chance, table)
        return None if value is None else _set("flip", table, column, rowid, value, _flipped(chance, value))

    def empty(self, chance: random.Random, table: str) -> Mutation | None:
        rowid, column, value = self._cell(chance, table)
        return _set("empty", table, column, rowid, value, None)

    def copy(self, chance: random.Random, table: str) -> Mutation | None:
        rowid, column, value = self._cell(chance, table)
        other = self.rows[table][chance.choice(list(self.rows[table]))][column]
        return _set("copy", table, column, rowid, value, other)

    def back_date(self, chance: random.Random, table: str) -> Mutation | None:
        dated = [
            (rowid, column, value)
            for rowid, row in self.rows[table].items()
            for column, value in row.items()
            if isinstance(value, str) and _MOMENT.search(value)
        ]
        if not dated:
            return None
        rowid, column, value = chance.choice(dated)
        return _set("back-date", table, column, rowid, value, _MOMENT.sub("2025-12-31T", value))

    def swap(self, chance: random.Random, table: str) -> Mutation | None:
        return self._exchange(chance, table, [chance.choice(self.columns[table])])

    def exchange(self, chance: random.Random, table: str) -> Mutation | None:
        """Let two rows change places."""
        return self._exchange(chance, table, self.columns[table])

    def _exchange(self, chance: random.Random, table: str, columns: list[str]) -> Mutation | None:
        one, other = chance.choice(list(self.rows[table])), chance.choice(list(self.rows[table]))
        before, after = self.rows[table][one], self.rows[table][other]
        differing = [column for column in self.columns[table] if before[column] != after[column]]
        columns = [column for column in columns if column in differing]
        if len(differing) < 2:
            return None  # The rows would only change places, and the same rows would be there.
        key = next((c for c in columns if c == "id" or self.columns[table][0] == c), None)
        if not columns or (len(columns) == 1 and None in (before[columns[0]], after[columns[0]])):
            return None
        if key is not None:
            # The rows' own key is given up last, so that the rows can still be told apart.
            columns = [key]
        edits: list[Edit] = []
        for column in columns:
            update = f"UPDATE {table} SET {column} = ? WHERE {column} IS ? AND rowid = ?"
            if column == key and isinstance(before[column], int):
                update = f"UPDATE {table} SET {column} = ? WHERE {column} = ?"
                spare = _NOBODYS[int]
                edits += [(update, (spare, before[column])), (update, (before[column], after[column]))]
                edits += [(update, (after[column], spare))]
            else:
                spare = _NOBODYS.get(type(before[column]), "")
                edits += [(update, (spare, before[column], one))]
                edits += [(update, (before[column], after[column], other))]
                edits += [(update, (after[column], spare, one))]
        name = columns[0] if len(columns) == 1 else "*"
        return Mutation("exchange", table, name, (one, other), tuple(edits))

    def drop(self, chance: random.Random, table: str) -> Mutation | None:
        rowid = chance.choice(list(self.rows[table]))
        return Mutation("drop", table, "*", (rowid,), ((f"DELETE FROM {table} WHERE rowid = ?", (rowid,)),))

    def double(self, chance: random.Random, table: str) -> Mutation | None:
        rowid = chance.choice(list(self.rows[table]))
        row = dict(self.rows[table][rowid])
        key = self.columns[table][0]
        row[key] = max(self.rows[table]) + 1 if isinstance(row[key], int) else _flipped(chance, row[key])
        marks = ", ".join("?" * len(row))
        insert = f"INSERT INTO {table} VALUES ({marks})"
        return Mutation("double", table, "*", (rowid,), ((insert, tuple(row.values())),))


def made(bench: Bench, mutation: Mutation) -> str | None:
    """Make a change and return what is found first: "" if nothing is, None if the table refuses it."""
    try:
        return bench.first_after(*mutation.edits)
    except sqlite3.IntegrityError:
        return None


def _set(kind: str, table: str, column: str, rowid: int, before: Any, after: Any) -> Mutation | None:
    if before == after and type(before) is type(after):
        return None
    update = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"
    return Mutation(kind, table, column, (rowid,), ((update, (after, rowid)),), after)


def _flipped(chance: random.Random, value: Any) -> Any:
    if isinstance(value, bytes):
        if not value:
            return b"\x00"
        flipped = bytearray(value)
        flipped[chance.randrange(len(value))] ^= 1 << chance.randrange(8)
        return bytes(flipped)
    if isinstance(value, str):
        if not value:
            return "x"
        place = chance.randrange(len(value))
        return value[:place] + chr(ord(value[place]) ^ 1 << chance.randrange(5)) + value[place + 1 :]
    return value ^ 1 << chance.randrange(4)
