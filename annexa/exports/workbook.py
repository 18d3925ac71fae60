"""The workbook of ``annexa export xlsx``: controls, findings, gaps and statements, and what they rest on."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from annexa.exports.rows import Source
from annexa.exports.spreadsheet import LARGEST_SHEET, Field, Kind, Page, Spreadsheet
from annexa.exports.spreadsheet import field as key
from annexa.filters import FindingFilter
from annexa.rows import Row
from mappings.status import Status
from store.head import head
from store.model import Outcome

_CONTROLS = (
    key("Control", "control", 9),
    key("Title", "title", 44),
    key("Theme", "theme", 15),
    key("Status", "status", 20),
    key("Why", "reason", 60),
    *(
        key(name.replace("_", " ").capitalize(), name, 11, Kind.NUMBER)
        for name in ("pass", "fail", "waived", "unknown")
    ),
    key("Not applicable", "not_applicable", 11, Kind.NUMBER),
    key("Last evidence", "last_evidence", 20, Kind.MOMENT),
)
_DAYS = (
    key("Days", "days", 8, Kind.NUMBER),
    key("Days evidenced", "evidenced_days", 11, Kind.NUMBER),
    key("Days failed", "failed_days", 11, Kind.NUMBER),
    key("Days with gaps", "gap_days", 11, Kind.NUMBER),
    key("Days with nothing", "unevidenced_days", 11, Kind.NUMBER),
    key("Failed on", "failed", 30),
    key("Nothing on", "unevidenced", 30),
)
_WHERE = (
    key("Provider", "provider", 10),
    key("Scope", "scope", 16),
    key("Region", "region", 14),
    key("Type", "resource_type", 24),
)
_FINDINGS = (
    key("Severity", "severity", 10),
    key("Outcome", "outcome", 14),
    key("Check", "check", 36),
    key("What must hold", "title", 44),
    key("Controls", "controls", 18),
    *_WHERE,
    key("Resource", "resource_name", 30),
    key("Identifier", "resource_id", 44),
    Field("Why", lambda row: row["reason"] or _pruned(row), 44),
    key("Observed", "observed", 44),
    Field("Waived", lambda row: waiver(row.get("waived")), 40),
    key("First seen", "first_seen", 20, Kind.MOMENT),
    key("Last seen", "last_seen", 20, Kind.MOMENT),
    key("Ended", "ended", 20, Kind.MOMENT),
    key("How to mend it", "remediation", 60),
    key("What the check cannot see", "limits", 44),
    key("Document (SHA-256)", "document", 24),
    key("Check (SHA-256)", "check_digest", 24),
    key("Log entry", "entry", 10, Kind.NUMBER),
)
_GAPS = (
    key("Call", "call", 32),
    key("Code", "code", 24),
    *_WHERE,
    key("Resource", "resource_id", 44),
    key("Key", "key", 20),
    key("Message", "message", 60),
    key("At", "at", 20, Kind.MOMENT),
    key("First seen", "first_seen", 20, Kind.MOMENT),
    key("Last seen", "last_seen", 20, Kind.MOMENT),
    key("Ended", "ended", 20, Kind.MOMENT),
)
_STATEMENTS = (
    key("Log entry", "entry", 10, Kind.NUMBER),
    key("Filed", "at", 20, Kind.MOMENT),
    key("Kind", "kind", 14),
    key("State", "state", 12),
    key("Control", "control", 9),
    key("Check", "check", 36),
    key("Provider", "provider", 10),
    key("Scope", "scope", 16),
    key("Resource", "resource_id", 36),
    key("Withdraws entry", "withdraws", 10, Kind.NUMBER),
    key("What was stated", "text", 60),
    key("Owner or approver", "by", 26),
    key("Filed by", "filed_by", 18),
    key("Valid from", "valid_from", 12, Kind.DAY),
    key("Valid until", "valid_until", 12, Kind.DAY),
    key("Withdrawn", "withdrawn", 20, Kind.MOMENT),
    Field("Files", lambda row: [f"{file['name']} (SHA-256 {file['sha256']})" for file in row["files"]], 44),
    key("Payload (SHA-256)", "digest", 24),
)


@dataclass(slots=True)
class _Counts:
    """What went by while tables were written.

    Attributes:
        names: of what there are how many, by outcome or status.
        pruned: how many findings retention let go of in part.
    """

    names: Counter[str] = field(default_factory=Counter)
    total: int = 0
    pruned: int = 0

    def counted(self, rows: Iterable[Row], by: str) -> Iterator[Row]:
        for row in rows:
            self.names[row[by]] += 1
            self.total += 1
            self.pruned += "observed" in row and row["observed"] is None
            yield row


def write(path: Path, source: Source, wanted: FindingFilter, largest_sheet: int = LARGEST_SHEET) -> None:
    """Write the workbook.

    Args:
        wanted: which findings; the other sheets are whole.
    """
    when = source.when
    controls, findings, gaps = _Counts(), _Counts(), _Counts()
    with Spreadsheet(path, f"Annexa: {when}", when.stamp, largest_sheet) as book:
        summary = book.page("Summary")
        fields = _CONTROLS + _DAYS if when.period else _CONTROLS
        sheets = book.table("Controls", fields, controls.counted(source.controls(), "status"))
        sheets += book.table("Findings", _FINDINGS, findings.counted(source.findings(wanted), "outcome"))
        sheets += book.table("Gaps", _GAPS, gaps.counted(source.gaps(), "code"))
        sheets += book.table("Statements", _STATEMENTS, source.statements())
        origin(summary, source)
        _counts(summary, controls, findings, gaps, wanted)
        if len(sheets) > 4:
            summary.line("Long tables", "go on on another sheet: " + ", ".join(sheets))
        if book.cut:
            summary.line(
                "Long texts", f"{book.cut} cells had more than Excel takes, and say that they are cut"
            )


def origin(page: Page, source: Source) -> None:
    """Say what a workbook is made from, and for which time."""
    now = head(source.record)
    page.line("For", str(source.when))
    page.line("Times", "are in UTC; days begin and end in UTC")
    page.line("Store", now.store_id)
    page.line("Log size", now.size, Kind.NUMBER)
    page.line("Log root (SHA-256)", now.root)
    page.line("Signed by", now.key or "nobody: no key is named in the log")
    page.line("Signed up to entry", now.signed, Kind.NUMBER)
    page.line()


def _counts(page: Page, controls: _Counts, findings: _Counts, gaps: _Counts, wanted: FindingFilter) -> None:
    for status in Status:
        label = f"Controls: {status.value.replace('_', ' ')}"
        page.line(label, controls.names[status.value], Kind.NUMBER)
    page.line()
    for outcome in Outcome:
        label = f"Findings: {outcome.value.replace('_', ' ')}"
        page.line(label, findings.names[outcome.value], Kind.NUMBER)
    if wanted != FindingFilter():
        page.line("", "The sheet Findings holds those that were asked for; controls count all.")
    page.line("Gaps", gaps.total, Kind.NUMBER)
    open_ = findings.names[Outcome.UNKNOWN.value] + findings.names[Outcome.ERROR.value]
    page.line(
        "What that means",
        f"{gaps.total} calls could not be read, and {open_} findings are unknown or in error. "
        "Neither is evidence that anything is in order. What was never collected is not here at all.",
    )
    if findings.pruned:
        page.line("Retention", f"What decided {findings.pruned} findings was let go; their outcome stands.")


def _pruned(row: Row) -> str:
    return "what decided it was let go by retention" if row["observed"] is None else ""


def waiver(waived: Mapping[str, Any] | None) -> str:
    """Say who accepted a failure, until when and why."""
    if not waived:
        return ""
    until = f"until {waived['until']} " if waived.get("until") else ""
    return f"{until}by {waived['approver']}: {waived['reason']} (log entry {waived['entry']})"
