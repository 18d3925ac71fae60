"""``annexa diff``."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import click

from annexa.moments import MOMENT, must_be_collected_by
from annexa.output import Column, Row, format_option, print_rows, print_table
from annexa.rows import statuses
from annexa.statement_rows import say_pruned, statement_row, subject
from annexa.workspace import Workspace
from store import query
from store.difference import ResourceChange, document_changes, finding_changes, resource_changes
from store.instant import rfc3339, utc_now
from store.json_changes import Change
from store.record import Record
from store.retention import PrunedError
from store.statement import State, Withdrawal

_COUNTING = (State.NOT_YET, State.IN_FORCE)
"""States of a statement that has not ended."""
_KINDS = ("control", "statement", "finding", "resource")
_COLUMNS = {
    "control": (
        Column("control", "Control"),
        Column("title", "Title", fold=True),
        Column("before", "Before"),
        Column("after", "After"),
        Column("reason", "Why", fold=True),
    ),
    "statement": (
        Column("entry", "Entry", right=True),
        Column("statement", "Kind"),
        Column("title", "Of", fold=True),
        Column("before", "Before"),
        Column("after", "After"),
        Column("reason", "What was said", fold=True),
    ),
    "finding": (
        Column("severity", "Severity"),
        Column("title", "Check", fold=True),
        Column("resource_name", "Resource", fold=True),
        Column("before", "Before"),
        Column("after", "After"),
    ),
    "resource": (
        Column("change", "Change"),
        Column("resource_type", "Type"),
        Column("resource_name", "Resource", fold=True),
        Column("scope", "Scope"),
        Column("region", "Region"),
        Column("paths", "What changed", fold=True),
    ),
}


@click.command()
@click.option("--from", "since", type=MOMENT, required=True, help="A date (its end, in UTC) or a moment.")
@click.option("--to", "until", type=MOMENT, help="A date (its end, in UTC) or a moment.  [default: now]")
@click.option("--kind", multiple=True, type=click.Choice(_KINDS), help="Only these; may be repeated.")
@format_option
@click.pass_obj
def command(config: Path | None, since: str, until: str | None, kind: tuple[str, ...], form: str) -> None:
    """Show what differs between two moments: controls, statements, findings and resources.

    It is the net difference: what changed and changed back in between is not shown.
    """
    if until is not None and since > until:
        raise click.BadParameter("it must not be later than --to.", param_hint="--from")
    workspace = Workspace.load(config)
    kinds = kind or _KINDS
    with workspace.reading() as record:
        must_be_collected_by(record, since)
        say_pruned(query.statements(record, until), since)
        rows = _rows(workspace, record, since, until, kinds)
        if form == "table":
            _print_tables(list(rows))
        else:
            columns = tuple(Column(name, name) for name in _row("", "", "", ""))
            print_rows(rows, columns, form)


def _rows(
    workspace: Workspace, record: Record, since: str, until: str | None, kinds: tuple[str, ...]
) -> Iterator[Row]:
    if "control" in kinds:
        yield from _control_rows(workspace, record, since, until)
    if "statement" in kinds:
        yield from _statement_rows(workspace, record, since, until)
    if "finding" in kinds:
        yield from _finding_rows(record, since, until)
    if "resource" in kinds:
        yield from _resource_rows(record, since, until)


def _control_rows(workspace: Workspace, record: Record, since: str, until: str | None) -> Iterator[Row]:
    days = workspace.config.file.status.stale_after_days
    before, after = (
        statuses(record, workspace.controls, workspace.checks.values(), days, at=at) for at in (since, until)
    )
    for old, new in zip(before, after, strict=True):
        if old.status is not new.status:
            more = {"control": new.control.number, "title": new.control.title, "reason": new.reason}
            yield _row("control", "changed", old.status.value, new.status.value, **more)


def _statement_rows(workspace: Workspace, record: Record, since: str, until: str | None) -> Iterator[Row]:
    now = until or rfc3339(utc_now())
    before = {one.entry: one.state(since) for one in query.statements(record, since)}
    for filed in query.statements(record, until):
        old, new = before.get(filed.entry), filed.state(now)
        counted, counts = old in _COUNTING, new in _COUNTING
        if old is new or filed.kind == Withdrawal.KIND or not (counted or counts):
            continue
        row = statement_row(filed, now, workspace.controls)
        same = ("control", "check", "provider", "scope", "resource_id", "entry")
        yield _row(
            "statement",
            "changed" if counted and counts else "appeared" if counts else "gone",
            old.value if old else "",
            new.value,
            **{key: row[key] for key in same},
            statement=filed.kind,
            title=subject(row),
            reason=row["text"],
        )


def _finding_rows(record: Record, since: str, until: str | None) -> Iterator[Row]:
    for found in finding_changes(record, since, until):
        yield _row(
            "finding",
            found.change,
            found.before.value if found.before else "",
            found.after.value if found.after else "",
            check=found.check,
            title=found.check_body["title"],
            severity=found.check_body["severity"],
            provider=found.provider,
            scope=found.scope,
            region=found.region,
            resource_type=found.resource_type,
            resource_id=found.resource_id,
            resource_name=found.resource_name,
            reason=found.reason,
        )


def _resource_rows(record: Record, since: str, until: str | None) -> Iterator[Row]:
    for found in resource_changes(record, since, until):
        changes, pruned = _changes(record, found)
        yield _row(
            "resource",
            found.change,
            found.before,
            found.after,
            provider=found.provider,
            scope=found.scope,
            region=found.region,
            resource_type=found.resource_type,
            resource_id=found.resource_id,
            resource_name=found.resource_name,
            changes=None if pruned else [dataclasses.asdict(change) for change in changes],
            pruned=pruned,
        )


def _changes(record: Record, found: ResourceChange) -> tuple[list[Change], str]:
    """Return what changed in a resource, or when and why retention let one of its documents go."""
    try:
        return document_changes(record, found.before, found.after) if found.change == "changed" else [], ""
    except PrunedError as error:
        return [], str(error.removal)


def _row(kind: str, change: str, before: str, after: str, **more: object) -> Row:
    """Return a row; all kinds have the same keys, so that they fit into one table of a spreadsheet."""
    texts = (
        "control check title severity provider scope region resource_type resource_id resource_name reason"
    )
    return {
        "kind": kind,
        "change": change,
        "before": before,
        "after": after,
        **{key: more.get(key, "") for key in texts.split()},
        "statement": more.get("statement", ""),
        "entry": more.get("entry"),
        "changes": more.get("changes", []),
        "pruned": more.get("pruned", ""),
    }


def _print_tables(rows: list[Row]) -> None:
    if not rows:
        click.echo("Nothing differs.")
    for kind in _KINDS:
        found = [row for row in rows if row["kind"] == kind]
        for row in found:
            changes = row["changes"]
            row["paths"] = row["pruned"] if changes is None else [change["path"] for change in changes]
            names = (row["resource_name"], row["resource_id"], row["resource_type"], row["scope"])
            row["resource_name"] = next(filter(None, names), "")
        if found:
            print_table(found, _COLUMNS[kind], title=f"{len(found)} {kind}{'s' if len(found) > 1 else ''}")
