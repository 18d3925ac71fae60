"""``annexa verify --pack``: without a store and without a configuration, and with one where there is one."""

import json
from pathlib import Path

import pytest

from annexa.commands.verify import pack_row
from store.pack.verify import verify_pack
from tests.annexa.support_cli import Sandbox
from tests.store.keys import signer
from tests.store.pack.packing import KEY, Forger, export, read, sampled, write_record


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("packed") / "store"
    write_record(folder)
    return folder


@pytest.fixture(scope="module")
def pack(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(store, tmp_path_factory.mktemp("pack") / "audit.zip")


@pytest.fixture
def box(tmp_path: Path) -> Sandbox:
    return Sandbox.make(tmp_path / "box", None)


def test_an_auditor_needs_no_configuration_and_no_store(box: Sandbox, pack: Path) -> None:
    told = box.ask("verify", "--pack", str(pack), "--key", str(KEY))
    assert told.code == 0, told
    assert "The pack verifies: 41 log entries" in told.out
    assert "It is of 2026-01-03 to 2026-01-31" in told.out
    assert "none is left out" in told.out
    assert "by keys that you trust" in told.out
    assert "Not proven: 1 pages." in told.out
    assert list(box.folder.iterdir()) == [], "nothing is written"


def test_without_a_key_nobody_outside_vouches_for_it(box: Sandbox, pack: Path) -> None:
    told = box.ask("verify", "--pack", str(pack))
    assert told.code == 0
    assert "by keys that the pack itself names; give --key" in told.out
    assert "Nobody outside vouches for it" in told.out
    assert "Proven" not in told.out


def test_another_key_and_a_forgery_exit_with_4(box: Sandbox, pack: Path, tmp_path: Path) -> None:
    assert box.ask("verify", "--pack", str(pack), "--key", str(signer(seed=9).key)).code == 4
    page = read(pack)["data/findings.jsonl"].replace(b'"fail"', b'"pass"')
    told = box.ask("verify", "--pack", str(Forger(pack, tmp_path).forge({"data/findings.jsonl": page})))
    assert (told.code, "does NOT verify" in told.out) == (4, True)
    assert "Proven" not in told.out
    assert "its findings give another root" in " ".join(told.out.split())


def test_what_is_no_pack_exits_with_1(box: Sandbox, pack: Path, tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"no")
    told = box.ask("verify", "--pack", str(tmp_path / "x.zip"))
    assert (told.code, "is no zip" in told.err) == (1, True)
    assert box.ask("verify", "--pack", str(tmp_path / "none.zip")).code == 1
    assert box.ask("verify", "--pack", str(pack), "--key", "nonsense").code == 1


def test_a_checkpoint_from_outside_counts(box: Sandbox, pack: Path, tmp_path: Path) -> None:
    (tmp_path / "held").write_bytes(read(pack)["checkpoints/20.checkpoint"])
    arguments = ("verify", "--pack", str(pack), "--key", str(KEY), "--against", str(tmp_path / "held"))
    assert "Begins with the 20 entries of" in box.ask(*arguments).out
    (tmp_path / "held").write_bytes(b"no")
    assert box.ask(*arguments).code == 4


def test_a_configuration_that_is_named_counts(box: Sandbox, pack: Path) -> None:
    box.config.write_text(f"[record]\ntrusted_keys = {json.dumps([str(KEY)])}\n", encoding="utf-8")
    named = ("--config", str(box.config), "verify", "--pack", str(pack))
    assert "by keys that you trust" in box.ask(*named).out
    box.config.write_text(f"[record]\ntrusted_keys = {json.dumps([str(signer(seed=9).key)])}\n")
    assert box.ask(*named).code == 4


def test_a_configuration_that_came_with_the_pack_vouches_for_nothing(box: Sandbox, pack: Path) -> None:
    box.config.write_text(f"[record]\ntrusted_keys = {json.dumps([str(KEY)])}\n", encoding="utf-8")
    assert "Nobody outside vouches for it" in box.ask("verify", "--pack", str(pack)).out
    assert box.ask("verify", "--pack", str(pack), "--key", str(signer(seed=9).key)).code == 4


def test_a_file_with_the_name_of_a_key_is_not_taken_for_it(box: Sandbox, pack: Path) -> None:
    other = str(signer(seed=9).key)
    path = box.folder / other
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(str(KEY), encoding="utf-8")
    assert box.ask("verify", "--pack", str(pack), "--key", other).code == 4


def test_statements_that_are_not_shown_are_counted(box: Sandbox, pack: Path, tmp_path: Path) -> None:
    told = box.ask("verify", "--pack", str(pack), "--key", str(KEY))
    assert "4 of 5 statements that were filed by then are shown" in told.out
    members = read(pack)
    shown = json.loads(members["manifest.json"])["statements"]
    entry = json.loads(members[f"proofs/{shown[0]}.entry.json"])
    gone = [f"statements/{entry['statement']}.json", *(name for name in members if name.startswith("files/"))]
    gone += [f"proofs/{shown[0]}.entry.json", f"proofs/{shown[0]}.tlog-proof"]
    fewer = Forger(pack, tmp_path).forge(dict.fromkeys(gone), {"statements": shown[1:]})
    told = box.ask("verify", "--pack", str(fewer), "--key", str(KEY))
    assert (told.code, "3 of 5 statements that were filed by then are shown" in told.out) == (0, True)


def test_the_answer_for_programs(box: Sandbox, store: Path, tmp_path: Path) -> None:
    path = export(store, tmp_path / "audit.zip", sampled(2))
    told = box.ask("verify", "--pack", str(path), "--key", str(KEY), "--format", "json")
    assert told.json == pack_row(verify_pack(path)) | {"trusted": True}
    assert told.json["pack"] == {
        "from": "2026-01-03",
        "to": "2026-01-31",
        "as_of": told.json["pack"]["as_of"],
        "controls": [],
        "providers": [],
        "scopes": [],
        "sample": 2,
        "seed": "seed",
        "collections": 10,
        "rows": told.json["pack"]["rows"],
        "standing": 38,
        "shown": 5,
        "documents": told.json["pack"]["documents"],
        "statements": 4,
        "filed": 5,
        "pages": 1,
    }
