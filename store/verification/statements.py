"""Statements: what each says must be there, and so must the files that it brings."""

from store.files import digest_of, path_of
from store.statement import STATEMENT_KINDS, Attestation, Filed, Withdrawal, read_payload
from store.verification.examination import Examination


def check_statements(x: Examination) -> None:
    """Check statements against the log, and the files against their names."""
    filed: dict[int, Filed] = {}
    withdrawn: dict[int, str] = {}
    for seq, body in x.entries.items():
        if body["kind"] not in STATEMENT_KINDS:
            continue
        where = f"{body['kind']} {seq}"
        with x.at(where):
            key = bytes.fromhex(body["statement"])
            value = x.json(key)
            if value is None:
                statement, filed_by = None, ""
            else:
                statement, filed_by = read_payload(value)
                if body["kind"] != statement.KIND:
                    x.problem(where, f"was logged as {body['kind']}, and is of the kind {statement.KIND}")
            if isinstance(statement, Withdrawal):
                ended = filed.get(statement.entry)
                if ended is None or ended.kind == Withdrawal.KIND or statement.entry in withdrawn:
                    x.problem(where, f"withdraws entry {statement.entry}, which is not there to be withdrawn")
                withdrawn[statement.entry] = body["at"]
            filed[seq] = Filed(seq, body["at"], body["kind"], key.hex(), filed_by, statement)
    for seq, one in filed.items():
        with x.at(f"{one.kind} {seq}"):
            _check(x, one, withdrawn.get(seq, ""))


def _check(x: Examination, one: Filed, withdrawn: str) -> None:
    where = f"{one.kind} {one.entry}"
    ended = Filed(one.entry, one.at, one.kind, one.digest, "", one.statement, withdrawn).ended
    # Without what it says, when it ended is not known; that it was let go says that it had.
    until = one.at if one.statement is None else ended or None
    if one.kind == Withdrawal.KIND:
        until = None  # Without it, what it withdrew would count again.
    x.need(bytes.fromhex(one.digest), where, until)
    if not isinstance(one.statement, Attestation):
        return
    for file in one.statement.files:
        path = path_of(x.record.path, file.sha256)
        try:
            found = digest_of(path)
        except FileNotFoundError:
            if not x.let_go(bytes.fromhex(file.sha256), until):
                x.problem(where, f"its file {file.name} ({file.sha256}) is gone")
            continue
        except OSError as error:
            x.problem(where, f"its file {path} cannot be read: {error.strerror}")
            continue
        if found != (file.sha256, file.bytes):
            x.problem(where, f"its file {file.name} ({path}) is not the one that was filed")
