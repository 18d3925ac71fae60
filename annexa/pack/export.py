"""Writing a whole pack: evidence and proofs, pages to read them, and how to verify it all."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from annexa.output import Row
from annexa.pack.instructions import instructions
from annexa.pack.pages import Pages
from annexa.pack.standing import standings
from annexa.periods import all_gaps
from annexa.progress import Phase, silent
from annexa.rows import statuses
from mappings.check import Check
from mappings.controls import Control
from store import query
from store.errors import PackError
from store.files import digest_of
from store.log_keys import key_at, logged_keys
from store.pack import layout
from store.pack.choose import contents as choose
from store.pack.contents import Contents, Selection
from store.pack.evidence import write_evidence
from store.pack.writer import PackWriter
from store.record import Record


def write_pack(
    record: Record,
    selection: Selection,
    path: Path,
    *,
    controls: Mapping[str, Control],
    checks: Iterable[Check],
    stale_after_days: float,
    replace: bool = False,
    phase: Phase = silent,
) -> Row:
    """Write a pack, and return what ``annexa export pack --format json`` gives.

    Args:
        controls: all 93.
        checks: those that are applied today.
        replace: whether a file that is there already is replaced.
        phase: told what is going on.

    Raises:
        PackError: nothing was collected in the period, or no signed checkpoint covers it, or the file is
            there already or cannot be written; nothing is left then.
        StoreError: the record is damaged.
    """
    with PackWriter.open(path, replace=replace) as pack:
        _must_be_collected_within(record, selection)
        phase("choosing the evidence")
        contents = choose(record, selection)
        phase("writing evidence and proofs")
        write_evidence(record, contents, pack)
        pages = _pages(record, contents, controls, checks, stale_after_days)
        for number, (name, data) in enumerate(pages, 1):
            phase("writing pages", number, len(pages))
            pack.add(name, data)
        pack.add(layout.INSTRUCTIONS, instructions(contents))
    phase("taking the SHA-256")
    return {**_row(record, contents, len(pages)), **_file(path)}


def _pages(
    record: Record,
    contents: Contents,
    controls: Mapping[str, Control],
    checks: Iterable[Check],
    stale_after_days: float,
) -> Pages:
    selection = contents.selection
    found = statuses(record, dict(controls), checks, stale_after_days, at=contents.as_of)
    rows = standings(
        found, contents.coverage, selection.period, controls, contents.statements, selection.controls
    )
    wanted = selection.controls or frozenset(controls)
    return Pages(contents, rows, all_gaps(contents.coverage, selection.period, wanted))


def _must_be_collected_within(record: Record, selection: Selection) -> None:
    """Refuse a period in which nothing was collected: a pack of it would show what came before it."""
    period = selection.period
    newest = max(
        (
            row.finished
            for row in query.latest_collections(record, period.end)
            if (not selection.providers or row.provider in selection.providers)
            and (not selection.scopes or row.scope in selection.scopes)
        ),
        default="",
    )
    if newest <= period.before:
        limits = [*sorted(selection.providers), *sorted(selection.scopes)]
        of = f" of {', '.join(limits)}" if limits else ""
        raise PackError(
            f"nothing{of} was collected from {period.first} to {period.last}",
            f"The last collection before the end of the period was finished at {newest}."
            if newest
            else "`annexa evidence list` shows what was collected, and `annexa status` since when.",
        )


def _row(record: Record, contents: Contents, pages: int) -> Row:
    selection = contents.selection
    with record.engine.connect() as connection:
        key = key_at(logged_keys(connection, record.blobs), contents.checkpoints[-1])
    return {
        "origin": contents.origin,
        "key": str(key.key) if key else None,
        "from": selection.period.first.isoformat(),
        "to": selection.period.last.isoformat(),
        "as_of": contents.as_of,
        "controls": sorted(selection.controls),
        "providers": sorted(selection.providers),
        "scopes": sorted(selection.scopes),
        "sample": selection.sample.number if selection.sample else None,
        "seed": selection.sample.seed if selection.sample else None,
        "checks": len({body["id"] for body in contents.checks.values()}),
        "findings": len(contents.findings),
        "documents": len(contents.documents),
        "collections": len(contents.collections),
        "statements": len(contents.statements),
        "pruned": len(contents.pruned),
        "pages": pages,
        "size": contents.checkpoints[-1],
        "checkpoints": contents.checkpoints,
        "stamped": contents.stamped,
    }


def _file(path: Path) -> Row:
    sha256, size = digest_of(path)
    return {"pack": str(path), "bytes": size, "sha256": sha256}
