"""A zip that is not harmless is refused before anything of it is used; what is damaged is named."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from store.errors import PackError
from store.pack import archive as reading
from store.pack.archive import Archive, DamageError
from store.pack.verify import verify_pack
from tests.store.pack.packing import Forger, read, write

MANIFEST = b'{"format": "annexa-pack/v1"}'


def made(
    path: Path, *members: tuple[zipfile.ZipInfo | str, bytes], method: int = zipfile.ZIP_DEFLATED
) -> Path:
    with zipfile.ZipFile(path, "w", method) as archive:
        for info, data in members:
            archive.writestr(info, data)
    return path


def refused(path: Path) -> str:
    with pytest.raises(PackError) as caught:
        verify_pack(path)
    assert caught.value.hint
    return str(caught.value)


def patched(path: Path, old: bytes, new: bytes) -> Path:
    data = path.read_bytes()
    assert data.count(old) > 0
    path.write_bytes(data.replace(old, new))
    return path


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../../etc/passwd",
        "documents/../../x",
        "a/./b",
        "a//b",
        "..",
        "C:/x",
        "a\\b",
        "a\x00b",
        "a\nb",
        "folder/",
        "con.json",
        "documents/NUL",
        "x.",
        ".hidden",
        "naïve.json",
        "a" * 300,
    ],
)
def test_a_name_that_could_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    info = zipfile.ZipInfo("x")
    info.filename = name
    assert "not safe" in refused(made(tmp_path / "x.zip", (info, b"data")))


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_files_of_one_name_are_refused_in_other_letters_too(tmp_path: Path) -> None:
    assert "two files" in refused(made(tmp_path / "x.zip", ("a.json", b"1"), ("a.json", b"2")))
    assert "two files" in refused(made(tmp_path / "y.zip", ("a.json", b"1"), ("A.json", b"2")))
    assert "a file and a folder" in refused(made(tmp_path / "z.zip", ("a", b"1"), ("A/b", b"2")))


@pytest.mark.parametrize("mode", [0o120777, 0o060600, 0o010600], ids=["link", "device", "pipe"])
def test_what_is_no_regular_file_is_refused(tmp_path: Path, mode: int) -> None:
    info = zipfile.ZipInfo("manifest.json")
    info.external_attr = mode << 16
    assert "link or no regular file" in refused(made(tmp_path / "x.zip", (info, b"/etc/passwd")))


def test_what_is_encrypted_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", ("a", b"data"))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    assert "encrypted" in refused(path)


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_another_compression_is_refused(tmp_path: Path, method: int) -> None:
    assert "compressed in a way" in refused(made(tmp_path / "x.zip", ("a", b"data"), method=method))


def test_a_zip_bomb_is_refused_by_what_it_says(tmp_path: Path) -> None:
    assert "zip bomb" in refused(made(tmp_path / "x.zip", ("manifest.json", bytes(1 << 24))))


def test_too_many_files_or_bytes_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(tmp_path / "x.zip", *((f"{number}.json", b"x" * 90) for number in range(9)))
    monkeypatch.setattr(reading, "MOST_MEMBERS", 8)
    assert "9 files, more than 8" in refused(path)
    monkeypatch.undo()
    monkeypatch.setattr(reading, "LARGEST_PACK", 800)
    assert "unpacks to 810 bytes" in refused(path)
    monkeypatch.undo()
    monkeypatch.setattr(reading, "LARGEST_MEMBER", 80)
    assert "zip bomb" in refused(path)


def test_a_bomb_that_lies_about_its_size_is_stopped_at_what_it_says(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", ("a", bytes((1 << 24) + 5)))
    small = struct.pack("<I", 100)
    patched(path, struct.pack("<I", (1 << 24) + 5), small)
    with Archive.open(path) as archive:
        chunks = archive.chunks("a")
        with pytest.raises(DamageError, match="more than the 100 bytes"):
            next(chunks)


def test_a_size_that_is_too_large_is_found(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", ("a", b"x" * 77))
    patched(path, struct.pack("<I", 77), struct.pack("<I", 78))
    with Archive.open(path) as archive, pytest.raises(DamageError, match="another check sum or size"):
        archive.read("a")


def test_two_sizes_of_a_stored_file_are_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", ("a", b"x" * 77), method=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\1\2") + 24
    data[at : at + 4] = struct.pack("<I", 9)
    path.write_bytes(data)
    assert "two sizes" in refused(path)


def test_something_behind_the_compressed_data_is_found(tmp_path: Path) -> None:
    squeezed = zlib.compress(b"data" * 9, wbits=-15)
    info = zipfile.ZipInfo("a")
    path = made(tmp_path / "x.zip", (info, squeezed + b"hidden"), method=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    directory = data.index(b"PK\1\2")
    for at, size_at, check_at in ((8, 22, 14), (directory + 10, directory + 24, directory + 16)):
        data[at : at + 2] = struct.pack("<H", zipfile.ZIP_DEFLATED)
        data[size_at : size_at + 4] = struct.pack("<I", 36)
        data[check_at : check_at + 4] = struct.pack("<I", zlib.crc32(b"data" * 9))
    path.write_bytes(data)
    with Archive.open(path) as archive, pytest.raises(DamageError, match="something stands behind it"):
        archive.read("a")


def test_what_stands_before_between_or_behind_the_files_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", ("a", b"1"), ("b", b"2"))
    data = path.read_bytes()
    path.write_bytes(b"#!/bin/sh\n" + data)
    assert "overlap, or something is hidden" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a", b"1")
        archive.comment = b"hello"
    assert "hidden behind its files" in refused(path)


def test_files_that_overlap_are_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", ("a", b"1" * 40), ("b", b"1" * 40), method=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    second = data.index(b"PK\1\2", data.index(b"PK\1\2") + 4)
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    path.write_bytes(data)
    assert refused(path)


def test_a_size_that_is_said_otherwise_at_the_file_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", ("name", b"1" * 500))
    data = bytearray(path.read_bytes())
    data[22:26] = struct.pack("<I", 77)
    path.write_bytes(data)
    assert "two things" in refused(path)


def test_two_names_of_one_file_are_refused(tmp_path: Path) -> None:
    path = made(tmp_path / "x.zip", ("name", b"1"))
    data = bytearray(path.read_bytes())
    data[30:34] = b"evil"
    path.write_bytes(data)
    assert "two things" in refused(path)


def _other_name(name: bytes, other: bytes) -> bytes:
    """The Unicode path of Info-ZIP (APPNOTE.TXT 4.6.9), by which `unzip` calls the file."""
    said = struct.pack("<BI", 1, zlib.crc32(name)) + other
    return struct.pack("<2H", 0x7075, len(said)) + said


@pytest.mark.parametrize("where", ["directory", "file"])
def test_another_name_in_an_extra_field_is_refused(tmp_path: Path, where: str) -> None:
    info = zipfile.ZipInfo("name")
    info.extra = _other_name(b"name", b"evil")
    path = made(tmp_path / "x.zip", (info, b"1"))
    data = path.read_bytes()
    if where == "file":
        at = data.index(b"PK\1\2")
        end = data.index(b"PK\5\6")
        plain = data[at : at + 30] + bytes(2) + data[at + 32 : end].replace(info.extra, b"")
        path.write_bytes(
            data[:at] + plain + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, len(plain), at, 0)
        )
    else:
        data = data[:28] + bytes(2) + data[30:].replace(info.extra, b"", 1)
        at, end = data.index(b"PK\1\2"), data.index(b"PK\5\6")
        path.write_bytes(data[: end + 12] + struct.pack("<2I", end - at, at) + bytes(2))
    with zipfile.ZipFile(path) as theirs:
        assert theirs.read("name") == b"1"
    assert {"directory": "says more of name", "file": "two things of name"}[where] in refused(path)


def test_a_second_directory_is_refused(tmp_path: Path) -> None:
    """Python reads the zip64 one; whoever goes by the old one finds a zip within the zip."""
    inner = made(tmp_path / "inner.zip", ("evil", b"2")).read_bytes()
    path = made(tmp_path / "x.zip", ("name", inner), method=zipfile.ZIP_STORED)
    data = path.read_bytes()
    at, end = data.rindex(b"PK\1\2"), data.rindex(b"PK\5\6")
    begins = data.index(inner)
    old = begins + inner.index(b"PK\1\2")
    size = inner.index(b"PK\5\6") - inner.index(b"PK\1\2")
    large = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, end - at, at)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, end, 1)
    for stated in ((1, 1, size, old), (2, 2, end - at, at)):
        path.write_bytes(data[:end] + large + locator + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, *stated, 0))
        with zipfile.ZipFile(path) as theirs:
            assert theirs.namelist() == ["name"]
        assert "two things of what is in it" in refused(path)
    path.write_bytes(
        data[:end] + large + locator + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 1, 1, end - at, at, 0)
    )
    assert "no manifest" in refused(path), "a zip64 end that says the same is what large packs have"


@pytest.mark.parametrize("data", [b"", b"PK", b"not a zip" * 100, b"PK\5\6" + bytes(18)], ids=repr)
def test_what_is_no_pack_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    assert "no zip" in refused(tmp_path / "x.zip") or "no manifest" in refused(tmp_path / "x.zip")


def test_a_pack_that_is_cut_short_is_refused_or_named(pack: Path, tmp_path: Path) -> None:
    data = pack.read_bytes()
    for part in (1, 2, 3):
        (tmp_path / "x.zip").write_bytes(data[: len(data) * part // 4])
        assert "cut short" in refused(tmp_path / "x.zip")


def test_a_folder_is_no_pack(tmp_path: Path) -> None:
    assert refused(tmp_path)


def test_another_zip_is_no_pack(tmp_path: Path) -> None:
    assert "it has no manifest.json" in refused(made(tmp_path / "x.zip", ("readme.txt", b"hello")))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"format": "annexa-pack/v2", "new": 1}', "written by a newer Annexa"),
        (b'{"format": "annexa-pack/v1"}', "malformed"),
        (b'{"format": "other"}', "malformed"),
        (b"{", "malformed"),
        (b"[]", "malformed"),
        (b"\xff", "malformed"),
    ],
)
def test_a_manifest_of_another_format_is_refused(tmp_path: Path, data: bytes, words: str) -> None:
    assert words in refused(made(tmp_path / "x.zip", ("manifest.json", data)))


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b'"first"', b'"frist"'),
        lambda data: data.replace(b'"2026-01-31"', b'"2025-01-31"'),
        lambda data: data.replace(b'"size": 41', b'"size": -1'),
        lambda data: data.replace(b'"size": 41', b'"size": "x"'),
        lambda data: data.replace(b'"size": 41', b'"size": "41"'),
        lambda data: data.replace(b'"2026-01-03"', b"0"),
        lambda data: data.replace(b'"checkpoints"', b'"more": 1, "checkpoints"'),
    ],
)
def test_a_malformed_manifest_is_refused(
    forger: Forger, pack: Path, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    members = read(forger.forge({}))
    changed = change(members["manifest.json"])
    assert changed != members["manifest.json"]
    assert "malformed" in refused(write(tmp_path / "x.zip", {**members, "manifest.json": changed}))


def test_lines_are_the_same_however_a_file_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [b"x" * number for number in range(50)]
    path = made(tmp_path / "x.zip", ("a", b"".join(line + b"\n" for line in found)), ("b", b"open"))
    for size in (1, 7, 1 << 18):
        monkeypatch.setattr(reading, "_CHUNK", size)
        with Archive.open(path) as archive:
            assert list(archive.lines("a")) == found
            with pytest.raises(DamageError, match="does not end in a newline"):
                list(archive.lines("b"))


def test_python_reads_what_we_read(pack: Path) -> None:
    with Archive.open(pack) as archive, zipfile.ZipFile(io.BytesIO(pack.read_bytes())) as theirs:
        assert {name: archive.read(name) for name in archive.names} == {
            name: theirs.read(name) for name in theirs.namelist()
        }
