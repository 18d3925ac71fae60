"""A document is proven by files alone: document → content root → entry → log → checkpoint → key."""

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

import pytest
from tlog_scales.tlog import Checkpoint as TheirCheckpoint
from tlog_scales.tlog import InclusionProof

from store import proof_export
from store.errors import StoreError
from store.note import parse
from store.note_key import NoteKey
from store.proof_export import export_proofs
from store.record import Record
from store.sealing import Sealing
from store.signing_key import FileKey
from store.tlog_proof import TlogProof
from store.witness_policy import Policy
from tests.store.conftest import KIND, Clock, Play, tamper
from tests.store.keys import ORIGIN, Witness, openssl_accepts
from tests.store.verification.everything import Everything

WITNESS = Witness("witness.one", 11)
CONTENTS = {name: {"n": name} for name in "abcdefg"}


@pytest.fixture
def key(tmp_path: Path) -> FileKey:
    return FileKey(tmp_path / "signing.key")


@pytest.fixture
def store(folder: Path, key: FileKey) -> Path:
    with Record.writer(folder, Clock(), Sealing(key, ORIGIN, key.path)) as record:
        play = Play(record)
        play.run(CONTENTS)
        play.run({"b": {"n": "changed"}, "c": CONTENTS["c"]}, complete=False)
        play.run(CONTENTS | {"b": {"n": 2}})
        play.run({"b": {"n": 2}})
        record.publish()
        text = parse((folder / "checkpoint").read_bytes()).text
        record.add_cosignatures(str(WITNESS.cosign(text)).encode(), (WITNESS.key,))
    return folder


def export(store: Path, out: Path, *entries: int, resource: str = "", at: str | None = None) -> list[str]:
    with Record.open(store) as record:
        done = export_proofs(record, entries, (resource,) if resource else (), at, out)
    assert sorted(path.name for path in out.iterdir()) == list(done.files)
    return list(done.files)


def proves_entry(out: Path, seq: int, key: NoteKey, folder: Path) -> dict[str, Any]:
    """Check an entry as an auditor does, with another implementation and OpenSSL, and return what it says."""
    data = (out / f"{seq}.tlog-proof").read_text(encoding="utf-8")
    head, _, note = data.partition("\n\n")
    theirs = TheirCheckpoint.from_text(note)
    index, *hashes = head.split("\n")[1:]
    assert index == f"index {seq}"
    entry = (out / f"{seq}.entry.json").read_bytes()
    proof = TlogProof.parse(data.encode())
    InclusionProof(seq, theirs.size, list(proof.hashes)).check(
        hashlib.sha256(b"\x00" + entry).digest(), theirs.root_hash
    )
    assert len(hashes) == len(proof.hashes)
    line = next(one for one in parse(note.encode()).signatures if one.key_id == key.id)
    assert openssl_accepts(key.public, parse(note.encode()).text.encode(), line.signature, folder)
    return dict(json.loads(entry))


