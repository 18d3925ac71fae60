"""The record's commands: signing, rotating, copying, timestamping, and verifying against what is outside."""

import json
import shutil
from pathlib import Path

import pytest

from annexa.record_config import sealing
from annexa.workspace import Workspace
from store.note import parse
from store.note_key import NoteKey
from store.record import Record
from tests.annexa.support_cli import Sandbox
from tests.independent_verifier import Verifier
from tests.store.conftest import Play, tamper
from tests.store.keys import Witness, openssl_accepts, signer
from tests.store.tsa import Authority, Server, issue, issue_tsa

WITNESSES = (Witness("witness.one", 11), Witness("witness.two", 12))


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    found = Sandbox.make(tmp_path / "box", None)
    assert found.ask("init").code == 0
    configure(found)
    return found


def configure(box: Sandbox, record: str = "") -> None:
    box.config.write_text(f"[record]\n{record}\n[aws]\n", encoding="utf-8")


def run(box: Sandbox, resource: str = "a") -> None:
    """Play a run as `annexa collect` would make one."""
    config = Workspace.load(box.config).config
    with Record.writer(box.store, sealing=sealing(config)) as record:
        with record.engine.connect() as connection:
            done = connection.exec_driver_sql("SELECT count(*) FROM run").scalar_one()
        Play(record, runs=done).run({resource: {"public": False}})
        record.publish()


def vkey(box: Sandbox) -> str:
    return str(box.ask("checkpoint", "--format", "json").json["key"])


def test_init_makes_a_key_that_only_its_owner_may_read(box: Sandbox) -> None:
    assert (box.store / "signing.key").stat().st_mode & 0o777 == 0o600
    assert box.ask("verify", "--key", vkey(box)).code == 0


def test_a_checkpoint_is_what_openssl_accepts(box: Sandbox, tmp_path: Path) -> None:
    run(box)
    row = box.ask("checkpoint", "--format", "json").json
    note = parse((box.store / "checkpoint").read_bytes())
    assert bytes(note).decode() == row["note"]
    key = NoteKey.parse(row["key"])
    assert openssl_accepts(key.public, note.text.encode(), note.signatures[0].signature, tmp_path)
    again = box.ask("checkpoint", "--format", "json").json
    assert again["size"] == row["size"], "nothing has happened since"


def test_without_a_key_from_outside_verify_says_so(box: Sandbox, tmp_path: Path) -> None:
    run(box)
    told = box.ask("verify")
    assert told.code == 0
    assert "by keys that the store itself names; give --key" in told.out
    (tmp_path / "keys").write_text(vkey(box) + "\n")
    told = box.ask("verify", "--key", str(tmp_path / "keys"))
    assert (told.code, "by keys that you trust" in told.out) == (0, True)
    assert box.ask("verify", "--key", str(signer(seed=9).key)).code == 4
    assert box.ask("verify", "--key", "nonsense").code == 1


def test_the_requirement_to_be_signed_lies_outside_the_store(box: Sandbox) -> None:
    run(box)
    configure(box, f"trusted_keys = {json.dumps([vkey(box)])}")
    assert box.ask("verify").code == 0
    tamper(box.store, "UPDATE checkpoint SET note = NULL")
    assert box.ask("verify").code == 4
    shutil.rmtree(box.store)
    with Record.writer(box.store) as record:
        Play(record).run({"a": {"public": False}})
    told = box.ask("verify", "--format", "json")
    assert (told.code, told.json["ok"], told.json["trusted"]) == (4, False, True)
    assert "no checkpoint is signed by a key that is trusted" in told.out


