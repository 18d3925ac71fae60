"""The rows of a pack: replayed, they must give at every collection the roots that the log states."""

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from store.canonical import canonical, digest
from store.intervals import finding_leaf
from store.pack import layout
from store.pack.bearing import check_bears
from store.pack.replayed import Collected, replayed
from store.pack.verification.examination import PackExamination, Series, json_lines
from store.pack.verification.population import Judged, Populations
from store.pack.verification.replay import Row, Standing, replay
from store.tree import leaf_hash, root_of_hashes

_PLACE = ("provider", "scope", "type", "region")


def check_series(x: PackExamination) -> None:
    """Check that the pack has exactly the series that the log says were collected."""
    for key in sorted(x.collections):
        with x.at(" ".join(key)):
            found = replayed(x.collections[key], x.selection.period)
            if found is not None:
                x.series.append(Series(key, tuple(x.collections[key]), found))
    stated = [tuple(line[name] for name in _PLACE) for line in _numbered(x)]
    missing = [series for series in x.series if series.key not in stated]
    for series in missing:
        x.problem(layout.SERIES, f"{series.label} was collected, but is left out")
    if not missing and stated != [series.key for series in x.series]:
        x.problem(layout.SERIES, "has series that were not collected, or has them in another order")


def check_findings(x: PackExamination) -> Populations:
    """Replay the findings, and return what was judged by checks of the selection."""
    populations = Populations(x)
    for series, lines in _by_series(x, layout.FINDINGS):
        rows = list(_rows(x, series, lines, _finding))
        for one, standing in replay(x, series, rows):
            if standing.changed:
                root = standing.root()
            if root != one.findings:
                x.problem(_collection(series, one), "its findings give another root")
        known = frozenset(one.seq for one in series.collections)
        for number, row in enumerate(rows):
            with x.at(f"{row.key[1]} on {row.key[0] or series.label}"):
                _check_since(x, series, known, rows[number - 1] if number else None, row)
                _judge(x, series, row, populations)
        x.rows += len(rows)
    return populations


def _judge(x: PackExamination, series: Series, row: Row, populations: Populations) -> None:
    resource, check = row.key
    body = x.check_body(row.line["check_digest"], check)
    if body is None or not check_bears(x.selection, body) or not series.replayed.in_period(row.closed):
        return
    populations.add(
        Judged(
            series=series,
            check=check,
            resource=resource,
            outcome=row.line["outcome"],
            document=row.line["document"],
            opened=row.opened,
            closed=row.closed,
            decided=row.line.get("decided", ""),
            kinds=tuple(body.get("resources", ())),
        )
    )


def check_content(x: PackExamination, whole: frozenset[tuple[str, str, str]]) -> None:
    """Replay the contents.

    Args:
        whole: (provider, scope, resource type) of which every document is needed.
    """
    everything = not x.selection.controls and x.selection.sample is None
    seen = _by_series(x, layout.SEEN)
    proving: dict[str, int] = {}
    for series, lines in _by_series(x, layout.CONTENT):
        rows = list(_rows(x, series, lines, _content))
        _, stretches = next(seen)
        stated = [(line["collection"], line["seen"]) for line in stretches]
        incomplete = {one.seq for one in series.replayed.collections if one.manifest is not None}
        if len(stated) > len(incomplete) or not incomplete.issuperset(seq for seq, _ in stated):
            x.problem(layout.SEEN, f"says more of {series.label} than its incomplete collections saw")
        saw = _Saw(x, series, rows, dict(stated))
        for one, standing in replay(x, series, rows):
            with x.at(_collection(series, one)):
                saw.check(one, standing)
        provider, scope, kind, _ = series.key
        for number, row in enumerate(rows):
            key = row.line["document"]
            if series.replayed.in_period(row.closed) and (everything or (provider, scope, kind) in whole):
                x.need(x.documents, key, row.key[0], series.replayed.ended(row.closed))
            if key in x.documents:
                proving[key] = max(proving.get(key, -1), saw.newest[number])
        x.rows += len(rows)
    next(seen, None)
    x.rests.update(seq for seq in proving.values() if seq >= 0)


