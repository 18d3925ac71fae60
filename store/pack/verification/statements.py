"""Statements in a pack: each is in the log, says what was logged, and is in force or withdrawn as it says."""

from dataclasses import replace

import orjson

from store.pack import layout
from store.pack.bearing import counted, statement_bears
from store.pack.replayed import Ended
from store.pack.verification.examination import PackExamination
from store.statement import STATEMENT_KINDS, Attestation, Filed, Withdrawal, read_payload


def check_statements(x: PackExamination) -> None:
    """Check statements against the log, and their files against their names.

    Every withdrawal by the end of the period must be there, so that none of what it ended seems to hold.
    """
    checks = frozenset(one.check for one in x.manifest.populations)
    logged = {
        seq: body
        for seq, body in x.entries.items()
        if body["kind"] in STATEMENT_KINDS and body["at"] <= x.selection.period.end
    }
    x.filed = len(logged)
    filed: dict[int, Filed] = {}
    for seq, body in logged.items():
        with x.at(f"{body['kind']} {seq}"):
            filed[seq] = _read(x, seq, body["kind"], body["at"], body["statement"])
    _withdraw(x, filed)
    stated = x.manifest.statements
    expected: set[str] = set()
    for seq, one in filed.items():
        where = f"{one.kind} {seq}"
        shown = seq in stated
        if shown or one.kind == Withdrawal.KIND:
            x.rests.add(seq)
            expected.add(layout.statement(one.digest))
            _check_payload(x, one, where)
        if shown:
            expected |= _check_files(x, one, where)
            if not isinstance(one.statement, Withdrawal | None) and not (
                counted(one, x.selection.period) and statement_bears(x.selection, one, checks)
            ):
                x.problem(where, "is shown, though it does not belong to the selection")
    if set(stated) - set(filed) or list(stated) != sorted(set(stated)):
        x.problem(layout.MANIFEST, "names statements that were not filed by the end of the period")
    for name in (*x.under("statements"), *x.under("files")):
        if name not in expected:
            x.problem(name, "no statement of the manifest brings it")


def _read(x: PackExamination, seq: int, kind: str, at: str, digest: str) -> Filed:
    name = layout.statement(digest)
    if x.digests.get(name) != digest:
        return Filed(seq, at, kind, digest, "", None)
    statement, filed_by = read_payload(orjson.loads(x.archive.read(name)))
    if kind != statement.KIND:
        x.problem(f"{kind} {seq}", f"was logged as {kind}, and is of the kind {statement.KIND}")
    return Filed(seq, at, kind, digest, filed_by, statement)


def _withdraw(x: PackExamination, filed: dict[int, Filed]) -> None:
    for one in list(filed.values()):
        if isinstance(one.statement, Withdrawal):
            ended = filed.get(one.statement.entry)
            if ended is None or ended.entry > one.entry or ended.withdrawn:
                x.problem(f"{one.kind} {one.entry}", "withdraws what is not there to be withdrawn")
            else:
                filed[ended.entry] = replace(ended, withdrawn=one.at, withdrawn_by=one.entry)


def _check_payload(x: PackExamination, one: Filed, where: str) -> None:
    name = layout.statement(one.digest)
    if name not in x.archive:
        # Without what it says, when it ended is not known; that it was let go says that it had.
        if not x.let_go(one.digest, Ended(one.at, one.entry)):
            x.problem(name, f"is missing; {where} says it")
    elif x.digests.get(name) != one.digest:
        x.problem(name, "has another hash than its name says")


def _check_files(x: PackExamination, one: Filed, where: str) -> set[str]:
    expected = set()
    ended = Ended(one.ended, one.withdrawn_by or one.entry) if one.ended else None
    if isinstance(one.statement, Attestation):
        for file in one.statement.files:
            name = layout.attached(file.sha256, file.name)
            expected.add(name)
            if name not in x.archive:
                if not x.let_go(file.sha256, ended):
                    x.problem(name, f"is missing; {where} brings it")
            elif x.digests.get(name) != file.sha256:
                x.problem(name, "has another hash than its name says")
    return expected
