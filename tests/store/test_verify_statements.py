"""Statements and their files under verification: what is changed, missing or forged is found and named."""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import log
from store.canonical import canonical
from store.files import path_of
from store.record import Record
from store.retention import removed_root
from store.statement import Attestation, Exclusion, Hold, Statement, Waiver, Withdrawal, payload
from store.verify import verify
from tests.independent_verifier import Verifier
from tests.store.conftest import Clock

DATA = b"minutes of the meeting"
WAIVER = Waiver("a.b.c", "", "", "", "On purpose.", "Grace", "2026-01-01", "2026-01-31")
EXCLUSION = Exclusion("7.4", "There are no premises.", "Grace", "2026-01-01")
WHO = "root@host"


def state_all(record: Record) -> Attestation:
    """File one of each kind: entries 1 to 5."""
    file = record.attach(io.BytesIO(DATA), "minutes.txt", "text/plain")
    attestation = Attestation("5.1", "Ada", "It is met.", "2026-01-01", "2026-12-31", (file,))
    for statement in (attestation, WAIVER, EXCLUSION, Hold("A dispute.", "Grace", "2026-01-01")):
        record.file(statement, WHO)
    record.file(Withdrawal(3, "There are now.", "Ada"), WHO)
    return attestation


@pytest.fixture(scope="module")
def once(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stated") / "store"
    shutil.copytree(empty_store, folder)
    with Record.writer(folder, Clock()) as record:
        state_all(record)
    return folder


@pytest.fixture
def stated(once: Path, tmp_path: Path) -> Iterator[Record]:
    shutil.copytree(once, tmp_path / "store")
    with Record.writer(tmp_path / "store", Clock()) as record:
        yield record


def named(record: Record) -> str:
    return "\n".join(f"{problem.where}: {problem.message}" for problem in verify(record).problems)


def kept(record: Record) -> Path:
    [path] = [path for path in (record.path / "files").rglob("*") if path.is_file()]
    return path


def both_find(record: Record, name: str) -> None:
    assert name in named(record)
    assert Verifier(record.path).run() != []


def digest_of(record: Record, entry: int) -> bytes:
    with record.engine.connect() as connection:
        row = connection.exec_driver_sql(f"SELECT * FROM log WHERE seq = {entry}").one()
        body = json.loads(record.blobs.decompress(connection, row.dictionary_id, row.entry))
    return bytes.fromhex(body["statement"])


def forge(
    record: Record, statement: Statement, kind: str = "", more: dict[str, object] | None = None
) -> None:
    """Log a statement as who has the disk can, past what :meth:`Record.file` refuses."""
    data = canonical(payload(statement, WHO, "00") | (more or {}))
    key = hashlib.sha256(data).digest()
    body = {"at": "2026-01-02T00:00:00.000Z", "statement": key.hex()}
    with record.engine.begin() as connection:
        record.blobs.put(connection, {key: data})
        log.append(connection, record.blobs, kind or statement.KIND, body)


def test_one_of_each_kind_verifies_also_to_those_who_know_only_the_page(stated: Record) -> None:
    assert named(stated) == ""
    assert Verifier(stated.path).run() == []


@pytest.mark.parametrize("entry", [1, 2, 3, 4, 5])
def test_a_payload_that_is_gone_is_found(stated: Record, entry: int) -> None:
    key = digest_of(stated, entry)
    with stated.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM blob WHERE hash = :key"), {"key": key})
    both_find(stated, f" {entry}: its blob {key.hex()} is gone")


@pytest.mark.parametrize("entry", [1, 2, 3, 4, 5])
def test_a_payload_that_is_replaced_by_another_is_found(stated: Record, entry: int) -> None:
    keys = {"key": digest_of(stated, entry), "other": digest_of(stated, entry % 5 + 1)}
    exchange = "UPDATE blob SET data = (SELECT data FROM blob WHERE hash = :other) WHERE hash = :key"
    with stated.engine.begin() as connection:
        connection.execute(sa.text(exchange), keys)
    both_find(stated, "its content has another hash")


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.integers(0, len(DATA) - 1), bit=st.integers(0, 7))
def test_any_flipped_bit_of_a_file_is_found(stated: Record, place: int, bit: int) -> None:
    data = bytearray(DATA)
    data[place] ^= 1 << bit
    kept(stated).write_bytes(data)
    assert "attestation 1: its file minutes.txt" in named(stated)
    assert Verifier(stated.path).run() == ["file minutes.txt of statement 1"]


