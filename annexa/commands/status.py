"""``annexa status``."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import click

from annexa.moments import DAYS, as_of_option, got_to_its_end, must_be_collected_by
from annexa.output import Column, Row, format_option, print_rows, print_table
from annexa.periods import all_gaps, period_rows
from annexa.rows import status_row, statuses
from annexa.statement_rows import say_pruned
from annexa.workspace import Workspace
from mappings.crosswalk import load_crosswalk
from mappings.status import ControlStatus, Status
from store import query
from store.coverage import Period, coverage

_COLUMNS = (
    Column("control", "Control"),
    Column("title", "Title", fold=True),
    Column("status", "Status"),
    Column("fail", "Fail", right=True),
    Column("unknown", "Unknown", right=True),
    Column("pass", "Pass", right=True),
    Column("reason", "Why", fold=True),
)
_FRAMEWORK_COLUMNS = (
    Column("requirement", "Requirement"),
    Column("status", "Status"),
    Column("fail", "Fail", right=True),
    Column("unknown", "Unknown", right=True),
    Column("pass", "Pass", right=True),
    Column("controls", "By ISO/IEC 27002 controls", fold=True),
)
_WAIVED = Column("waived", "Waived", right=True)
_PERIOD_COLUMNS = (
    Column("control", "Control"),
    Column("title", "Title", fold=True),
    Column("evidenced_days", "Evidenced", right=True),
    Column("failed_days", "Failed", right=True),
    Column("gap_days", "Gaps", right=True),
    Column("attested_days", "Attested", right=True),
    Column("excluded_days", "Excluded", right=True),
    Column("unevidenced_days", "Nothing", right=True),
)
_GAP_COLUMNS = (
    Column("reason", "What stood in the way", fold=True),
    Column("scope", "Scope"),
    Column("region", "Region"),
    Column("resources", "Resources", right=True),
    Column("first", "First"),
    Column("last", "Last"),
    Column("days", "Days", right=True),
    Column("controls", "Controls", fold=True),
)
_RANK = {status: rank for rank, status in enumerate(Status)}


@click.command()
@click.option("--framework", help="Show another framework's requirements by way of its crosswalk, e.g. soc2.")
@click.option("--status", "wanted", multiple=True, type=click.Choice([status.value for status in Status]))
@click.option(
    "--theme", type=click.Choice(["organizational", "people", "physical", "technological"]), default=None
)
@as_of_option
@click.option(
    "--period", type=DAYS, help="Say on how many days each control was evidenced, failed, or had gaps."
)
@format_option
@click.pass_obj
def command(
    config: Path | None,
    framework: str | None,
    wanted: tuple[str, ...],
    theme: str | None,
    as_of: str | None,
    period: Period | None,
    form: str,
) -> None:
    """Show the controls by status: worst of what is known, and why."""
    workspace = Workspace.load(config)
    if period is not None:
        if framework or wanted or as_of:
            raise click.UsageError("--period does not go together with --framework, --status or --as-of.")
        _show_period(workspace, period, theme, form)
        return
    with workspace.reading() as record:
        must_be_collected_by(record, as_of)
        got_to_its_end(record, as_of)
        found = statuses(
            record,
            workspace.controls,
            workspace.checks.values(),
            workspace.config.file.status.stale_after_days,
            at=as_of,
        )
        if as_of is not None:
            say_pruned(query.statements(record, as_of), as_of)
    found = [status for status in found if theme in (None, status.control.theme)]
    rows = _framework_rows(framework, found) if framework else [status_row(status) for status in found]
    rows = [row for row in rows if not wanted or row["status"] in wanted]
    columns = _FRAMEWORK_COLUMNS if framework else _COLUMNS
    if any(row["waived"] for row in rows):
        columns = (*columns[:-1], _WAIVED, columns[-1])
    print_rows(rows, columns, form, empty="No control matches.")
    if form == "table" and rows:
        click.echo(counts_line(row["status"] for row in rows))


def _show_period(workspace: Workspace, period: Period, theme: str | None, form: str) -> None:
    controls = {
        number: control for number, control in workspace.controls.items() if theme in (None, control.theme)
    }
    with workspace.reading() as record:
        must_be_collected_by(record, period.end)
        found = coverage(record, period)
        filed = query.statements(record, period.end)
    say_pruned(filed, period.before)
    print_rows(period_rows(found, period, controls, filed), _PERIOD_COLUMNS, form)
    if form == "table":
        click.echo(f"{period.days} days, {period.first} to {period.last}, in UTC.")
        gaps = all_gaps(found, period, controls)
        if gaps:
            print_table(gaps, _GAP_COLUMNS, title="Gaps")


def counts_line(names: Iterable[str]) -> str:
    """Say how many there are of each status, worst first."""
    counts = Counter(names)
    return ", ".join(f"{counts[s.value]} {s.value.replace('_', ' ')}" for s in Status if counts[s.value])


def _framework_rows(framework: str, found: list[ControlStatus]) -> list[Row]:
    crosswalk = load_crosswalk(framework)
    by_control = {status.control.number: status for status in found}
    rows = []
    for requirement in crosswalk.requirements:
        controls = [c for c in crosswalk.controls_of(requirement) if c in by_control]
        if not controls:
            continue
        members = [by_control[control] for control in controls]
        worst = min(members, key=lambda status: _RANK[status.status])
        rows.append(
            {
                "framework": crosswalk.framework.id,
                "requirement": requirement,
                "status": worst.status.value,
                "reason": f"{worst.control.number}: {worst.reason}",
                "pass": sum(status.passed for status in members),
                "fail": sum(status.failed for status in members),
                "waived": sum(status.waived for status in members),
                "unknown": sum(status.unknown for status in members),
                "not_applicable": sum(status.not_applicable for status in members),
                "last_evidence": max(status.last_evidence for status in members),
                "controls": controls,
            }
        )
    return rows
