"""Choosing what a pack shows: findings of a period, what they rest on, and what people stated."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any, TypeVar, cast

import orjson
import sqlalchemy as sa

from store.blobs import Blobs
from store.checkpoint_text import Checkpoint
from store.collection_entry import collection_rows
from store.coverage import Coverage, coverage
from store.errors import PackError, StoreError
from store.files import path_of
from store.model import Gap, Outcome
from store.note import NoteError, parse
from store.pack.bearing import check_bears, counted, statement_bears
from store.pack.contents import Contents, PackedCollection, PackedFinding, Population, Selection
from store.pack.rows import SeriesRows, read_series
from store.pack.sampling import Item, drawn
from store.query import check_bodies, collection_row
from store.record import Record
from store.schema import checkpoint, collection, meta, timestamp, tombstone
from store.statement import Attestation, Filed, Withdrawal
from store.statements import read as read_statements

_SIGN = "Run `annexa checkpoint`, then export again."
_CHUNK = 500

_T = TypeVar("_T")
_Taken = tuple[Item, PackedFinding, str]
_Places = frozenset[tuple[str, str, str]]


def contents(record: Record, selection: Selection) -> Contents:
    """Choose what goes into a pack.

    Raises:
        PackError: no signed checkpoint covers the period, or nothing had been collected by its end.
        StoreError: the record is damaged.
    """
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        found = _sealed(connection, selection)
        bodies = check_bodies(record, connection)
        chosen = {key.hex(): body for key, body in bodies.items() if check_bears(selection, body)}
        let_go = _choose_findings(connection, found, chosen)
        _choose_documents(connection, record.blobs, found)
        _choose_statements(connection, record.blobs, found)
        _take_collections(connection, record.blobs, found)
        _note_pruned(connection, record, found, let_go)
    covered = coverage(record, selection.period, selection.providers, selection.scopes)
    found.coverage = Coverage(
        [one for one in covered.checks if check_bears(selection, one.check_body)],
        [one for one in covered.undecided if check_bears(selection, one.check_body)],
    )
    return found


def _sealed(connection: sa.Connection, selection: Selection) -> Contents:
    """Begin with what is signed: everything else has to lie under it."""
    signed = connection.execute(
        sa.select(checkpoint).where(checkpoint.c.note.is_not(None)).order_by(checkpoint.c.size)
    ).all()
    if not signed:
        raise PackError("no checkpoint of the record is signed, so a pack would prove nothing", _SIGN)
    newest = signed[-1]
    period = selection.period
    sizes = [row.size for row in signed if period.before < row.at <= period.end or row is newest]
    stamped = set(
        connection.execute(sa.select(timestamp.c.size).where(timestamp.c.token.is_not(None))).scalars()
    )
    try:
        origin = Checkpoint.parse(parse(newest.note.encode()).text).origin
    except NoteError as error:
        raise StoreError(f"checkpoint {newest.size} is damaged: {error}", "Run `annexa verify`.") from error
    return Contents(
        origin=origin,
        store_id=connection.execute(sa.select(meta.c.value).where(meta.c.key == "store_id")).scalar_one(),
        selection=selection,
        as_of=min(period.end, newest.at),
        coverage=Coverage([], []),
        checkpoints=sizes,
        stamped=[size for size in sizes if size in stamped],
    )


def _choose_findings(
    connection: sa.Connection, found: Contents, chosen: dict[str, dict[str, Any]]
) -> set[str]:
    """Take the findings of the period on the chosen checks, or a sample of those that stand.

    Returns:
        the digests of what decided those of them where that was let go.
    """
    selection = found.selection
    taken: dict[str, list[_Taken]] = defaultdict(list)
    same: dict[Any, Any] = {}
    collected = False
    for rows in read_series(connection, selection):
        collected = True
        if rows.replayed.last >= found.checkpoints[-1]:
            raise PackError(
                f"a collection of the period (log entry {rows.replayed.last}) is not under a signed "
                f"checkpoint: the newest one covers {found.checkpoints[-1]} entries",
                _SIGN,
            )
        content = defaultdict(list)
        for row in rows.content:
            content[row.resource_id].append(row)
        for row in rows.findings:
            if row.digest.hex() in chosen and rows.replayed.in_period(rows.closed(row)):
                packed = _packed(rows, row, content[row.resource_id], same)
                decided = row.decided.hex() if row.decided is not None else ""
                taken[row.check_id].append((rows.item(packed.resource_id), packed, decided))
                found.checks[packed.check_digest] = chosen[packed.check_digest]
    if not collected:
        raise PackError(
            f"nothing of this selection had been collected by {selection.period.end}",
            "`annexa status` shows what there is, and since when.",
        )
    let_go = set[str]()
    for check_id in sorted(taken):
        shown, population = _population(selection, check_id, taken.pop(check_id))
        found.populations.append(population)
        found.findings += [one for _, one, _ in shown]
        let_go.update(decided for _, _, decided in shown if decided)
    found.findings.sort(
        key=lambda one: (one.check, one.provider, one.scope, one.region, one.resource_id, one.opened)
    )
    return let_go


def _population(selection: Selection, check_id: str, taken: list[_Taken]) -> tuple[list[_Taken], Population]:
    standing = [each for each in taken if not each[1].ended]
    population = {each[0]: each for each in standing if each[1].outcome is not Outcome.NOT_APPLICABLE}
    shown, packed = taken, len(population)
    if selection.sample is not None:
        shown = [population[item] for item in sorted(drawn(selection.sample, check_id, population))]
        packed = len(shown)
    outcomes = Counter(one.outcome.value for _, one, _ in standing)
    total = len(population)
    return shown, Population(check_id, total, len(standing) - total, dict(sorted(outcomes.items())), packed)


def _packed(rows: SeriesRows, row: Any, versions: list[Any], same: dict[Any, Any]) -> PackedFinding:
    """Return a finding; values that came before are taken from there, so that they are held once."""

    def share(value: _T) -> _T:
        return cast(_T, same.setdefault(value, value))

    # What was observed is kept apart from other text that happens to be the same.
    observed = (row.observed,)
    if row.observed is not None and observed not in same:
        same[observed] = orjson.loads(row.observed)
    closed = rows.closed(row)
    about = next((one for one in versions if one.hash == row.document), versions[-1] if versions else None)
    return PackedFinding(
        check=share(row.check_id),
        check_digest=share(row.digest.hex()),
        outcome=Outcome(row.outcome),
        observed=None if row.observed is None else same[observed],
        reason=share(row.reason),
        document=share(row.document.hex()) if row.document else "",
        provider=rows.provider,
        scope=rows.scope,
        region=about.lives_in if about is not None else rows.region,
        resource_type=rows.resource_type,
        resource_id=share(row.resource_id),
        resource_name=about.name if about is not None else "",
        first_seen=share(row.first_seen),
        ended="" if closed is None else share(row.ended),
        opened=row.opened,
        proven=rows.replayed.newest(closed),
    )


def whole_types(found: Contents) -> _Places:
    """Return (provider, scope, resource type) of what the shown findings on whole scopes looked at."""
    return frozenset(
        (one.provider, one.scope, kind)
        for one in found.findings
        if not one.resource_type
        for kind in found.checks[one.check_digest].get("resources", ())
    )


def _choose_documents(connection: sa.Connection, blobs: Blobs, found: Contents) -> None:
    """Note the documents that are shown, and the newest collection that saw each."""
    selection = found.selection
    everything = not selection.controls and selection.sample is None
    found.documents.update((one.document, one.proven) for one in found.findings if one.document)
    whole = whole_types(found)
    newest: dict[str, int] = {}
    for rows in read_series(connection, selection, findings=False):
        complete = [one.seq for one in rows.replayed.collections if one.complete]
        seen = list(rows.seen(connection, blobs))
        for row in rows.content:
            closed, key = rows.closed(row), row.hash.hex()
            wanted = rows.replayed.in_period(closed) and (everything or rows.place in whole)
            if wanted or key in found.documents:
                until = rows.replayed.last + 1 if closed is None else closed
                by = bisect_left(complete, until) - 1
                saw = [complete[by]] if by >= 0 and complete[by] >= row.opened else []
                saw += [
                    one.seq
                    for one, documents in seen
                    if row.opened <= one.seq < until and documents.get(row.resource_id) == key
                ]
                newest[key] = max(newest.get(key, row.opened), *saw)
    found.documents.update(newest)


def _choose_statements(connection: sa.Connection, blobs: Blobs, found: Contents) -> None:
    """Take the statements that counted in the period and bear on it, and withdrawals of them."""
    selection = found.selection
    checks = frozenset(one.check for one in found.populations)
    filed = read_statements(connection, blobs, selection.period.end)
    if filed and filed[-1].entry >= found.checkpoints[-1]:
        raise PackError(
            f"{filed[-1].kind} {filed[-1].entry} is not under a signed checkpoint: "
            f"the newest one covers {found.checkpoints[-1]} entries",
            _SIGN,
        )
    taken = {
        one.entry
        for one in filed
        if counted(one, selection.period)
        and (one.statement is None or statement_bears(selection, one, checks))
    }
    found.statements = [
        one
        for one in filed
        if one.entry in taken or (isinstance(one.statement, Withdrawal) and one.statement.entry in taken)
    ]


def withdrawals(connection: sa.Connection, blobs: Blobs, found: Contents) -> list[Filed]:
    """Return every withdrawal by the end of the period: who verifies must see which statements ended."""
    filed = read_statements(connection, blobs, found.selection.period.end)
    return [one for one in filed if one.kind == Withdrawal.KIND]


def _take_collections(connection: sa.Connection, blobs: Blobs, found: Contents) -> None:
    wanted = {seq for one in found.findings for seq in (one.opened, one.proven)}
    wanted |= set(found.documents.values())
    reports: dict[bytes, dict[str, Any] | None] = {}
    for some in _portions(sorted(wanted)):
        query = collection_rows().where(collection.c.seq.in_(some)).order_by(collection.c.seq)
        for row in connection.execute(query).all():
            if row.report not in reports:
                gone = bool(blobs.missing(connection, [row.report]))
                reports[row.report] = None if gone else orjson.loads(blobs.get(connection, row.report))
            report = reports[row.report]
            found.collections[row.seq] = PackedCollection(
                row=collection_row(row),
                report=row.report.hex(),
                provenance=report and report["provenance"],
                gaps=tuple(Gap(**gap) for gap in report["gaps"]) if report else (),
            )


def _note_pruned(connection: sa.Connection, record: Record, found: Contents, let_go: set[str]) -> None:
    """Note what is gone, and the entry that says so; what is gone without one is damage."""
    gone = let_go | {one.report for one in found.collections.values() if one.provenance is None}
    for some in _portions(sorted(found.documents)):
        gone |= {key.hex() for key in record.blobs.missing(connection, map(bytes.fromhex, some))}
    for filed in (*found.statements, *withdrawals(connection, record.blobs, found)):
        if filed.statement is None:
            gone.add(filed.digest)
        elif isinstance(filed.statement, Attestation):
            gone |= {
                one.sha256 for one in filed.statement.files if not path_of(record.path, one.sha256).exists()
            }
    for some in _portions(sorted(gone)):
        query = sa.select(tombstone).where(tombstone.c.hash.in_([bytes.fromhex(key) for key in some]))
        for row in connection.execute(query.order_by(tombstone.c.seq)):
            found.pruned.setdefault(row.hash.hex(), row.seq)
    for key in sorted(gone):
        if key not in found.pruned:
            raise StoreError(f"{key} is gone from the store", "Run `annexa verify`.")
        if found.pruned[key] >= found.checkpoints[-1]:
            raise PackError(
                f"what retention let go in log entry {found.pruned[key]} is not under a signed checkpoint",
                _SIGN,
            )


def _portions(wanted: list[_T]) -> Iterator[list[_T]]:
    for i in range(0, len(wanted), _CHUNK):
        yield wanted[i : i + _CHUNK]
