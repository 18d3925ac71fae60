"""The log goes out to the world by command and by configuration: tiles, proofs, copies, witnesses."""

import json
import shutil
from pathlib import Path
from typing import Any

import boto3
import pytest

from annexa.demo.server import MotoServer
from store.checkpoint_text import Checkpoint
from store.note import parse
from store.note_key import NoteKey
from store.proof import root_at
from store.tiles import TileFolder
from store.tlog_proof import TlogProof
from store.witness_policy import Policy
from tests.annexa.support_cli import Sandbox
from tests.annexa.test_record_commands import run, vkey
from tests.store.conftest import KIND
from tests.store.keys import Witness
from tests.store.witness_server import WitnessServer

ONE = Witness("witness.one", 11)


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    found = Sandbox.make(tmp_path / "box", None)
    assert found.ask("init").code == 0
    configure(found)
    return found


def configure(box: Sandbox, record: str = "") -> None:
    """Configure the record, and no provider: ``annexa doctor`` would look at all of it."""
    box.config.write_text(f"[record]\n{record}\n", encoding="utf-8")


def rows(box: Sandbox, name: str) -> list[dict[str, Any]]:
    return [row for row in box.ask("doctor", "--format", "json").json if row["name"] == name]


def test_the_log_is_written_as_tiles_and_then_only_what_is_new(box: Sandbox) -> None:
    run(box)
    told = box.ask("export", "tiles", "--out", "out")
    assert told.code == 0, told.err
    checkpoint = Checkpoint.parse(parse((box.folder / "out/checkpoint").read_bytes()).text)
    assert f"the first {checkpoint.size} entries" in told.out
    assert root_at(TileFolder(box.folder / "out", checkpoint.size), checkpoint.size) == checkpoint.root
    assert "already" in box.ask("export", "tiles", "--out", "out").out
    run(box, "b")
    assert f"{checkpoint.size} were there" in box.ask("export", "tiles", "--out", "out").out
    (box.folder / "out/checkpoint").write_text("nonsense")
    told = box.ask("export", "tiles", "--out", "out")
    assert (told.code, "is not the checkpoint of a log" in told.err) == (1, True)


def test_entries_and_documents_are_proven(box: Sandbox) -> None:
    run(box)
    told = box.ask("export", "proof", "0", "1", "--resource", f"{KIND}/a", "--out", "out")
    assert told.code == 0, told.err
    written = {path.name for path in (box.folder / "out").iterdir()}
    assert {Path(line).name for line in told.out.split()} == written
    assert {"0.tlog-proof", "0.entry.json", "1.tlog-proof"} <= written
    proof = TlogProof.parse((box.folder / "out/0.tlog-proof").read_bytes())
    entry = (box.folder / "out/0.entry.json").read_bytes()
    assert proof.verify(entry, Policy((NoteKey.parse(vkey(box)),)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "Give entries of the log, or --resource"),
        (("0", "--as-of", "2026-01-01"), "--as-of goes with --resource"),
        (("999",), "and not 999"),
        (("--resource", "nothing"), "no resource 'nothing'"),
        (("-1",), "-1"),
    ],
)
def test_what_cannot_be_proven_is_refused(box: Sandbox, arguments: tuple[str, ...], message: str) -> None:
    run(box)
    told = box.ask("export", "proof", *arguments, "--out", "out")
    assert (told.code, message in told.err) == (1, True), told
    assert not (box.folder / "out").exists()


def test_copies_go_to_an_object_store_and_verify_reads_them_there(tmp_path: Path) -> None:
    with MotoServer() as server:
        box = Sandbox.make(tmp_path / "box", None, endpoint=server.endpoint)
        assert box.ask("init").code == 0
        configure(box, 'copy_to = ["s3://checkpoints/annexa"]\ncopy_retention_days = 30')
        told = box.ask("checkpoint", "--format", "json").json
        assert "NoSuchBucket" in told["notices"][0]
        assert [row["ok"] for row in rows(box, "copies")] == [False]
        told_by_verify = box.ask("verify")
        assert (told_by_verify.code, "are not compared" in told_by_verify.out) == (4, True)
        client = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name="us-east-1",
            aws_access_key_id="key",
            aws_secret_access_key="secret",
        )
        client.create_bucket(Bucket="checkpoints", ObjectLockEnabledForBucket=True)
        assert box.ask("checkpoint", "--format", "json").json["notices"] == []
        assert [row["ok"] for row in rows(box, "copies")] == [True]
        told = box.ask("verify", "--format", "json")
        assert told.code == 0
        held = [one["where"] for one in told.json["against"]]
        assert any(where.startswith("s3://checkpoints/annexa/") for where in held)
        objects = client.list_object_versions(Bucket="checkpoints")["Versions"]
        assert len(objects) == 1, "looking whether it can be written leaves nothing behind"


def test_a_store_exchanged_for_another_one_is_found_by_the_copies_that_it_lacks(
    box: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "copies").mkdir()
    configure(box, f"copy_to = [{json.dumps(str(tmp_path / 'copies'))}]")
    run(box)
    assert box.ask("verify").code == 0
    shutil.rmtree(box.store)
    configure(box)
    run(box)
    configure(box, f"copy_to = [{json.dumps(str(tmp_path / 'copies'))}]")
    told = box.ask("verify", "--format", "json")
    assert (told.code, [one["where"] for one in told.json["problems"]]) == (4, [str(tmp_path / "copies")])
    assert "another log was put in its place" in told.out


def test_copies_are_found_by_the_name_that_the_log_goes_by(box: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    shutil.rmtree(box.store)
    places = f"copy_to = [{json.dumps(str(tmp_path / 'copies'))}]"
    configure(box, f'{places}\norigin = "example.com/own"')
    run(box)
    configure(box, places)
    told = box.ask("verify", "--format", "json")
    assert (told.code, len(told.json["against"])) == (0, 2)


def test_witnesses_are_asked_and_doctor_says_who_has_not_cosigned(
    box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = NoteKey.parse(vkey(box))
    known = f"witnesses = {json.dumps([str(ONE.key)])}\nwitness_quorum = 1"
    configure(box, f'{known}\nwitness_urls = ["http://127.0.0.1:1/"]')
    run(box)
    assert [row["ok"] for row in rows(box, "witnesses")] == [False]
    with WitnessServer(ONE, {key.name: (key,)}) as witness:
        configure(box, f"{known}\nwitness_urls = [{json.dumps(witness.url)}]")
        box.environment["no_proxy"] = "127.0.0.1"
        told = box.ask("checkpoint", "--format", "json").json
        assert told["notices"] == []
        assert f"— {ONE.name} " in told["note"]
        assert [row["ok"] for row in rows(box, "witnesses")] == [True]
    told = box.ask("verify", "--format", "json").json
    assert (told["ok"], told["unwitnessed"]) == (True, 0)
    configure(box, known)
    run(box, "b")
    told = box.ask("verify")
    assert (told.code, "1 checkpoints since then are not" in told.out) == (0, True)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ('witness_urls = ["https://witness.example/"]', "set 'witnesses' to the keys"),
        ('witness_urls = ["witness.example"]', "begin with http:// or https://"),
        ('copy_to = ["gs://bucket"]', "s3://bucket/prefix"),
        ("copy_retention_days = 3", "is for a place s3://"),
        ('copy_to = ["s3://bucket"]\ncopy_retention_days = 0', "copy_retention_days"),
    ],
)
def test_what_cannot_be_is_refused(box: Sandbox, record: str, message: str) -> None:
    configure(box, record)
    told = box.ask("verify")
    assert (told.code, message in told.err) == (1, True), told
