"""The log: its entries, its state, and the runs, checks and scopes that it names."""

from collections import defaultdict
from typing import Any

import orjson
import sqlalchemy as sa

from store.collection_entry import KIND
from store.retention import PRUNE
from store.schema import check, checkpoint, log, log_state, meta, run, scope
from store.statement import STATEMENT_KINDS
from store.tree import Frontier, leaf_hash
from store.verification.examination import Examination

KINDS = STATEMENT_KINDS | {
    "store",
    "checks",
    "run",
    "scope",
    "key",
    "checkpoint",
    "cosignature",
    "timestamp",
    PRUNE,
    KIND,
}


def check_log(x: Examination) -> None:
    """Check the entries one by one, and that they make the tree that the log says they make."""
    x.checkpoints = {row.size: row for row in x.connection.execute(sa.select(checkpoint))}
    unmet = dict(x.checkpoints)
    wanted = x.checkpoints.keys() | {held.size for _, _, held in x.held}
    frontier = Frontier()
    size, whole = 0, True
    for row in x.connection.execute(sa.select(log).order_by(log.c.seq)):
        if row.seq != size:
            x.problem(f"log entry {size}", f"is missing; the next one is {row.seq}")
            whole = False
        size = row.seq + 1
        x.leaves[row.seq] = row.kind, row.hash
        frontier.append(row.hash)
        _check_entry(x, row)
        kept = unmet.pop(size, None)
        if whole and size in wanted:
            x.roots[size] = frontier.root()
        if whole and kept is not None and kept.root != x.roots[size]:
            x.problem(f"checkpoint {size}", "the log's first entries have another root")
    for unknown in sorted(unmet):
        if unknown > size:
            x.problem(f"checkpoint {unknown}", f"the log has only {size} entries")
    _check_state(x, size, frontier if whole else None)
    x.result.size = size
    x.result.root = frontier.root().hex() if whole else ""
    store_id = x.connection.execute(sa.select(meta.c.value).where(meta.c.key == "store_id")).scalar()
    if x.entries.get(0, {}).get("store") != store_id:
        x.problem("log entry 0", "does not name this store")


def _check_entry(x: Examination, row: Any) -> None:
    where = f"log entry {row.seq}"
    if (row.kind == KIND) != (row.entry is None):
        x.problem(where, "must be kept, unless it is a collection's")
    if row.entry is None:
        if row.dictionary_id is not None:
            x.problem(where, "names a dictionary for nothing")
        return
    x.dictionaries.add(row.dictionary_id)
    try:
        entry = x.record.blobs.decompress(x.connection, row.dictionary_id, row.entry)
    except ValueError as error:
        x.problem(where, f"cannot be read: {error}")
        return
    if leaf_hash(entry) != row.hash:
        x.problem(where, "has another leaf hash")
    with x.at(where):
        body = orjson.loads(entry)
        if not isinstance(body, dict) or body.get("kind") != row.kind:
            x.problem(where, "is not of the kind that its row says")
            return
        if row.kind not in KINDS:
            x.problem(where, f"is of the kind {row.kind!r}, which this version cannot verify")
        if (row.kind == "store") != (row.seq == 0):
            x.problem(where, "must name the store, and no other entry may")
        x.entries[row.seq] = body


def _check_state(x: Examination, size: int, frontier: Frontier | None) -> None:
    states = x.connection.execute(sa.select(log_state)).all()
    if len(states) > 1:
        x.problem("log state", "is there more than once")
    stated_size, stated = (states[0].size, states[0].frontier) if states else (0, b"")
    if stated_size != size:
        x.problem("log state", f"says {stated_size} entries; there are {size}")
    elif frontier is not None and stated != frontier.to_bytes():
        x.problem("log state", "the entries give another tree than it says")


def check_checkpoints(x: Examination) -> None:
    """Check that each checkpoint follows the entry that it was made for, and states its time."""
    made = {}
    for seq, body in x.entries.items():
        with x.at(f"log entry {seq}"):
            if (
                body["kind"] == "checkpoint"
                or (body["kind"] == "run" and body["event"] == "finished")
                or (body["kind"] == "key" and body["old"] is not None)
            ):
                made[seq + 1] = body["at"]
    for size, row in x.checkpoints.items():
        if size - 1 in x.leaves and made.pop(size, None) != row.at:
            x.problem(f"checkpoint {size}", "its time is not as it was logged")
    for size in sorted(made):
        x.problem(f"checkpoint {size}", "was logged, but is gone")


def check_runs(x: Examination) -> None:
    events: dict[str, dict[str, tuple[int, dict[str, Any]]]] = defaultdict(dict)
    for seq, body in x.entries.items():
        if body["kind"] == "run":
            with x.at(f"log entry {seq}"):
                if body["event"] in events[body["run"]]:
                    x.problem(f"log entry {seq}", f"run {body['run']} has {body['event']} twice")
                events[body["run"]][body["event"]] = seq, body
    last = -1
    for row in x.connection.execute(sa.select(run).order_by(run.c.id)):
        where = f"run {row.uid}"
        with x.at(where):
            logged = events.pop(row.uid, {})
            begun, started = logged.get("started", (-1, None))
            if started is None or (started["at"], started["trigger"]) != (row.started, row.trigger):
                x.problem(where, "its start is not as it was logged")
            elif begun < last:
                x.problem(where, "its row is not in the order of the log")
            last = max(last, begun)
            _check_end(x, row, logged, where)
    for uid in events:
        x.problem(f"run {uid}", "was logged, but its row is gone")


def _check_end(x: Examination, row: Any, logged: dict[str, tuple[int, dict[str, Any]]], where: str) -> None:
    seq, ended = logged.get("finished") or logged.get("interrupted") or (-1, None)
    if ended is None:
        if row.status != "running" or row.finished is not None or row.summary is not None:
            x.problem(where, "its end was never logged")
        return
    kept = orjson.loads(row.summary) if row.summary is not None else None
    stated = (ended["at"], ended.get("status", "interrupted"), ended.get("summary"))
    if stated != (row.finished, row.status, kept):
        x.problem(where, "its end is not as it was logged")
    if ended["event"] == "finished":
        checkpoint_ = x.checkpoints.get(seq + 1)
        if checkpoint_ is None or checkpoint_.at != ended["at"]:
            x.problem(f"checkpoint {seq + 1}", f"is not the one that {where} ended with")


def check_applied(x: Examination) -> None:
    """Check the rows of the checks that were ever applied."""
    logged: set[tuple[str, str]] = set()
    for seq, body in x.entries.items():
        if body["kind"] == "checks":
            with x.at(f"log entry {seq}"):
                logged.update((check_id, digest) for check_id, digest in body["checks"])
    for row in x.connection.execute(sa.select(check)):
        with x.at(f"check {row.check_id}"):
            if (row.check_id, row.digest.hex()) not in logged:
                x.problem(f"check {row.check_id}", "is not in the log as it is")
            logged.discard((row.check_id, row.digest.hex()))
    for check_id, _ in sorted(logged):
        x.problem(f"check {check_id}", "was logged, but its row is gone")


def check_scopes(x: Examination) -> None:
    """Check the names of scopes against the newest that were logged."""
    names = {}
    for seq, body in x.bodies("scope"):
        with x.at(f"log entry {seq}"):
            names[body["provider"], body["scope"]] = body["name"]
    for row in x.connection.execute(sa.select(scope)):
        if names.pop((row.provider, row.external_id), None) != row.name:
            x.problem(f"scope {row.external_id}", "its name is not as it was logged")
    for _, scope_id in names:
        x.problem(f"scope {scope_id}", "was logged, but its row is gone")