@pytest.mark.parametrize("data", [b"", DATA[:-1], DATA + b"."])
def test_a_file_that_was_cut_or_added_to_is_found(stated: Record, data: bytes) -> None:
    kept(stated).write_bytes(data)
    both_find(stated, "is not the one that was filed")


def test_a_file_that_is_gone_is_found(stated: Record) -> None:
    kept(stated).unlink()
    both_find(stated, "attestation 1: its file minutes.txt")


def test_what_stands_in_a_files_place_is_named_and_not_waited_for(stated: Record) -> None:
    path = kept(stated)
    path.unlink()
    os.mkfifo(path)
    assert "cannot be read: it is no regular file" in named(stated)
    path.unlink()
    path.symlink_to("/dev/zero")
    assert "cannot be read: it is no regular file" in named(stated)
    path.unlink()
    path.mkdir()
    assert "cannot be read: it is no regular file" in named(stated)


def test_a_file_that_no_statement_names_is_no_part_of_the_record(stated: Record) -> None:
    stated.attach(io.BytesIO(b"left by a crash"), "x", "text/plain")
    assert named(stated) == ""


@pytest.mark.parametrize("entry", [0, 3, 5, 99])
def test_a_withdrawal_of_what_is_not_there_to_be_withdrawn_is_found(stated: Record, entry: int) -> None:
    forge(stated, Withdrawal(entry, "x", "x"))
    assert f"withdrawal 6: withdraws entry {entry}, which is not there" in named(stated)


def test_a_statement_logged_as_another_kind_is_found(stated: Record) -> None:
    forge(stated, EXCLUSION, kind="hold")
    both_find(stated, "hold 6: was logged as hold, and is of the kind exclusion")


def test_a_payload_that_is_no_statement_is_found(stated: Record) -> None:
    forge(stated, EXCLUSION, more={"says": {}})
    assert "exclusion 6: is malformed" in named(stated)


# What retention may let go.


def prune(record: Record, *keys: bytes, before: str) -> None:
    with record.engine.begin() as connection:
        seq = log.append(
            connection,
            record.blobs,
            "prune",
            {
                "at": "2099-06-01T00:00:00.000Z",
                "by": "Ada",
                "reason": "It is old.",
                "before": before,
                "removed": len(keys),
                "root": removed_root(keys).hex(),
            },
        )
        for key in keys:
            connection.execute(sa.text("DELETE FROM blob WHERE hash = :key"), {"key": key})
            connection.execute(sa.text("INSERT INTO tombstone VALUES (:key, :seq)"), {"key": key, "seq": seq})


def test_what_has_ended_may_be_let_go_and_leaves_its_digest(stated: Record) -> None:
    stated.file(Withdrawal(4, "It is settled.", "Grace"), "root@host")
    prune(stated, digest_of(stated, 2), digest_of(stated, 3), before="2026-06-01T00:00:00.000Z")
    assert named(stated) == ""


def test_a_withdrawal_may_not_be_let_go_because_what_it_ended_would_count_again(stated: Record) -> None:
    prune(stated, digest_of(stated, 5), before="2099-01-01T00:00:00.000Z")
    assert "withdrawal 5: its blob" in named(stated)


def test_a_file_of_an_attestation_that_counts_may_not_be_let_go(stated: Record) -> None:
    sha256 = kept(stated).name
    prune(stated, bytes.fromhex(sha256), before="2026-06-01T00:00:00.000Z")
    path_of(stated.path, sha256).unlink()
    assert f"attestation 1: its file minutes.txt ({sha256}) is gone" in named(stated)
