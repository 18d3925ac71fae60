"""Intervals: replayed, they must give at every collection the roots that it was logged with."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Set
from functools import lru_cache
from itertools import groupby
from typing import Any, Generic, NamedTuple

import orjson
import sqlalchemy as sa

from store.canonical import canonical
from store.collection_entry import collection_rows
from store.intervals import decided_digest, finding_leaf
from store.keyed_tree import Key, KeyedTree
from store.schema import collection, content, finding, resource, series
from store.tree import leaf_hash
from store.verification.examination import Ended, Examination

_REMEMBERED = 1 << 12
_NEVER = (None, "", 0)


def check_series(x: Examination) -> None:
    for row in x.connection.execute(sa.select(series)).all():
        collections = x.connection.execute(
            collection_rows().where(collection.c.series_id == row.id).order_by(collection.c.id)
        ).all()
        label = f"{row.resource_type or 'scope'} {row.region}".strip()
        if not collections:
            x.problem(f"series {label}", "has no collection")
        with x.at(f"series {label}"):
            _replay_content(x, row.id, label, collections)
        with x.at(f"series {label}"):
            _replay_findings(x, row.id, label, collections)
    unused = sa.select(resource).where(
        resource.c.id.not_in(sa.union(sa.select(content.c.resource_pk), sa.select(finding.c.resource_pk)))
    )
    for row in x.connection.execute(unused):
        x.problem(f"resource {row.resource_id}", "has neither content nor findings")


class _Interval(NamedTuple, Generic[Key]):
    key: Key
    leaf: bytes
    series_id: int
    opened: int
    closed: int | None


def _replay_content(x: Examination, series_pk: int, label: str, collections: Any) -> None:
    rows = x.connection.execute(
        sa.text(
            """SELECT r.resource_id AS key, c.hash, r.series_id, c.opened, c.closed
               FROM collection o JOIN content c ON c.opened = o.id JOIN resource r ON r.id = c.resource_pk
               WHERE o.series_id = :series ORDER BY o.id"""
        ),
        {"series": series_pk},
    )
    intervals = (
        _Interval(key, leaf_hash(canonical([key, hash_.hex()])), series, opened, closed)
        for key, hash_, series, opened, closed in rows
    )
    for row, tree, opened, closed in _replay(x, series_pk, label, "resource", collections, intervals):
        where = f"collection {row.id} ({label})"
        seen = tree
        if not row.complete:
            manifest = x.json(row.manifest) if row.manifest else None
            if manifest is None:
                x.problem(where, "is incomplete and does not say what it saw")
                continue
            seen = KeyedTree[str]()
            seen.change((), {key: leaf_hash(canonical([key, value])) for key, value in manifest})
            if any(tree.leaves.get(key) != leaf for key, leaf in seen.leaves.items()):
                x.problem(where, "the intervals do not hold what it saw")
            for key in sorted(opened - seen.leaves.keys()):
                x.problem(f"resource {key}", f"has a version since {where}, which did not see it")
            for key in sorted(closed - opened):
                x.problem(f"resource {key}", f"is gone since {where}, which was incomplete")
        if seen.root() != row.content_root or len(seen) != row.resources:
            x.problem(where, "its resources give another root")


def _replay_findings(x: Examination, series_pk: int, label: str, collections: Any) -> None:
    intervals = _finding_intervals(x, series_pk, label)
    for row, tree, _, _ in _replay(x, series_pk, label, "finding", collections, intervals):
        if tree.root() != row.findings_root:
            x.problem(f"collection {row.id} ({label})", "its findings give another root")


def _finding_intervals(x: Examination, series_pk: int, label: str) -> Iterator[_Interval[tuple[str, str]]]:
    rows = x.connection.execute(
        sa.text(
            """SELECT r.resource_id, f.check_id, k.check_id, k.digest, f.outcome, f.document, f.observed,
                      f.reason, f.decided, c.finished, c.seq, f.since, r.series_id, f.opened, f.closed
               FROM collection o JOIN finding f ON f.opened = o.id JOIN resource r ON r.id = f.resource_pk
               JOIN check_applied k ON k.id = f.check_pk LEFT JOIN collection c ON c.id = f.closed
               WHERE o.series_id = :series ORDER BY o.id"""
        ),
        {"series": series_pk},
    )
    last: dict[tuple[str, str], tuple[int | None, str, int]] = {}
    for row in rows:
        resource_id, check_id, applied, check_digest, outcome, document, *evidence = row
        observed, reason, decided, *ending, since, series, opened, closed = evidence
        wrong = []
        try:
            because = decided_digest(observed, reason) if decided is None else decided.hex()
            as_written = observed is None or _is_canonical(observed)
            leaf = canonical(finding_leaf(resource_id, check_id, check_digest, outcome, document, because))
        except ValueError as error:
            x.problem(f"finding {check_id} on {resource_id or label}", f"cannot be read: {error}")
            continue
        key = (resource_id, check_id)
        ended, was, began = last.get(key, _NEVER)
        last[key] = closed, outcome, since
        if since != (began if (ended, was) == (opened, outcome) else opened):
            wrong.append("since when it holds is not what its history says")
        if applied != check_id:
            wrong.append(f"was decided by {applied}")
        if not as_written:
            wrong.append("what was observed is not written as it was")
        if decided is not None:
            if observed is not None or reason is not None:
                wrong.append("has what decided it, and says that this was let go")
            if not x.let_go(decided, None if closed is None else Ended(*ending)):
                wrong.append("what decided it is gone")
        for message in wrong:
            x.problem(f"finding {check_id} on {resource_id or label}", message)
        yield _Interval(key, leaf_hash(leaf), series, opened, closed)


@lru_cache(_REMEMBERED)
def _is_canonical(observed: str) -> bool:
    return canonical(orjson.loads(observed)) == observed.encode()


def _replay(
    x: Examination,
    series_pk: int,
    label: str,
    noun: str,
    collections: Any,
    intervals: Iterable[_Interval[Key]],
) -> Iterator[tuple[Any, KeyedTree[Key], Set[Key], Set[Key]]]:
    """Yield each collection, what is open after it, and the keys that it opened and closed.

    What is held at a time grows with what is open at a time, not with how often it changed.
    """
    known = {row.id for row in collections}
    opening = groupby(intervals, lambda interval: interval.opened)
    opens_next, opened_next = next(opening, (None, iter(())))
    closing: dict[int, list[Key]] = defaultdict(list)
    tree = KeyedTree[Key]()
    for row in collections:
        before = {key: tree.leaves.get(key) for key in closing.pop(row.id, ())}
        fresh: dict[Key, bytes] = {}
        if opens_next == row.id:
            for interval in opened_next:
                key, leaf, series, opened, closed = interval
                mine = series == series_pk
                if not mine or not (closed is None or (closed in known and closed > opened)):
                    x.problem(f"{noun} {key}", f"its interval is not bounded by collections of {label}")
                if not mine:
                    continue
                if key in fresh or (key in tree.leaves and key not in before):
                    x.problem(f"{noun} {key}", "has two versions at one time")
                if before.get(key) == leaf:
                    x.problem(f"{noun} {key}", "has two versions that do not differ")
                fresh[key] = leaf
                if closed is not None:
                    closing[closed].append(key)
            opens_next, opened_next = next(opening, (None, iter(())))
        tree.change(before, fresh)
        yield row, tree, fresh.keys(), before.keys()
