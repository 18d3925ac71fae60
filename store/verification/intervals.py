"""Intervals: replayed, they must give at every collection the roots that it was logged with."""

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import orjson
import sqlalchemy as sa

from store.canonical import canonical
from store.collection_entry import collection_rows
from store.intervals import decided_digest, finding_leaf
from store.schema import collection, content, finding, resource, series
from store.tree import Frontier, leaf_hash
from store.verification.examination import Ended, Examination


def check_series(x: Examination) -> None:
    for row in x.connection.execute(sa.select(series)).all():
        collections = x.connection.execute(
            collection_rows().where(collection.c.series_id == row.id).order_by(collection.c.seq)
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


def _replay_content(x: Examination, series_pk: int, label: str, collections: Any) -> None:
    rows = x.connection.execute(
        sa.text(
            """SELECT r.resource_id AS key, c.hash, c.opened, c.closed
               FROM resource r JOIN content c ON c.resource_pk = r.id WHERE r.series_id = :series"""
        ),
        {"series": series_pk},
    ).all()
    intervals = [
        (row.key, leaf_hash(canonical([row.key, row.hash.hex()])), row.opened, row.closed) for row in rows
    ]
    for row, leaves, opened, closed in _replay(x, label, "resource", collections, intervals):
        where = f"collection {row.id} ({label})"
        if row.complete:
            seen = leaves
        else:
            manifest = x.json(row.manifest) if row.manifest else None
            if manifest is None:
                x.problem(where, "is incomplete and does not say what it saw")
                continue
            seen = {key: leaf_hash(canonical([key, value])) for key, value in manifest}
            if any(leaves.get(key) != leaf for key, leaf in seen.items()):
                x.problem(where, "the intervals do not hold what it saw")
            for key in sorted(opened - seen.keys()):
                x.problem(f"resource {key}", f"has a version since {where}, which did not see it")
            for key in sorted(closed - opened):
                x.problem(f"resource {key}", f"is gone since {where}, which was incomplete")
        if _root(seen) != row.content_root or len(seen) != row.resources:
            x.problem(where, "its resources give another root")


def _replay_findings(x: Examination, series_pk: int, label: str, collections: Any) -> None:
    rows = x.connection.execute(
        sa.text(
            """SELECT r.resource_id, f.check_id, k.check_id AS applied, k.digest, f.outcome, f.document,
                      f.observed, f.reason, f.since, f.opened, f.closed, f.decided, c.finished, c.seq
               FROM resource r JOIN finding f ON f.resource_pk = r.id
               JOIN check_applied k ON k.id = f.check_pk LEFT JOIN collection c ON c.id = f.closed
               WHERE r.series_id = :series ORDER BY f.opened"""
        ),
        {"series": series_pk},
    ).all()
    intervals = []
    last: dict[tuple[str, str], Any] = {}
    for row in rows:
        key = (row.resource_id, row.check_id)
        where = f"finding {row.check_id} on {row.resource_id or label}"
        try:
            leaf = finding_leaf(*key, row.digest, row.outcome, row.document, _decided(x, row, where))
        except ValueError as error:
            x.problem(where, f"cannot be read: {error}")
            continue
        before = last.get(key)
        since = row.opened
        if before is not None and (before.closed, before.outcome) == (row.opened, row.outcome):
            since = before.since
        if row.since != since:
            x.problem(where, "since when it holds is not what its history says")
        if row.applied != row.check_id:
            x.problem(where, f"was decided by {row.applied}")
        if row.observed is not None and canonical(orjson.loads(row.observed)) != row.observed.encode():
            x.problem(where, "what was observed is not written as it was")
        last[key] = row
        intervals.append((key, leaf_hash(canonical(leaf)), row.opened, row.closed))
    for row, leaves, _, _ in _replay(x, label, "finding", collections, intervals):
        if _root(leaves) != row.findings_root:
            x.problem(f"collection {row.id} ({label})", "its findings give another root")


def _decided(x: Examination, row: Any, where: str) -> str:
    """Return the digest of what decided a finding, which retention may have let go."""
    if row.decided is None:
        return decided_digest(row.observed, row.reason)
    if row.observed is not None or row.reason is not None:
        x.problem(where, "has what decided it, and says that this was let go")
    ended = None if row.closed is None else Ended(row.finished, row.seq)
    if not x.let_go(row.decided, ended):
        x.problem(where, "what decided it is gone")
    return str(row.decided.hex())


def _replay(
    x: Examination,
    label: str,
    noun: str,
    collections: Any,
    intervals: list[tuple[Any, bytes, int, int | None]],
) -> Iterator[tuple[Any, dict[Any, bytes], set[Any], set[Any]]]:
    """Yield each collection, what is open after it, and the keys that it opened and closed."""
    opened: dict[int, list[tuple[Any, bytes]]] = defaultdict(list)
    closed: dict[int, list[Any]] = defaultdict(list)
    known = {row.id for row in collections}
    for key, leaf, opens, closes in intervals:
        if opens not in known or (closes is not None and (closes not in known or closes <= opens)):
            x.problem(f"{noun} {key}", f"its interval is not bounded by collections of {label}")
        opened[opens].append((key, leaf))
        if closes is not None:
            closed[closes].append(key)
    leaves: dict[Any, bytes] = {}
    for row in collections:
        before = {key: leaves.pop(key, None) for key in closed[row.id]}
        for key, leaf in opened[row.id]:
            if key in leaves:
                x.problem(f"{noun} {key}", "has two versions at one time")
            if before.get(key) == leaf:
                x.problem(f"{noun} {key}", "has two versions that do not differ")
            leaves[key] = leaf
        yield row, leaves, {key for key, _ in opened[row.id]}, set(before)


def _root(leaves: dict[Any, bytes]) -> bytes:
    frontier = Frontier()
    for key in sorted(leaves):
        frontier.append(leaves[key])
    return frontier.root()
