"""Checkpoints are signed, rotated, cosigned and timestamped; what is dropped or exchanged is named."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from store import log
from store.errors import StoreError
from store.note import Note, parse
from store.note_key import NoteKey
from store.places import Folder
from store.publication import FILE
from store.record import DATABASE, Record
from store.sealing import Sealing
from store.signing_key import FileKey, generate
from store.verify import Demands, Held, verify
from tests.independent_verifier import Verifier
from tests.store.conftest import Clock, Play, tamper
from tests.store.keys import ORIGIN, Witness, openssl_accepts, signer
from tests.store.tsa import Authority, Server, issue, issue_tsa

PUBLIC, CLOSED = {"public": True}, {"public": False}


@pytest.fixture
def sealing(tmp_path: Path) -> Sealing:
    (tmp_path / "elsewhere").mkdir()
    path = tmp_path / "signing.key"
    return Sealing(FileKey(path), ORIGIN, path, (Folder(tmp_path / "elsewhere"),), timestamp_seconds=5)


def play(folder: Path, sealing: Sealing | None, *runs: dict[str, Any]) -> list[str]:
    notices: list[str] = []
    with Record.writer(folder, Clock(), sealing) as record:
        with record.engine.connect() as connection:
            done = connection.exec_driver_sql("SELECT count(*) FROM run").scalar_one()
        player = Play(record, runs=done)
        for contents in runs:
            player.run(contents, complete=contents is not runs[-1] or len(runs) < 3)
            notices += record.publish()
    return notices


def named(folder: Path, demands: Demands | None = None) -> str:
    with Record.open(folder) as record:
        return "\n".join(f"{one.where}: {one.message}" for one in verify(record, demands).problems)


def newest(folder: Path) -> Note:
    return parse((folder / FILE).read_bytes())


def key_of(sealing: Sealing) -> NoteKey:
    return sealing.key.signer(ORIGIN).key


def test_a_run_ends_with_a_checkpoint_that_openssl_accepts(
    folder: Path, sealing: Sealing, tmp_path: Path
) -> None:
    assert play(folder, sealing, {"a": PUBLIC}, {"a": CLOSED}) == []
    note = newest(folder)
    (line,) = note.signatures
    assert openssl_accepts(key_of(sealing).public, note.text.encode(), line.signature, tmp_path)
    assert named(folder, Demands(trusted=(key_of(sealing),))) == ""
    assert [copy for _, copy in sealing.copy_to[0].copies(ORIGIN)][-1] == bytes(note)


def test_a_verifier_written_from_the_documentation_agrees(folder: Path, sealing: Sealing) -> None:
    play(folder, sealing, {"a": PUBLIC, "b": CLOSED}, {"b": {"n": 1}, "c": CLOSED}, {"c": PUBLIC})
    vkey = str(key_of(sealing))
    assert Verifier(folder).run(vkey) == []
    assert named(folder) == ""
    assert Verifier(folder).run(str(signer(seed=9).key)) == ["not signed by the key that was given"]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE finding SET outcome = 'pass' WHERE outcome = 'fail'",
        "UPDATE finding SET reason = 'x' WHERE id = 1",
        "UPDATE content SET hash = (SELECT hash FROM content WHERE id = 1) WHERE id = 2",
        "UPDATE collection SET finished = '2020-01-01T00:00:00.000Z' WHERE id = 1",
        "UPDATE run SET status = 'complete' WHERE status = 'gaps'",
        "UPDATE log SET hash = zeroblob(32) WHERE seq = 3",
        "UPDATE checkpoint SET root = zeroblob(32)",
        "UPDATE checkpoint SET note = NULL",
        "UPDATE checkpoint SET note = replace(note, 'A', 'B')",
        "DELETE FROM content WHERE id = 1",
        "DELETE FROM log WHERE seq = 4",
    ],
)
def test_both_verifiers_find_what_was_changed(folder: Path, sealing: Sealing, statement: str) -> None:
    play(folder, sealing, {"a": PUBLIC, "b": CLOSED}, {"b": {"n": 1}, "c": CLOSED}, {"c": PUBLIC})
    assert tamper(folder, statement)
    assert named(folder)
    assert Verifier(folder).run()


def test_a_key_takes_over_by_a_checkpoint_that_both_sign(
    folder: Path, sealing: Sealing, tmp_path: Path
) -> None:
    play(folder, sealing, {"a": PUBLIC})
    old = key_of(sealing)
    following = generate(tmp_path / "next.key", ORIGIN)
    with Record.writer(folder, Clock(), sealing) as record:
        size = record.rotate_key(following)
        record.publish()
        with pytest.raises(StoreError, match="the log names"):
            record.checkpoint()
    note = newest(folder)
    assert {line.key_id for line in note.signatures} == {old.id, following.key.id}
    after = replace(sealing, key=FileKey(tmp_path / "next.key"))
    play(folder, after, {"a": CLOSED})
    assert {line.key_id for line in newest(folder).signatures} == {following.key.id}
    both = Demands(trusted=(old, following.key))
    assert (named(folder, both), Verifier(folder).run(str(following.key))) == ("", [])
    assert "which is not a trusted key" in named(folder, Demands(trusted=(old,)))
    (folder / FILE).unlink()
    only_new = f"{note.text}\n{note.signatures[0]}"
    tamper(folder, "UPDATE checkpoint SET note = ? WHERE size = ?", only_new, size)
    assert f"the signature of {ORIGIN} ({old.id.hex()}) is gone" in named(folder)


def test_a_run_goes_on_where_the_key_is_gone_and_the_next_one_signs_for_both(
    folder: Path, sealing: Sealing, tmp_path: Path
) -> None:
    play(folder, sealing, {"a": PUBLIC})
    (tmp_path / "signing.key").rename(tmp_path / "moved")
    assert "is not signed: the signing key cannot be read" in play(folder, sealing, {"a": CLOSED})[0]
    assert "is not signed, though the log names a key" in named(folder)
    (tmp_path / "moved").rename(tmp_path / "signing.key")
    with Record.writer(folder, Clock(), sealing) as record:
        record.checkpoint()
    assert named(folder) == ""


def test_nothing_is_signed_only_because_the_store_says_so(folder: Path, sealing: Sealing) -> None:
    play(folder, sealing, {"a": PUBLIC})
    tamper(folder, "UPDATE checkpoint SET note = NULL, root = zeroblob(32)")
    with (
        Record.writer(folder, Clock(), sealing) as record,
        pytest.raises(StoreError, match="not of this log"),
    ):
        record.checkpoint()


def test_dropping_keys_and_signatures_is_found_where_they_are_asked_for(
    folder: Path, sealing: Sealing, tmp_path: Path
) -> None:
    unsigned = Path(shutil.copytree(folder, tmp_path / "unsigned"))
    play(folder, sealing, {"a": PUBLIC})
    play(unsigned, None, {"a": CLOSED})
    demands = Demands(trusted=(key_of(sealing),))
    assert named(folder, demands) == ""
    assert named(unsigned) == ""
    assert named(unsigned, demands) == "record: no checkpoint is signed by a key that is trusted"


def test_an_older_copy_and_a_fork_are_found_by_a_checkpoint_from_outside(
    folder: Path, sealing: Sealing, tmp_path: Path
) -> None:
    play(folder, sealing, {"a": PUBLIC})
    older = Path(shutil.copytree(folder, tmp_path / "older"))
    play(folder, sealing, {"a": CLOSED})
    held = Demands(held=(Held("outside", (folder / FILE).read_bytes()),))
    assert named(folder, held) == ""
    assert named(older) == ""
    assert "outside: is of" in named(older, held)
    play(older, replace(sealing, copy_to=()), {"a": {"n": 2}}, {"a": {"n": 3}})
    assert named(older) == ""
    assert "entries are not those that it is of" in named(older, held)
    shutil.copyfile(tmp_path / "older" / DATABASE, folder / DATABASE)
    assert "entries are not those that it is of" in named(folder), "the file beside the database is newer"


def test_copies_of_another_history_are_left_as_they_are(
    folder: Path, sealing: Sealing, tmp_path: Path
) -> None:
    older = Path(shutil.copytree(folder, tmp_path / "older"))
    play(folder, sealing, {"a": PUBLIC})
    assert "is of another history of this log" in play(older, sealing, {"b": PUBLIC})[0]


def test_witnesses_cosign_and_a_quorum_can_be_asked_for(folder: Path, sealing: Sealing) -> None:
    play(folder, sealing, {"a": PUBLIC})
    one, two = Witness("witness.one", 11), Witness("witness.two", 12)
    text, kept = newest(folder).text, newest(folder).signatures[0]
    quorum = Demands(witnesses=(one.key, two.key), quorum=2)
    with Record.writer(folder, Clock(), sealing) as record:
        size, names = record.add_cosignatures(str(one.cosign(text)).encode(), (one.key, two.key))
        assert names == [one.name]
        assert record.add_cosignatures(str(one.cosign(text)).encode(), (one.key,)) == (size, [])
        with pytest.raises(StoreError, match="no known witness"):
            record.add_cosignatures(str(two.cosign(text)).encode(), (one.key,))
    assert "no checkpoint is cosigned by 2 of 2" in named(folder, quorum)
    with Record.writer(folder, Clock(), sealing) as record:
        signed = Note(text, (two.cosign(text),))
        assert record.add_cosignatures(bytes(signed), (one.key, two.key)) == (size, [two.name])
    assert (named(folder, quorum), Verifier(folder).run()) == ("", [])
    play(folder, sealing, {"a": CLOSED})
    with Record.open(folder) as record:
        result = verify(record, quorum)
    assert (result.ok, result.witnessed_size) == (True, size)
    tamper(folder, "UPDATE checkpoint SET note = ? WHERE size = ?", f"{text}\n{kept}", size)
    assert "the signature of witness.one" in named(folder)


def test_a_timestamp_waits_for_its_authority_and_cannot_be_dropped(
    folder: Path, sealing: Sealing, tmp_path: Path
) -> None:
    ca = issue("Root", authority=True)
    authority = Authority(tmp_path / "tsa", issue_tsa(ca))
    down = replace(sealing, timestamp_url="http://127.0.0.1:1/", timestamp_roots=(ca.pem,))
    assert "has no timestamp yet: the timestamp authority" in play(folder, down, {"a": PUBLIC})[0]
    with Record.open(folder) as record:
        assert (verify(record).ok, verify(record).unstamped) == (True, 1)
    with Server(authority) as server:
        assert play(folder, replace(down, timestamp_url=server.url), {"a": CLOSED}) == []
    demands = Demands(timestamp_roots=(ca.pem,))
    with Record.open(folder) as record:
        result = verify(record, demands)
    assert (result.problems, result.timestamps, result.unstamped) == ([], 1, 0)
    assert Verifier(folder).run() == []
    other = Demands(timestamp_roots=(issue("Other", authority=True).pem,))
    assert "does not hold: the timestamp is not by an authority that is trusted" in named(folder, other)
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        token = bytearray(connection.execute("SELECT token FROM timestamp").fetchone()[0])
    token[-1] ^= 1
    tamper(folder, "UPDATE timestamp SET token = ? WHERE id = 1", bytes(token))
    assert "is not in the log as it is" in named(folder)
    tamper(folder, "DELETE FROM timestamp")
    assert "was logged, but is gone" in named(folder)


def test_an_entry_has_at_most_the_length_that_tiles_can_say(record: Record) -> None:
    with record.engine.begin() as connection, pytest.raises(StoreError, match="a log takes 65535"):
        log.append(connection, record.blobs, "test", {"x": "x" * 65_536})


def test_many_checks_are_logged_in_entries_of_that_length(record: Record) -> None:
    record.register_checks((f"aws.test.check-{n:05d}", {"n": n}) for n in range(1500))
    assert verify(record).ok


@pytest.mark.parametrize(
    ("quorum", "moment"), [(1, "1970-01-01T00:01:40.000Z"), (2, "1970-01-01T00:03:20.000Z")]
)
def test_a_quorum_is_complete_when_the_last_witness_of_it_had_seen_the_checkpoint(
    folder: Path, sealing: Sealing, quorum: int, moment: str
) -> None:
    play(folder, sealing, {"a": PUBLIC})
    text = newest(folder).text
    one, two = Witness("witness.one", 11), Witness("witness.two", 12)
    with Record.writer(folder, Clock(), sealing) as record:
        for witness, at in ((one, 200), (two, 100)):
            record.add_cosignatures(str(witness.cosign(text, at)).encode(), (one.key, two.key))
    play(folder, sealing, {"a": CLOSED}, {"a": PUBLIC})
    with Record.open(folder) as record:
        found = verify(record, Demands(witnesses=(one.key, two.key), quorum=quorum))
    assert (found.problems, found.witnessed_at, found.unwitnessed) == ([], moment, 2)