def proves_document(out: Path, name: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Check a document against the entry of its collection, and return it."""
    said = json.loads((out / name).read_bytes())
    leaf = json.dumps(said["leaf"], ensure_ascii=False, separators=(",", ":")).encode()
    hashes = [bytes.fromhex(value) for value in said["hashes"]]
    root = bytes.fromhex(said["root"])
    InclusionProof(said["index"], said["size"], hashes).check(hashlib.sha256(b"\x00" + leaf).digest(), root)
    assert (entry["content"], entry["resources"]) == (said["root"], said["size"])
    data = (out / f"{said['leaf'][1]}.document.json").read_bytes()
    assert hashlib.sha256(data).hexdigest() == said["leaf"][1]
    found = dict(json.loads(data))
    assert found["id"] == said["leaf"][0]
    return found


def test_entries_are_proven_under_the_newest_checkpoint_with_its_cosignatures(
    store: Path, key: FileKey, tmp_path: Path
) -> None:
    names = export(store, tmp_path / "out", 0, 4, 4)
    assert names == ["0.entry.json", "0.tlog-proof", "4.entry.json", "4.tlog-proof"]
    public = key.signer(ORIGIN).key
    assert proves_entry(tmp_path / "out", 0, public, tmp_path)["kind"] == "store"
    assert proves_entry(tmp_path / "out", 4, public, tmp_path)["kind"] == "collection"
    policy = Policy((public,), (WITNESS.key,), 1)
    proof = TlogProof.parse((tmp_path / "out" / "4.tlog-proof").read_bytes())
    assert proof.verify((tmp_path / "out" / "4.entry.json").read_bytes(), policy, ORIGIN)


@pytest.mark.parametrize(
    ("run", "content"), [(0, {"n": "b"}), (1, {"n": "changed"}), (2, {"n": 2}), (3, {"n": 2})]
)
def test_a_document_is_proven_by_the_collection_that_last_saw_it(
    store: Path, key: FileKey, tmp_path: Path, run: int, content: dict[str, Any]
) -> None:
    with Record.open(store) as record, record.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT seq, finished FROM collection ORDER BY seq").all()
    seq, at = rows[run]
    names = export(store, tmp_path / "out", resource=f"{KIND}/b", at=at)
    assert f"{seq}.tlog-proof" in names
    (proof,) = (name for name in names if name.endswith(".content-proof.json"))
    entry = proves_entry(tmp_path / "out", seq, key.signer(ORIGIN).key, tmp_path)
    assert proves_document(tmp_path / "out", proof, entry)["content"] == {"item": content}
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700, "documents are its owner's only"


def test_what_is_gone_is_proven_by_the_collection_that_saw_it_last(
    store: Path, key: FileKey, tmp_path: Path
) -> None:
    names = export(store, tmp_path / "out", resource="a")
    (proof,) = (name for name in names if name.endswith(".content-proof.json"))
    seq = int(proof.partition(".")[0])
    entry = proves_entry(tmp_path / "out", seq, key.signer(ORIGIN).key, tmp_path)
    assert proves_document(tmp_path / "out", proof, entry)["id"] == "a"
    with Record.open(store) as record, record.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT seq FROM collection ORDER BY seq").scalars().all()
    assert seq == rows[2]


def test_a_document_that_was_pruned_is_proven_by_its_hash(everything: Everything, tmp_path: Path) -> None:
    pruned = "SELECT c.name, x.finished FROM content c JOIN collection x ON x.id = c.opened WHERE hash NOT IN"
    with Record.open(everything.folder) as record:
        with record.engine.connect() as connection:
            name, at = connection.exec_driver_sql(f"{pruned} (SELECT hash FROM blob) LIMIT 1").one()
        done = export_proofs(record, (), (name,), at, tmp_path)
    assert len(done.pruned) == 1
    assert not (tmp_path / f"{done.pruned[0]}.document.json").exists()
    assert any(done.pruned[0] in path.read_text() for path in tmp_path.glob("*.content-proof.json"))


def test_only_what_a_signed_checkpoint_covers_can_be_proven(store: Path, tmp_path: Path) -> None:
    with Record.open(store) as record, record.engine.connect() as connection:
        size = connection.exec_driver_sql("SELECT max(size) FROM checkpoint").scalar_one()
    with pytest.raises(StoreError, match=rf"covers entries 0 to {size - 1}, and not {size}"):
        export(store, tmp_path / "out", size)
    with pytest.raises(StoreError, match="no resource 'nothing'"):
        export(store, tmp_path / "out", resource="nothing")
    tamper(store, "UPDATE checkpoint SET note = NULL")
    with pytest.raises(StoreError, match="no checkpoint is signed"):
        export(store, tmp_path / "out", 0)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE log SET hash = zeroblob(32) WHERE seq = 3", "is not of this log"),
        ("UPDATE log SET entry = x'00' WHERE seq = 0", "log entry 0 is damaged"),
        ("DELETE FROM blob WHERE hash = (SELECT hash FROM content WHERE closed IS NULL)", "holds no blob"),
        ("UPDATE content SET hash = zeroblob(32) WHERE name = 'name of b'", "give another root"),
    ],
)
def test_nothing_is_proven_that_is_damaged(store: Path, tmp_path: Path, statement: str, message: str) -> None:
    assert tamper(store, statement)
    with pytest.raises(StoreError, match=message):
        export(store, tmp_path / "out", 0, resource="b")


def test_proofs_of_a_whole_series_hold(store: Path, tmp_path: Path, key: FileKey) -> None:
    with Record.open(store) as record:
        done, files = proof_export.prove(record, (), tuple(CONTENTS))
    assert len([name for name in files if name.endswith(".content-proof.json")]) == len(CONTENTS)
    assert set(files) == set(done.files)