class _Saw:
    """Follows which collection saw which rows of a series.

    Attributes:
        newest: for each row the last collection that saw it, -1 if none did.
    """

    def __init__(
        self, x: PackExamination, series: Series, rows: list[Row], stretches: dict[int, list[list[int]]]
    ) -> None:
        self._x = x
        self._series = series
        self._rows = rows
        self._stretches = stretches
        self._root = b""
        self.newest = [-1] * len(rows)

    def check(self, one: Collected, standing: Standing) -> None:
        where = _collection(self._series, one)
        if one.manifest is None:
            if not one.complete:
                self._x.problem(where, "is incomplete and does not say what it saw")
            if standing.changed or not self._root:
                self._root = standing.root()
            numbers = standing.numbers()
            root = self._root
        else:
            numbers = self._incomplete(one, standing, where)
            root = root_of_hashes([self._rows[number].leaf for number in numbers])
            self._root = b""
        for number in numbers:
            self.newest[number] = one.seq
        if (root, len(numbers)) != (one.content, one.resources):
            self._x.problem(where, "its resources give another root or number")

    def _incomplete(self, one: Collected, standing: Standing, where: str) -> list[int]:
        if one.seq not in self._stretches:
            self._x.problem(where, f"is incomplete; {layout.SEEN} does not say what it saw")
        there = standing.numbers()
        numbers: list[int] = []
        begin = 0
        for first, last in self._stretches.get(one.seq, []):
            if not begin <= first <= last < len(there):
                raise ValueError("what it saw is not in order, or beyond what stood")
            numbers += there[first : last + 1]
            begin = last + 1
        saw = [[self._rows[number].key[0], self._rows[number].line["document"]] for number in numbers]
        if hashlib.sha256(canonical(saw)).digest() != one.manifest:
            self._x.problem(where, "saw something else than the pack says")
        if one.seq != self._series.replayed.first:
            opened = {self._rows[number].key for number in standing.opened}
            if not opened <= {self._rows[number].key for number in numbers}:
                self._x.problem(where, "opened what it did not see")
            if not {self._rows[number].key for number in standing.closed} <= opened:
                self._x.problem(where, "closed what it did not see, though it was incomplete")
        return numbers


def _check_since(
    x: PackExamination, series: Series, known: frozenset[int], before: Row | None, row: Row
) -> None:
    since = row.line["since"]
    first = series.replayed.first
    if row.opened <= first:
        fits = since <= row.opened and since in known
    elif (
        before is not None
        and (before.key, before.closed) == (row.key, row.opened)
        and before.line["outcome"] == row.line["outcome"]
    ):
        fits = since == before.line["since"]
    else:
        fits = since == row.opened
    if not fits:
        x.problem(
            f"{row.key[1]} on {row.key[0] or series.label}",
            "since when it holds is not what its history says",
        )


def _numbered(x: PackExamination) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(json_lines(x, layout.SERIES)):
        if line.get("series") != number:
            x.problem(layout.SERIES, "does not number its series from 0 on")
        yield line


_Lines = Iterator[dict[str, Any]]


def _by_series(x: PackExamination, name: str) -> Iterator[tuple[Series, _Lines]]:
    """Yield each series with its lines, which are to be read before the next."""
    lines = json_lines(x, name)
    waiting: list[dict[str, Any]] = []

    def of(number: int) -> _Lines:
        while True:
            line = waiting.pop() if waiting else next(lines, None)
            if line is None:
                return
            if line.get("series") != number:
                waiting.append(line)
                return
            yield line

    for number, series in enumerate(x.series):
        mine = of(number)
        yield series, mine
        for _ in mine:
            pass
    if waiting or next(lines, None) is not None:
        x.problem(name, "has rows of no series, or has them in another order")


def _rows(
    x: PackExamination,
    series: Series,
    lines: _Lines,
    read: Callable[[dict[str, Any]], tuple[tuple[str, ...], Any]],
) -> Iterator[Row]:
    for line in lines:
        with x.at(f"a row of {series.label}"):
            key, leaf = read(line)
            opened, closed = line["opened"], line["closed"]
            if type(opened) is not int or (closed is not None and type(closed) is not int):
                raise TypeError("entries of the log are numbers")
            yield Row(key, leaf_hash(canonical(leaf)), opened, closed, line)


def _content(line: dict[str, Any]) -> tuple[tuple[str, ...], Any]:
    return (line["resource"],), [line["resource"], line["document"]]


def _finding(line: dict[str, Any]) -> tuple[tuple[str, ...], Any]:
    if "decided" not in line:
        decided = digest({"observed": line["observed"], "reason": line["reason"]})
    else:
        decided = line["decided"]
    document = bytes.fromhex(line["document"])
    key = (line["resource"], line["check"])
    return key, finding_leaf(*key, bytes.fromhex(line["check_digest"]), line["outcome"], document, decided)


def _collection(series: Series, one: Collected) -> str:
    return f"log entry {one.seq} ({series.label})"
