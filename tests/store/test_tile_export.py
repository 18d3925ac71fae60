"""The log goes out as tiles that another implementation reads, and never loses what is out already."""

import shutil
from pathlib import Path

import pytest
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader

from store import durable, log
from store.checkpoint_text import Checkpoint
from store.errors import StoreError
from store.log_entries import entries
from store.note import parse
from store.publication import FILE
from store.record import Record
from store.sealing import Sealing
from store.signing_key import FileKey
from store.tile_export import export_tiles
from store.tiles import TileFolder
from store.tree import leaf_hash
from tests.store.conftest import Clock, Play, tamper
from tests.store.keys import ORIGIN, openssl_accepts
from tests.store.test_tiles import files_in


@pytest.fixture
def sealing(tmp_path: Path) -> Sealing:
    path = tmp_path / "signing.key"
    return Sealing(FileKey(path), ORIGIN, path)


def grow(folder: Path, sealing: Sealing, entries_more: int = 0, resource: str = "a") -> None:
    """Play a run, with so many entries more in the log."""
    with Record.writer(folder, Clock(), sealing) as record:
        with record.engine.begin() as connection:
            done = connection.exec_driver_sql("SELECT count(*) FROM run").scalar_one()
            for _ in range(entries_more):
                log.append(connection, record.blobs, "checks", {"at": "", "checks": []})
        Play(record, runs=done).run({resource: {"n": 1}})


def export(folder: Path, out: Path) -> tuple[int, int, int]:
    with Record.open(folder) as record:
        done = export_tiles(record, out)
    return done.size, done.since, done.files


def theirs(out: Path) -> tuple[TilesReader, Checkpoint]:
    checkpoint = Checkpoint.parse(parse((out / FILE).read_bytes()).text)
    reader = TilesReader(LocalBackend(out))
    reader.set_size(checkpoint.size)
    return reader, checkpoint


def test_another_implementation_reads_the_log_and_openssl_accepts_its_checkpoint(
    folder: Path, sealing: Sealing, tmp_path: Path
) -> None:
    grow(folder, sealing, 600)
    size, since, files = export(folder, tmp_path / "out")
    reader, checkpoint = theirs(tmp_path / "out")
    assert (checkpoint.size, since, files) == (size, 0, len(files_in(tmp_path / "out")))
    assert reader.calculate_root_hash() == checkpoint.root
    with Record.open(folder) as record, record.engine.connect() as connection:
        ours = list(entries(connection, record.blobs, 0, size))
    assert [reader.get_entry(index) for index in range(size)] == ours
    kinds = [b'"kind":"collection"' in entry for entry in ours]
    assert any(kinds), "entries that only rows say are there too"
    for index in (0, size // 2, size - 1):
        proof = reader.get_inclusion_proof(index, size)
        proof.check(leaf_hash(ours[index]), checkpoint.root)
    note = parse((tmp_path / "out" / FILE).read_bytes())
    key = sealing.key.signer(ORIGIN).key
    assert openssl_accepts(key.public, note.text.encode(), note.signatures[0].signature, tmp_path)


def test_a_log_that_grew_costs_what_is_new_and_gives_the_same_files(
    folder: Path, sealing: Sealing, tmp_path: Path
) -> None:
    grow(folder, sealing, 250)
    first, _, _ = export(folder, tmp_path / "out")
    before = files_in(tmp_path / "out")
    assert export(folder, tmp_path / "out") == (first, first, 0)
    grow(folder, sealing, 270, "b")
    size, since, files = export(folder, tmp_path / "out")
    assert since == first
    whole = export(folder, tmp_path / "whole")
    assert files < whole[2] == len(files_in(tmp_path / "whole"))
    after = files_in(tmp_path / "out")
    assert {name: after[name] for name in files_in(tmp_path / "whole")} == files_in(tmp_path / "whole")
    assert {name: after[name] for name in before if name != FILE} == {
        name: data for name, data in before.items() if name != FILE
    }
    reader, checkpoint = theirs(tmp_path / "out")
    reader.get_consistency_proof(first, size)
    assert reader.calculate_root_hash() == checkpoint.root


@pytest.mark.parametrize("written", range(0, 8, 2))
def test_an_export_that_is_interrupted_leaves_what_was_there_whole(
    folder: Path, sealing: Sealing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    out = tmp_path / "out"
    grow(folder, sealing, 250)
    first, _, _ = export(folder, out)
    grow(folder, sealing, 600, "b")
    left = [written]
    write = durable.write

    def fail(path: Path, data: bytes) -> bool:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device", str(path))
        return write(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(durable, "write", fail)
        with pytest.raises(StoreError, match="No space left"):
            export(folder, out)
    reader, checkpoint = theirs(out)
    assert (checkpoint.size, reader.calculate_root_hash()) == (first, checkpoint.root)
    TileFolder(out, first).check_entries()
    export(folder, out)
    reader, checkpoint = theirs(out)
    assert reader.calculate_root_hash() == checkpoint.root
    TileFolder(out, checkpoint.size).check_entries()


def test_a_folder_with_another_log_or_another_history_is_left_as_it_is(
    folder: Path, sealing: Sealing, tmp_path: Path
) -> None:
    grow(folder, sealing)
    fork = Path(shutil.copytree(folder, tmp_path / "fork"))
    grow(folder, sealing, 10)
    export(folder, tmp_path / "out")
    before = files_in(tmp_path / "out")
    with pytest.raises(StoreError, match="the newest signed checkpoint is of"):
        export(fork, tmp_path / "out")
    grow(fork, sealing, 20, "other")
    with pytest.raises(StoreError, match="holds another history of this log"):
        export(fork, tmp_path / "out")
    with Record.writer(tmp_path / "new", Clock(), Sealing(sealing.key, "example.com/new")) as record:
        Play(record).run({"a": {"n": 1}})
    with pytest.raises(StoreError, match=r"holds the log .example\.com/evidence."):
        export(tmp_path / "new", tmp_path / "out")
    assert files_in(tmp_path / "out") == before


def test_tiles_that_were_changed_are_not_added_to(folder: Path, sealing: Sealing, tmp_path: Path) -> None:
    grow(folder, sealing)
    export(folder, tmp_path / "out")
    (tile,) = (tmp_path / "out/tile/0").glob("000.p/*")
    tile.write_bytes(bytes(len(tile.read_bytes())))
    grow(folder, sealing, 10)
    with pytest.raises(StoreError, match="are not those of its checkpoint"):
        export(folder, tmp_path / "out")
    (tmp_path / "out" / FILE).write_text("nonsense")
    with pytest.raises(StoreError, match="is not the checkpoint of a log"):
        export(folder, tmp_path / "out")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE collection SET finished = 'x'",
        "UPDATE log SET entry = x'00' WHERE seq = 2",
        "DELETE FROM log WHERE seq = 2",
        "UPDATE log SET hash = zeroblob(32) WHERE seq = 2",
    ],
)
def test_a_damaged_log_is_not_handed_out(
    folder: Path, sealing: Sealing, tmp_path: Path, statement: str
) -> None:
    grow(folder, sealing)
    assert tamper(folder, statement)
    with pytest.raises(StoreError, match=r"is damaged|is not of this log"):
        export(folder, tmp_path / "out")
    assert not (tmp_path / "out" / FILE).exists()


def test_a_log_that_nobody_signed_is_not_handed_out(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="no checkpoint is signed"):
        export(folder, tmp_path / "out")
    assert not (tmp_path / "out").exists()
