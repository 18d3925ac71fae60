"""The files of a log are those of tlog-tiles, and another implementation reads them."""

import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import PlainEd25519Signer
from tlog_scales.writer import TilesWriter

from store.errors import StoreError
from store.proof import SubtreeHashes, consistency, inclusion, root_at, verify_inclusion
from store.tiles import (
    LARGEST_ENTRY,
    Bundle,
    Tile,
    TileFolder,
    bundles_of,
    entry_bundles,
    hash_tiles,
    pack,
    tile_data,
    tiles_of,
    unpack,
)
from store.tree import leaf_hash

SIZE = 1100
ENTRIES = [f"entry {number}".encode() for number in range(SIZE)]
HASHES = [leaf_hash(entry) for entry in ENTRIES]
TREE = SubtreeHashes(HASHES)


def write(folder: Path, files: Iterable[tuple[str, bytes]]) -> None:
    for path, data in files:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def write_log(folder: Path, size: int) -> None:
    write(folder, hash_tiles(HASHES[:size]))
    write(folder, entry_bundles(ENTRIES[:size]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("log")
    write_log(path, SIZE)
    return path


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_paths_are_those_of_the_specification() -> None:
    assert str(Tile(0, 1234067)) == "tile/0/x001/x234/067"
    assert str(Tile(3, 0, 17)) == "tile/3/000.p/17"
    assert str(Tile(0, 999)) == "tile/0/999"
    assert str(Tile(0, 1000, 1)) == "tile/0/x001/000.p/1"
    assert str(Bundle(1234067, 255)) == "tile/entries/x001/x234/067.p/255"


def test_the_examples_of_the_specification() -> None:
    """A tree of 70,000 leaves, and one of 256."""
    assert list(tiles_of(70_000)) == [
        *(Tile(0, index) for index in range(273)),
        Tile(0, 273, 112),
        Tile(1, 0),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert list(tiles_of(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles_of(0)) == []
    assert list(bundles_of(0)) == []


@given(st.integers(0, SIZE))
def test_tiles_come_out_the_same_from_leaves_and_from_subtree_hashes(size: int) -> None:
    streamed = dict(hash_tiles(HASHES[:size]))
    assert streamed == {str(tile): tile_data(TREE, tile) for tile in tiles_of(size)}
    assert [path for path, _ in entry_bundles(ENTRIES[:size])] == [str(bundle) for bundle in bundles_of(size)]


@given(st.integers(0, 200_000), st.integers(0, 200_000))
def test_a_log_that_grew_needs_only_the_tiles_that_it_did_not_have(one: int, other: int) -> None:
    old, new = sorted((one, other))
    before = set(tiles_of(old))
    assert list(tiles_of(new, old)) == [tile for tile in tiles_of(new) if tile not in before]
    assert list(bundles_of(new, old)) == [
        Bundle(tile.index, tile.width) for tile in tiles_of(new, old) if tile.level == 0
    ]


@pytest.mark.parametrize("size", [1, 255, 256, 257, 512, 700, SIZE])
def test_another_implementation_writes_the_same_files(size: int, tmp_path: Path) -> None:
    theirs = TilesWriter.create(tmp_path / "theirs", "example.com/log")
    for entry in ENTRIES[:size]:
        theirs.add_leaf(entry)
    (tmp_path / "theirs/tile/entries").mkdir(parents=True)
    theirs.commit([PlainEd25519Signer("example.com/log", bytes(32))])
    (tmp_path / "theirs/checkpoint").unlink()
    write_log(tmp_path / "ours", size)
    assert files_in(tmp_path / "ours") == files_in(tmp_path / "theirs")


def test_another_implementation_reads_the_log(folder: Path) -> None:
    reader = TilesReader(LocalBackend(folder))
    reader.set_size(SIZE)
    assert reader.calculate_root_hash() == root_at(TREE, SIZE)
    assert [reader.get_entry(index) for index in range(SIZE)] == ENTRIES
    for index in (0, 255, 256, 1023, 1024, SIZE - 1):
        assert reader.get_inclusion_proof(index, SIZE).node_hashes == inclusion(TREE, index, SIZE)
        assert reader.get_consistency_proof(index + 1, SIZE).node_hashes == consistency(TREE, index + 1, SIZE)


@given(st.data())
def test_proofs_from_a_folder_are_those_from_memory(folder: Path, data: st.DataObject) -> None:
    read = TileFolder(folder, SIZE)
    size = data.draw(st.integers(1, SIZE))
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion(read, index, size)
    assert proof == inclusion(TREE, index, size)
    assert consistency(read, index + 1, size) == consistency(TREE, index + 1, size)
    verify_inclusion(HASHES[index], index, size, proof, root_at(read, size))


def test_entries_come_back_and_fit_the_tiles(folder: Path) -> None:
    read = TileFolder(folder, SIZE)
    assert [entry for bundle in bundles_of(SIZE) for entry in read.entries(bundle.index)] == ENTRIES
    read.check_entries()


def test_a_full_tile_stands_in_for_a_partial_one_that_was_dropped(tmp_path: Path) -> None:
    """As tlog-tiles allows once the log has grown."""
    write_log(tmp_path, 300)
    write_log(tmp_path, 512)
    for dropped in ("tile/0/001.p", "tile/entries/001.p"):
        shutil.rmtree(tmp_path / dropped)
    read = TileFolder(tmp_path, 300)
    assert root_at(read, 300) == root_at(TREE, 300)
    assert read.entries(1) == ENTRIES[256:300]


def test_a_changed_entry_is_named(tmp_path: Path) -> None:
    write_log(tmp_path, 300)
    bundle = tmp_path / str(Bundle(1, 44))
    bundle.write_bytes(bundle.read_bytes().replace(b"entry 270", b"entry 27O"))
    with pytest.raises(StoreError, match="entry 270 is not the one that the tiles have"):
        TileFolder(tmp_path, 300).check_entries()


def test_a_changed_tile_gives_another_root(tmp_path: Path) -> None:
    write_log(tmp_path, 300)
    tile = tmp_path / str(Tile(0, 1, 44))
    tile.write_bytes(bytes([tile.read_bytes()[0] ^ 1]) + tile.read_bytes()[1:])
    assert root_at(TileFolder(tmp_path, 300), 300) != root_at(TREE, 300)


@pytest.mark.parametrize("cut", [1, 31, 32])
def test_a_tile_that_is_cut_short_is_refused(cut: int, tmp_path: Path) -> None:
    write_log(tmp_path, 300)
    for path in (str(Tile(0, 1, 44)), str(Bundle(1, 44))):
        (tmp_path / path).write_bytes((tmp_path / path).read_bytes()[:-cut])
    with pytest.raises(StoreError, match=r"tile/0/001.*is damaged"):
        root_at(TileFolder(tmp_path, 300), 300)
    with pytest.raises(StoreError, match=r"001.*is damaged"):
        TileFolder(tmp_path, 300).entries(1)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    write_log(tmp_path, 300)
    (tmp_path / "tile/0/000").unlink()
    (tmp_path / "tile/entries/000").unlink()
    read = TileFolder(tmp_path, 300)
    with pytest.raises(StoreError, match="tile/0/000 is missing"):
        inclusion(read, 1, 300)
    with pytest.raises(StoreError, match="tile/entries/000 is missing"):
        read.entries(0)


def test_only_what_the_log_has_is_read(folder: Path) -> None:
    read = TileFolder(folder, 300)
    for level, index in [(0, 300), (0, -1), (-1, 0), (8, 1), (9, 0)]:
        with pytest.raises(ValueError, match="300 leaves have no complete subtree"):
            read(level, index)
    for index in (-1, 2):
        with pytest.raises(ValueError, match="300 leaves have no tile"):
            read.entries(index)


@given(st.lists(st.binary(max_size=300)))
def test_a_bundle_gives_its_entries_back(entries: list[bytes]) -> None:
    assert unpack(pack(entries)) == entries


def test_an_entry_is_as_long_as_two_bytes_can_say() -> None:
    assert unpack(pack([bytes(LARGEST_ENTRY), b""])) == [bytes(LARGEST_ENTRY), b""]
    with pytest.raises(ValueError, match="too long for a bundle"):
        pack([bytes(LARGEST_ENTRY + 1)])


@pytest.mark.parametrize("data", [b"\0", b"\0\1", b"\0\1a\0", b"\xff\xff" + bytes(100)])
def test_a_bundle_that_is_cut_short_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="cut short"):
        unpack(data)
