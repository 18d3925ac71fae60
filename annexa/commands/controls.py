"""``annexa controls``."""

from pathlib import Path

import click

from annexa.coverage import coverage, summary
from annexa.moments import as_of_option, must_be_collected_by
from annexa.output import (
    Column,
    console,
    format_option,
    print_json_array,
    print_rows,
    print_table,
    shown,
)
from annexa.rows import Row, control_row, finding_rows, status_row, statuses
from annexa.statement_rows import COLUMNS, say_pruned, statements_on, with_subjects
from annexa.workspace import Workspace
from store import query

_LIST = (
    Column("control", "Control"),
    Column("title", "Title", fold=True),
    Column("theme", "Theme"),
    Column("evidence", "Evidence"),
    Column("count", "Checks", right=True),
    Column("attach", "A person attaches", fold=True),
)
_CHECKS = (
    Column("check", "Check", fold=True),
    Column("severity", "Severity"),
    Column("fail", "Fail", right=True),
    Column("waived", "Waived", right=True),
    Column("unknown", "Unknown", right=True),
    Column("pass", "Pass", right=True),
    Column("shows", "What it shows of the control", fold=True),
)
_COVERAGE = (
    Column("control", "Control"),
    Column("title", "Title", fold=True),
    Column("evidence", "Evidence"),
)
_MISSING = Column("missing", "Missing", fold=True)


@click.group()
def command() -> None:
    """The 93 controls of ISO/IEC 27002:2022."""


@command.command("list")
@format_option
@click.pass_obj
def list_controls(config: Path | None, form: str) -> None:
    """List the controls and how far configuration can answer each."""
    workspace = Workspace.load(config)
    rows = [control_row(control, workspace.checks.values()) for control in workspace.controls.values()]
    if form == "table":
        print_table([row | {"count": len(row["checks"])} for row in rows], _LIST)
    else:
        print_rows(rows, _LIST, form)


@command.command("coverage")
@click.option("--missing", "only_missing", is_flag=True, help="Only controls that lack a check.")
@click.option("--provider", "only", multiple=True, help="Only this provider; may be repeated.")
@format_option
@click.pass_obj
def show_coverage(config: Path | None, only_missing: bool, only: tuple[str, ...], form: str) -> None:
    """Count the checks on each control by provider, and name the providers that lack one.

    All checks count, whether or not their provider is turned on; a check counts for the controls it names.
    """
    workspace = Workspace.load(config)
    found = coverage(workspace.controls.values(), workspace.catalogue.values(), only)
    rows = [each.row() for each in found if each.missing or not only_missing]
    counts = [Column(provider, provider, right=True) for provider in found[0].checks]
    if form != "json":
        rows = [_with_columns(row) for row in rows]
    print_rows(rows, (*_COVERAGE, *counts, _MISSING), form, empty="No control lacks a check.")
    if form == "table":
        click.echo(summary(found, only))


@command.command("show")
@click.argument("number")
@as_of_option
@format_option
@click.pass_obj
def show_control(config: Path | None, number: str, as_of: str | None, form: str) -> None:
    """Show a control: its status, the checks that bear on it, and what they found."""
    workspace = Workspace.load(config)
    control = workspace.control(number)
    checks = [check for check in workspace.checks.values() if control.number in check.controls]
    with workspace.reading() as record:
        must_be_collected_by(record, as_of)
        found = [row for row in finding_rows(record, as_of) if control.number in row["controls"]]
        every = statuses(
            record,
            workspace.controls,
            workspace.checks.values(),
            workspace.config.file.status.stale_after_days,
            at=as_of,
        )
        stated = statements_on(record, workspace, control.number, as_of)
        if as_of is not None:
            say_pruned(query.statements(record, as_of), as_of)
    status = next(item for item in every if item.control.number == control.number)
    rows = []
    for check in checks:
        its = [row for row in found if row["check"] == check.id]
        outcomes = [row["outcome"] for row in its if not row["waived"]]
        rows.append(
            {
                "check": check.id,
                "title": check.title,
                "severity": check.severity.value,
                "pass": outcomes.count("pass"),
                "fail": outcomes.count("fail"),
                "waived": len(its) - len(outcomes),
                "unknown": outcomes.count("unknown") + outcomes.count("error"),
                "not_applicable": outcomes.count("not_applicable"),
                "shows": check.controls[control.number],
            }
        )
    if form == "json":
        print_json_array(
            [control_row(control, checks) | status_row(status) | {"results": rows, "statements": stated}]
        )
        return
    if form == "csv":
        print_rows(rows, _CHECKS, form)
        return
    out = console()
    out.print(f"[bold]{control.number}  {control.title}[/]  ({control.theme}, {control.evidence})")
    out.print(f"{control.summary}\n")
    out.print(f"Status: {status.status.value.replace('_', ' ')}: {shown(status.reason)}", markup=False)
    if control.attach:
        out.print("A person attaches: " + "; ".join(control.attach))
    if stated:
        print_table(with_subjects(stated), COLUMNS, title="What was stated")
    if rows:
        print_table(rows, _CHECKS)
        out.print(f"See them with: annexa findings --control {control.number} --outcome fail")
    else:
        out.print("No check bears on it.")


def _with_columns(row: Row) -> Row:
    """Put a column for each provider in the place of the counts."""
    head = {column.key: row[column.key] for column in _COVERAGE}
    return {**head, **row["checks"], "providers": row["providers"], "missing": row["missing"]}
