"""Files are kept whole or not at all, under their hash, and only for their owner."""

import hashlib
import io
import os
from pathlib import Path

import pytest

from store import files
from store.errors import StoreError
from store.files import FOLDER, chunks, digest_of, keep, path_of

DATA = b"minutes of the meeting"
SHA256 = hashlib.sha256(DATA).hexdigest()


def left(store: Path) -> list[str]:
    return sorted(path.name for path in (store / FOLDER).rglob("*") if path.is_file())


class Tracked(io.RawIOBase):
    """Endless zeros that remember how much was read at once and in all."""

    def __init__(self) -> None:
        self.largest = self.total = 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        assert size > 0, "never read to the end at once"
        self.largest, self.total = max(self.largest, size), self.total + size
        return bytes(size)


class Broken(io.RawIOBase):
    def read(self, size: int = -1) -> bytes:
        raise OSError(5, "Input/output error")


def test_a_file_is_kept_under_its_hash_for_its_owner_only(tmp_path: Path) -> None:
    assert keep(tmp_path, io.BytesIO(DATA), "minutes") == (SHA256, len(DATA))
    path = path_of(tmp_path, SHA256)
    assert path == tmp_path / "files" / SHA256[:2] / SHA256
    assert b"".join(chunks(path)) == DATA
    assert path.stat().st_mode & 0o777 == 0o600
    assert left(tmp_path) == [SHA256]


def test_the_same_file_twice_is_kept_once_and_mended(tmp_path: Path) -> None:
    keep(tmp_path, io.BytesIO(DATA), "minutes")
    path_of(tmp_path, SHA256).write_bytes(b"damaged")
    keep(tmp_path, io.BytesIO(DATA), "minutes")
    assert digest_of(path_of(tmp_path, SHA256)) == (SHA256, len(DATA))
    assert left(tmp_path) == [SHA256]


def test_a_file_of_many_chunks_is_the_same_in_the_end(tmp_path: Path) -> None:
    data = os.urandom(3 * 1024 * 1024 + 7)
    sha256, size = keep(tmp_path, io.BytesIO(data), "big")
    assert (sha256, size) == (hashlib.sha256(data).hexdigest(), len(data))
    assert digest_of(path_of(tmp_path, sha256)) == (sha256, size)


def test_what_is_too_large_is_refused_before_it_fills_memory_or_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", 3 * 1024 * 1024)
    endless = Tracked()
    with pytest.raises(StoreError, match="more than 3 MB"):
        keep(tmp_path, endless, "zeros")  # type: ignore[arg-type]
    assert endless.largest <= 1024 * 1024
    assert endless.total <= 4 * 1024 * 1024
    assert left(tmp_path) == []


def test_a_file_of_just_the_largest_size_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "LARGEST_FILE", len(DATA))
    keep(tmp_path, io.BytesIO(DATA), "minutes")
    with pytest.raises(StoreError, match="more than"):
        keep(tmp_path, io.BytesIO(DATA + b"."), "minutes")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="minutes is empty"):
        keep(tmp_path, io.BytesIO(), "minutes")
    assert left(tmp_path) == []


def test_a_source_that_breaks_leaves_nothing_and_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="minutes cannot be read: Input/output error"):
        keep(tmp_path, Broken(), "minutes")  # type: ignore[arg-type]
    assert left(tmp_path) == []


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("in the way")
    with pytest.raises(StoreError, match="cannot be written"):
        keep(tmp_path, io.BytesIO(DATA), "minutes")


def test_what_a_killed_writer_left_is_swept_by_the_next(tmp_path: Path) -> None:
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / ".draft-0011223344556677").write_bytes(b"half of a fi")
    keep(tmp_path, io.BytesIO(DATA), "minutes")
    assert left(tmp_path) == [SHA256]


def test_a_pipe_in_a_files_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        digest_of(tmp_path / "pipe")
