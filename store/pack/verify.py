"""Verifying a pack: what is in it is held against its log, and the log against keys from outside."""

from dataclasses import dataclass
from pathlib import Path

from store.pack import layout
from store.pack.archive import Archive
from store.pack.contents import Selection
from store.pack.manifest import read_manifest
from store.pack.verification.examination import PackExamination
from store.pack.verification.files import check_files
from store.pack.verification.log import check_log
from store.pack.verification.payloads import (
    check_checks,
    check_documents,
    check_reports,
    check_tombstones,
)
from store.pack.verification.proofs import check_proofs
from store.pack.verification.rows import check_content, check_findings, check_series
from store.pack.verification.signatures import check_checkpoints
from store.pack.verification.statements import check_statements
from store.verification.demands import Demands
from store.verification.held import check_held, parse_held
from store.verification.log_examination import Verification


@dataclass(frozen=True, slots=True)
class PackVerification:
    """What verifying a pack found.

    Attributes:
        log: what was found, of the log and of everything that hangs on it.
        selection: what the pack says that it is of; nobody signs that.
        as_of: until when it speaks.
        collections: how many were replayed.
        rows: how many rows were proven by them.
        standing: findings on checks of the selection that stand at the end of the period; all are listed.
        shown: findings of which the pack shows what decided them.
        documents: how many there are.
        statements: how many are shown, withdrawals included.
        filed: how many were filed by the end of the period; only what is shown of them says on what it bears.
        pages: how many files are a reading aid only, which nothing proves.
    """

    log: Verification
    selection: Selection
    as_of: str
    collections: int
    rows: int
    standing: int
    shown: int
    documents: int
    statements: int
    filed: int
    pages: int

    @property
    def ok(self) -> bool:
        return self.log.ok


def verify_pack(path: Path, demands: Demands | None = None) -> PackVerification:
    """Verify a pack, which is read where it is and never unpacked.

    Raises:
        PackError: it is no pack, or not safe to read.
    """
    with Archive.open(path) as archive:
        manifest = read_manifest(archive)
        x = PackExamination(
            demands=demands or Demands(), archive=archive, manifest=manifest, selection=manifest.chosen
        )
        for step in _STEPS:
            with x.at("pack"):
                step(x)
        evidence = [name for name in archive.names if name.partition("/")[0] in layout.EVIDENCE]
        return PackVerification(
            log=x.result,
            selection=x.selection,
            as_of=manifest.as_of,
            collections=sum(len(series.replayed.collections) for series in x.series),
            rows=x.rows,
            standing=x.standing,
            shown=x.shown,
            documents=len(x.under("documents")),
            statements=len(manifest.statements),
            filed=x.filed,
            pages=len(archive.names) - len(evidence) - 1,
        )


def _read_held(x: PackExamination) -> None:
    parse_held(x, x.demands.held)


def _check_rows(x: PackExamination) -> None:
    populations = check_findings(x)
    populations.finish()
    check_content(x, populations.whole)


def _check_as_of(x: PackExamination) -> None:
    newest = x.entries.get(x.size - 1, {})
    if newest.get("at") is None or x.manifest.as_of != min(x.selection.period.end, newest["at"]):
        x.problem(layout.MANIFEST, "is as of another moment than its period and its newest checkpoint say")


_STEPS = (
    check_files,
    _read_held,
    check_log,
    check_checkpoints,
    check_held,
    _check_as_of,
    check_tombstones,
    check_series,
    _check_rows,
    check_statements,
    check_documents,
    check_reports,
    check_checks,
    check_proofs,
)
