"""Filing statements, and reading those that were filed. The log holds their digests, blobs what they say."""

import hashlib
import re
import secrets
from dataclasses import replace
from pathlib import Path

import orjson
import sqlalchemy as sa

from store import log
from store.blobs import Blobs
from store.canonical import canonical
from store.database import unwritable
from store.errors import StoreError
from store.files import FOLDER, path_of
from store.retention import entries_that_let_go, removals
from store.schema import log as log_table
from store.statement import (
    STATEMENT_KINDS,
    Attestation,
    Filed,
    State,
    Statement,
    Withdrawal,
    payload,
    read_payload,
)

_NONCE_BYTES = 16
_SHA256 = re.compile("[0-9a-f]{64}")


def file(connection: sa.Connection, blobs: Blobs, statement: Statement, filed_by: str, at: str) -> Filed:
    """File a statement in the caller's transaction.

    Args:
        filed_by: the account that files it.
        at: the moment, RFC 3339 in UTC.

    Raises:
        StoreError: it lacks something, or withdraws what is not there to be withdrawn.
    """
    must_be_whole(statement, at)
    if isinstance(statement, Withdrawal):
        _must_stand(connection, blobs, statement.entry, at)
    try:
        said = payload(statement, filed_by, secrets.token_hex(_NONCE_BYTES))
        read_payload(said)
        data = canonical(said)
    except ValueError as error:
        raise StoreError(f"the {statement.KIND} cannot be kept: {error}") from error
    key = hashlib.sha256(data).digest()
    blobs.put(connection, {key: data})
    entry = log.append(connection, blobs, statement.KIND, {"at": at, "statement": key.hex()})
    return Filed(entry, at, statement.KIND, key.hex(), filed_by, statement)


def must_be_whole(statement: Statement, at: str) -> None:
    """Refuse a statement that lacks what makes it count.

    Args:
        at: the moment of filing, RFC 3339 in UTC.

    Raises:
        StoreError: a text that has to be given is empty, or its days cannot be.
    """
    for name in ("owner", "approver", "reason", "justification"):
        if not str(getattr(statement, name, name)).strip():
            raise StoreError(f"the {statement.KIND} has an empty {name}", "Say it in words.")
    if isinstance(statement, Attestation) and not (statement.says.strip() or statement.files):
        raise StoreError("an attestation needs a file or a text", "Bring a file, or say what is attested.")
    if isinstance(statement, Withdrawal) or not statement.valid_until:
        return
    if statement.valid_until < statement.valid_from:
        raise StoreError(
            f"the {statement.KIND} would end on {statement.valid_until}, "
            f"before it begins on {statement.valid_from}"
        )
    if statement.valid_until < at[:10]:
        raise StoreError(
            f"the {statement.KIND} would have ended on {statement.valid_until} already",
            f"Give a day from {at[:10]} (today in UTC) on.",
        )


def read(connection: sa.Connection, blobs: Blobs, at: str | None = None) -> list[Filed]:
    """Return every statement that had been filed by a moment, oldest first, withdrawals included.

    Args:
        at: RFC 3339 in UTC; None is now.

    Raises:
        StoreError: one cannot be read.
    """
    found: dict[int, Filed] = {}
    query = (
        sa.select(log_table)
        .where(log_table.c.entry.is_not(None), log_table.c.kind.in_(sorted(STATEMENT_KINDS)))
        .order_by(log_table.c.seq)
    )
    bodies = []
    for row in connection.execute(query).all():
        try:
            body = orjson.loads(blobs.decompress(connection, row.dictionary_id, row.entry))
            if at is None or body["at"] <= at:
                bodies.append((row, body, bytes.fromhex(body["statement"])))
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(row.seq, error) from error
    gone = entries_that_let_go(connection, (key for _, _, key in bodies))
    before = {act.entry: act.before for act in removals(connection, blobs)} if gone else {}
    for row, body, key in bodies:
        try:
            statement, filed_by, pruned_before = None, "", ""
            if key not in gone or not blobs.missing(connection, [key]):
                statement, filed_by = read_payload(orjson.loads(blobs.get(connection, key)))
                if row.kind != statement.KIND:
                    raise ValueError(f"its payload is of the kind {statement.KIND}")
            else:
                pruned_before = before.get(gone[key], "")
        except (ValueError, KeyError, TypeError) as error:
            raise _damaged(row.seq, error) from error
        found[row.seq] = Filed(
            row.seq, body["at"], row.kind, key.hex(), filed_by, statement, pruned_before=pruned_before
        )
        if isinstance(statement, Withdrawal) and (ended := found.get(statement.entry)):
            found[statement.entry] = replace(ended, withdrawn=body["at"], withdrawn_by=row.seq)
    return list(found.values())


def _damaged(entry: int, error: Exception) -> StoreError:
    return StoreError(f"log entry {entry} is damaged: {error}", "Run `annexa verify`.")


def files_of(filed: Filed) -> set[str]:
    """Return the SHA-256 of each file that a statement brings, in hexadecimal."""
    if isinstance(filed.statement, Attestation):
        return {file.sha256 for file in filed.statement.files}
    return set()


def remove_pruned_files(connection: sa.Connection, blobs: Blobs, store: Path) -> None:
    """Remove the files that retention let go and that no statement brings any more.

    They go after the transaction that let them go; after a crash in between, the next writer does it.

    Raises:
        StoreError: one cannot be removed.
    """
    kept = {path.name for path in (store / FOLDER).glob("??/*") if _SHA256.fullmatch(path.name)}
    if not kept:
        return
    left = {key.hex() for key in entries_that_let_go(connection, map(bytes.fromhex, kept))}
    if not left:
        return
    brought = {sha256 for filed in read(connection, blobs) for sha256 in files_of(filed)}
    try:
        for sha256 in left - brought:
            path_of(store, sha256).unlink()
    except OSError as error:
        raise unwritable(store, error) from error


def _must_stand(connection: sa.Connection, blobs: Blobs, entry: int, at: str) -> None:
    filed = next((one for one in read(connection, blobs) if one.entry == entry), None)
    hint = "`annexa statements` lists what was stated, with its entries."
    if filed is None or filed.kind == Withdrawal.KIND:
        raise StoreError(f"log entry {entry} is no statement that can be withdrawn", hint)
    if filed.withdrawn:
        raise StoreError(f"the {filed.kind} {entry} was withdrawn on {filed.withdrawn[:10]} already", hint)
    if filed.state(at) in (State.EXPIRED, State.PRUNED):
        raise StoreError(f"the {filed.kind} {entry} has ended by itself", hint)
