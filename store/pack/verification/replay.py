"""Replaying the rows of a series over its collections."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress, pairwise
from typing import Any

from store.pack.replayed import Collected
from store.pack.verification.examination import PackExamination, Series
from store.tree import root_of_hashes


@dataclass(frozen=True, slots=True)
class Row:
    """A row that one collection opened and another closed.

    Attributes:
        key: by which rows are in order.
        closed: None while it stood after the last collection that is replayed.
    """

    key: tuple[str, ...]
    leaf: bytes
    opened: int
    closed: int | None
    line: dict[str, Any]


@dataclass(slots=True)
class Standing:
    """What stood after one collection.

    Attributes:
        mask: for each row, whether it did.
        changed: whether that differs from what stood after the collection before.
        opened, closed: the rows that this collection opened and closed, by number.
    """

    rows: Sequence[Row]
    mask: list[bool]
    changed: bool
    opened: list[int]
    closed: list[int]

    def numbers(self) -> list[int]:
        return list(compress(range(len(self.rows)), self.mask))

    def root(self) -> bytes:
        return root_of_hashes([row.leaf for row in compress(self.rows, self.mask)])


def replay(x: PackExamination, series: Series, rows: list[Row]) -> Iterator[tuple[Collected, Standing]]:
    """Yield each collection with what stood after it, and name rows that cannot be."""
    _check_bounds(x, series, rows)
    opened: dict[int, list[int]] = {}
    closed: dict[int, list[int]] = {}
    first = series.replayed.first
    for number, row in enumerate(rows):
        opened.setdefault(max(row.opened, first), []).append(number)
        if row.closed is not None:
            closed.setdefault(row.closed, []).append(number)
    mask = [False] * len(rows)
    for one in series.replayed.collections:
        opens, closes = opened.get(one.seq, []), closed.get(one.seq, [])
        for number in closes:
            mask[number] = False
        for number in opens:
            mask[number] = True
        yield one, Standing(rows, mask, bool(opens or closes) or one.seq == first, opens, closes)


def _check_bounds(x: PackExamination, series: Series, rows: list[Row]) -> None:
    known = {one.seq for one in series.collections}
    replayed = {one.seq for one in series.replayed.collections}
    first = series.replayed.first
    for row in rows:
        begins = row.opened in (replayed if row.opened > first else known)
        ends = row.closed is None or (row.closed in replayed and row.closed > max(row.opened, first))
        if not begins or not ends:
            x.problem(_named(series, row), "is not bounded by collections of its series")
    for before, row in pairwise(rows):
        if (before.key, before.opened) >= (row.key, row.opened):
            x.problem(_named(series, row), "is not in order")
        elif before.key == row.key and (before.closed is None or before.closed > row.opened):
            x.problem(_named(series, row), "has two versions at one time")
        elif before.key == row.key and (before.closed, before.leaf) == (row.opened, row.leaf):
            x.problem(_named(series, row), "has two versions that do not differ")


def _named(series: Series, row: Row) -> str:
    return f"{' '.join(reversed(row.key))} ({series.label})"
