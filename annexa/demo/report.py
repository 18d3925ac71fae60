"""What the demo shows at its end: controls by status, the worst findings, the gaps."""

from collections import defaultdict

import click

from annexa.commands.status import counts_line
from annexa.output import Column, Row, print_table
from annexa.rows import finding_rows, gap_rows, status_row, statuses
from annexa.workspace import Workspace
from store.model import SEVERITY_RANK, Severity
from store.record import Record

_STATUS = (
    Column("control", "Control"),
    Column("title", "Title", fold=True),
    Column("status", "Status"),
    Column("fail", "Fail", right=True),
    Column("unknown", "Unknown", right=True),
    Column("pass", "Pass", right=True),
)
_WORST = (
    Column("severity", "Severity"),
    Column("title", "What must hold", fold=True),
    Column("resources", "Fails on", right=True),
    Column("example", "For example", fold=True),
    Column("remediation", "How to mend it", fold=True),
)
_GAPS = (
    Column("call", "Could not read", fold=True),
    Column("code", "Because"),
    Column("times", "Times", right=True),
    Column("unknown", "Unknown", right=True),
    Column("check", "For example", fold=True),
)
_NOT_OFFERED = ("404", "500", "501", "DependsOnGap")


def report(workspace: Workspace, record: Record) -> None:
    """Print the demo's tables."""
    found = statuses(
        record,
        workspace.controls,
        workspace.checks.values(),
        workspace.config.file.status.stale_after_days,
    )
    findings = list(finding_rows(record))
    gaps = list(gap_rows(record))
    rows = [status_row(status) for status in found]
    print_table([row for row in rows if row["pass"] or row["fail"] or row["unknown"]], _STATUS, "Controls")
    click.echo("All 93: " + counts_line(row["status"] for row in rows) + "\n")
    print_table(_worst(findings), _WORST, "The worst findings")
    denied = [gap for gap in gaps if gap["code"] not in _NOT_OFFERED]
    print_table(_grouped(denied, findings), _GAPS, "What could not be read, and what that leaves unknown")
    others = {gap["call"] for gap in gaps if gap["code"] in _NOT_OFFERED}
    if others:
        click.echo(
            f"Besides, the local server does not offer {len(others)} of the calls; "
            "`annexa gaps` lists them.\n"
        )


def _worst(findings: list[Row], limit: int = 10) -> list[Row]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in findings:
        if row["outcome"] == "fail":
            groups[row["check"]].append(row)
    ordered = sorted(
        groups.values(), key=lambda rows: (SEVERITY_RANK[Severity(rows[0]["severity"])], -len(rows))
    )
    return [
        rows[0] | {"resources": len(rows), "example": rows[0]["resource_name"]} for rows in ordered[:limit]
    ]


def _grouped(gaps: list[Row], findings: list[Row]) -> list[Row]:
    unknown = [row for row in findings if row["outcome"] == "unknown"]
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for gap in gaps:
        groups[gap["call"], gap["code"]].append(gap)
    rows = []
    for (call, code), members in sorted(groups.items(), key=lambda item: -len(item[1])):
        left = [row for row in unknown if f"{call} " in row["reason"] or f"{call}:" in row["reason"]]
        checks = sorted({row["check"] for row in left})
        rows.append(
            {
                "call": call,
                "code": code,
                "times": len(members),
                "unknown": len(left),
                "check": checks[0] + (f" and {len(checks) - 1} more" if len(checks) > 1 else "")
                if checks
                else "",
            }
        )
    return rows