def test_an_older_copy_of_the_store_is_found_by_what_is_held_outside(box: Sandbox, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    configure(box, f"copy_to = [{json.dumps(str(tmp_path / 'copies'))}]")
    run(box)
    older = shutil.copytree(box.store, tmp_path / "older")
    run(box, "b")
    held = shutil.copyfile(box.store / "checkpoint", tmp_path / "held.txt")
    assert box.ask("verify", "--against", str(held)).code == 0
    shutil.rmtree(box.store)
    shutil.copytree(older, box.store)
    told = box.ask("verify", "--against", str(held), "--format", "json")
    assert told.code == 4
    assert {one["where"] for one in told.json["problems"]} == {
        str(held),
        str(max((tmp_path / "copies").iterdir())),
    }
    configure(box)
    assert box.ask("verify").code == 0
    assert "an older copy of the store" in box.ask("verify", "--against", str(held), "--format", "json").out


def test_rotation_is_logged_and_signed_by_both(box: Sandbox) -> None:
    run(box)
    old = vkey(box)
    assert box.ask("checkpoint", "rotate-key").code == 0
    run(box, "b")
    new = vkey(box)
    assert new != old
    retired = f"signing.key.{NoteKey.parse(old).id.hex()}.retired"
    assert {path.name for path in box.store.glob("signing*")} == {"signing.key", retired}
    assert box.ask("verify", "--key", old).code == 4
    told = box.ask("verify", "--key", old, "--key", new, "--format", "json")
    assert (told.code, told.json["keys"]) == (0, [old, new])
    assert Verifier(box.store).run(new) == []
    assert box.ask("doctor", "--format", "json").json


def test_witnesses_cosign_k_of_n(box: Sandbox, tmp_path: Path) -> None:
    run(box)
    keys = json.dumps([str(witness.key) for witness in WITNESSES])
    configure(box, f"witnesses = {keys}\nwitness_quorum = 2")
    text = parse((box.store / "checkpoint").read_bytes()).text
    for witness, code in zip(WITNESSES, (4, 0), strict=True):
        (tmp_path / "answer").write_text(str(witness.cosign(text)))
        assert box.ask("checkpoint", "add-cosignature", str(tmp_path / "answer")).code == 0
        assert box.ask("verify").code == code
    assert box.ask("verify", "--format", "json").json["witnessed_size"] == int(text.split("\n")[1])
    (tmp_path / "answer").write_text("nonsense")
    assert box.ask("checkpoint", "add-cosignature", str(tmp_path / "answer")).code == 1


def test_timestamps_are_asked_for_again_until_there_are_some(box: Sandbox, tmp_path: Path) -> None:
    ca = issue("Root", authority=True)
    (box.folder / "roots.pem").write_bytes(ca.pem)
    configure(box, 'timestamp_url = "http://127.0.0.1:1/"\ntimestamp_roots = "roots.pem"')
    run(box)
    told = box.ask("checkpoint", "--format", "json")
    assert (told.code, len(told.json["unstamped"])) == (0, 2)
    doctor = box.ask("doctor", "--format", "json").json
    assert [row["ok"] for row in doctor if row["name"] == "timestamps"] == [False]
    with Server(Authority(tmp_path / "tsa", issue_tsa(ca))) as server:
        configure(box, f'timestamp_url = "{server.url}"\ntimestamp_roots = "roots.pem"')
        assert box.ask("checkpoint", "--format", "json").json["unstamped"] == []
    told = box.ask("verify", "--format", "json")
    assert (told.code, told.json["timestamps"], told.json["unstamped"]) == (0, 1, 0)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ('key_file = "a"\nkey_env = "B"', "set only one of 'key_file' and 'key_env'"),
        ('key_command = ["sign"]', "set 'key_command' and 'key_vkey' together"),
        ('timestamp_url = "ftp://x"', "begins with http:// or https://"),
        ('timestamp_roots = "x"', "'timestamp_url', which is not set"),
        ('trusted_keys = ["x"]', "is not a key of the form name+id+base64"),
        ("witness_quorum = 1", "can never be met"),
        ('origin = "a b"', "no spaces"),
    ],
)
def test_what_cannot_be_is_refused(box: Sandbox, record: str, message: str) -> None:
    configure(box, record)
    told = box.ask("verify")
    assert (told.code, message in told.err) == (1, True), told


def test_a_checkpoint_of_nothing_makes_no_store(tmp_path: Path) -> None:
    box = Sandbox.make(tmp_path / "box")
    assert box.ask("checkpoint").code == 1
    assert not box.store.exists()
