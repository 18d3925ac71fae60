"""Rows to export: those of the read commands for a moment, and those of everything that held in a period."""

import dataclasses
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import TYPE_CHECKING

from annexa.filters import FindingFilter
from annexa.periods import period_rows
from annexa.rows import (
    Row,
    finding_row,
    finding_rows,
    gap_row,
    gap_rows,
    last_seen,
    resource_rows,
    status_row,
    statuses,
)
from annexa.statement_rows import say_pruned, statement_row
from mappings.waivers import Waivers
from store import query
from store.between import findings_between, gaps_between, resources_between
from store.coverage import Period, coverage
from store.record import Record
from store.statement import Exclusion, Filed, State

if TYPE_CHECKING:
    from annexa.exports.when import When
    from annexa.workspace import Workspace
    from mappings.status import ControlStatus


@dataclasses.dataclass(frozen=True, slots=True)
class Source:
    """What is exported from: an open record, what it is judged by, and for which time.

    Attributes:
        lent: closes the rows that were given out, whose queries would outlive the record where their
            reader fails.
    """

    workspace: "Workspace"
    record: Record
    when: "When"
    lent: ExitStack = dataclasses.field(default_factory=ExitStack)

    @classmethod
    @contextmanager
    def opened(cls, workspace: "Workspace", when: "When") -> "Iterator[Source]":
        """Open the record.

        Raises:
            StoreError: it cannot be read.
            ConfigError: nothing had been collected by then.
        """
        with workspace.reading() as record, ExitStack() as lent:
            when.must_be_known(record)
            if when.at is not None:
                say_pruned(query.statements(record, when.at), when.first)
            yield cls(workspace, record, when, lent)

    def findings(self, wanted: FindingFilter, order: str = query.BY_CHECK) -> Iterator[Row]:
        """Yield findings; those of a period with ``ended``."""
        if self.when.period is None:
            rows = finding_rows(self.record, self.when.at, order)
        else:
            rows = _held_findings(self.record, self.when.period, order)
        return self._lend(row for row in rows if wanted.admits(row))

    def statuses(self) -> "list[ControlStatus]":
        """Return the status of every control at the moment, or at the end of the period."""
        return statuses(
            self.record,
            self.workspace.controls,
            self.workspace.checks.values(),
            self.workspace.config.file.status.stale_after_days,
            at=self.when.at,
        )

    def controls(self) -> Iterator[Row]:
        """Yield the status of every control, and on how many days of the period it was evidenced."""
        found = [status_row(status) for status in self.statuses()]
        if self.when.period is None:
            yield from found
            return
        held = coverage(self.record, self.when.period)
        filed = query.statements(self.record, self.when.period.end)
        days = period_rows(held, self.when.period, self.workspace.controls, filed)
        for status, row in zip(found, days, strict=True):
            yield status | row

    def gaps(self) -> Iterator[Row]:
        """Yield what could not be read: by the latest collections, or by any of the period."""
        if self.when.period is None:
            return self._lend(gap_rows(self.record, self.when.at))
        return self._lend(_held_gaps(self.record, self.when.period))

    def resources(self) -> Iterator[Row]:
        """Yield the resources that were known, or every version that they had in the period."""
        if self.when.period is None:
            return self._lend(resource_rows(self.record, self.when.at))
        held = resources_between(self.record, self.when.period)
        return self._lend(dataclasses.asdict(each) for each in held)

    def statements(self) -> Iterator[Row]:
        """Yield what people had stated by then; for a period, what counted at some time of it."""
        for filed in self.filed():
            yield statement_row(filed, self.when.stamp, self.workspace.controls)

    def filed(self) -> Iterator[Filed]:
        """Yield the statements themselves."""
        for filed in query.statements(self.record, self.when.at):
            if self.when.period is None or not filed.ended or filed.ended > self.when.first:
                yield filed

    def exclusions(self) -> dict[str, str]:
        """Return the controls that are excluded at the moment, or at the period's end → why and by whom."""
        return {
            filed.statement.control: f"{filed.statement.justification} "
            f"(excluded by {filed.statement.approver}, log entry {filed.entry})"
            for filed in self.filed()
            if isinstance(filed.statement, Exclusion) and filed.state(self.when.stamp) is State.IN_FORCE
        }

    def in_force(self) -> Iterator[Filed]:
        """Yield the statements that count at the moment, or at some time of the period."""
        for filed in self.filed():
            state = filed.state(self.when.stamp)
            ended_within = state in (State.EXPIRED, State.WITHDRAWN) and filed.ended > self.when.first
            if state is State.IN_FORCE or (self.when.period is not None and ended_within):
                yield filed

    def _lend(self, rows: Iterator[Row]) -> Iterator[Row]:
        lent = (row for row in rows)
        self.lent.callback(lent.close)
        return lent


_COMMON = ("provider", "scope", "region", "resource_type", "resource_id")
KEYS: dict[str, tuple[str, ...]] = {
    "findings": (
        *("check", "title", "outcome", "severity", *_COMMON, "resource_name", "controls", "equivalents"),
        *("document", "observed", "reason", "first_seen", "last_seen", "remediation", "limits"),
        *("check_digest", "entry", "waived", "pruned"),
    ),
    "controls": (
        *("control", "title", "theme", "status", "reason", "pass", "fail", "waived", "unknown"),
        *("not_applicable", "last_evidence"),
    ),
    "gaps": ("call", "code", "message", *_COMMON, "key", "at", "run"),
    "resources": ("resource_type", "resource_id", "resource_name", "scope", "region", "document"),
    "statements": (
        *("entry", "kind", "state", "control", "title", "check", "provider", "scope", "resource_id"),
        *("withdraws", "by", "text", "valid_from", "valid_until", "days_left", "files", "at", "filed_by"),
        *("digest", "withdrawn", "withdrawn_by"),
    ),
}
"""What can be exported as rows → its keys for a moment; a period adds some."""

PERIOD_KEYS: dict[str, tuple[str, ...]] = {
    "findings": ("ended",),
    "controls": (
        *("from", "to", "days", "evidenced_days", "failed_days", "gap_days", "attested_days"),
        *("excluded_days", "unevidenced_days", "failed", "unevidenced", "gaps"),
    ),
    "gaps": ("first_seen", "last_seen", "ended", "collections"),
    "resources": ("first_seen", "last_seen", "ended"),
    "statements": (),
}


def rows(source: Source, what: str, wanted: FindingFilter) -> Iterator[Row]:
    """Yield rows.

    Args:
        what: a key of :data:`KEYS`.
        wanted: which findings; of no meaning for anything else.
    """
    readers: dict[str, Callable[[], Iterator[Row]]] = {
        "findings": lambda: source.findings(wanted),
        "controls": source.controls,
        "gaps": source.gaps,
        "resources": source.resources,
        "statements": source.statements,
    }
    return readers[what]()


def _held_findings(record: Record, period: Period, order: str) -> Iterator[Row]:
    read = query.last_read(record, period.end)
    filed = query.statements(record, period.end)

    @cache
    def waivers(moment: str) -> Waivers:
        return Waivers(filed, moment)

    for found in findings_between(record, period, order):
        seen = found.last_seen if found.ended else last_seen(found, read)
        yield finding_row(found, waivers(found.ended or period.end)) | {
            "last_seen": seen,
            "ended": found.ended,
        }


def _held_gaps(record: Record, period: Period) -> Iterator[Row]:
    for held in gaps_between(record, period):
        yield gap_row(held.collection, held.gap) | {
            "first_seen": held.first_seen,
            "last_seen": held.last_seen,
            "ended": held.ended,
            "collections": held.collections,
        }
