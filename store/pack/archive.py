"""Reading a zip that somebody else made: refused unless it is harmless, and never unpacked.

Only what Annexa writes is taken: plain files with plain names, stored or deflated, one behind the
other without a gap. So every program that reads the zip finds the same files in it.
"""

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from store.errors import PackError
from store.pack.writer import MOST_RATIO, RATIO_FROM

MOST_MEMBERS = 1_000_000
LARGEST_PACK = 1 << 35
LARGEST_MEMBER = 1 << 31
LARGEST_HELD = 1 << 28
"""Bytes; what is read as a whole may have at most the last of them."""

_CHUNK = 1 << 18
_LOCAL = struct.Struct("<4s5H3I2H")
_LOCAL_SIZES = struct.Struct("<2H2Q")
_DIRECTORY_ENTRY = 46
_LOCATOR = struct.Struct("<4sIQI")
_END = struct.Struct("<4s4H2IH")
_LARGE_END = 56
"""Bytes of the zip64 end of the directory, which stands before its locator."""
_ENCRYPTED, _TRAILING = 0x1, 0x8
_LARGEST_EXTRA = 4 + 3 * 8
_IN_EXTRA = 0xFFFFFFFF
"""In place of a size that stands in the extra field (zip64)."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*", re.ASCII)
_DEVICE = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_LONGEST_NAME = 240
_HINT = "Do not unpack it. Ask for the pack again, and have it written by `annexa export pack`."


class DamageError(ValueError):
    """A file of the archive cannot be read as it was written."""


class Archive:
    """An open zip; names were looked at, and nothing was believed of its contents yet."""

    def __init__(self, file: BinaryIO, members: dict[str, zipfile.ZipInfo], begins: dict[str, int]) -> None:
        self._file = file
        self._members = members
        self._begins = begins

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> "Iterator[Archive]":
        """Open a zip.

        Raises:
            PackError: it cannot be read, is none, or is not safe to read.
        """
        try:
            with path.open("rb") as file:
                with _refused(path), zipfile.ZipFile(file) as found:
                    members = _members(found)
                    begins = _begins(file, found)
                    _check_end(file, found)
                yield cls(file, members, begins)
        except OSError as error:
            raise PackError(f"{path}: {error.strerror or error}", "Give a pack.") from error

    @property
    def names(self) -> list[str]:
        return list(self._members)

    def __contains__(self, name: object) -> bool:
        return name in self._members

    def chunks(self, name: str) -> Iterator[bytes]:
        """Yield a file's bytes, never more than it is said to have.

        Raises:
            DamageError: it is missing, damaged, or has another size than it is said to have.
        """
        info = self._members.get(name)
        if info is None:
            raise DamageError("is missing")
        check, size = 0, 0
        for chunk in self._inflated(info) if info.compress_type else self._stored(info):
            size += len(chunk)
            if size > info.file_size:
                raise DamageError(f"has more than the {info.file_size} bytes that it is said to have")
            check = zlib.crc32(chunk, check)
            yield chunk
        if (size, check) != (info.file_size, info.CRC):
            raise DamageError("is damaged: it has another check sum or size")

    def read(self, name: str, largest: int = LARGEST_HELD) -> bytes:
        """Return a file's bytes.

        Raises:
            DamageError: as :meth:`chunks`, or it is larger than that.
        """
        info = self._members.get(name)
        if info is not None and info.file_size > largest:
            raise DamageError(f"has {info.file_size} bytes, more than {largest}")
        return b"".join(self.chunks(name))

    def lines(self, name: str) -> Iterator[bytes]:
        """Yield a file's lines, without their newlines.

        Raises:
            DamageError: as :meth:`chunks`, a line is too long, or the last one does not end.
        """
        rest = b""
        for chunk in self.chunks(name):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from whole
            if len(rest) > LARGEST_HELD:
                raise DamageError("has a line that is too long")
        if rest:
            raise DamageError("does not end in a newline")

    def _stored(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        at, left = self._begins[info.filename], info.compress_size
        while left:
            chunk = self._at(at, min(left, _CHUNK))
            at, left = at + len(chunk), left - len(chunk)
            yield chunk

    def _inflated(self, info: zipfile.ZipInfo) -> Iterator[bytes]:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for chunk in self._stored(info):
                left = chunk
                while left and not inflater.eof:
                    yield inflater.decompress(left, _CHUNK)
                    left = inflater.unconsumed_tail
                if inflater.eof and (inflater.unused_data or left):
                    raise DamageError("is damaged: something stands behind it")
            yield inflater.flush()
        except zlib.error as error:
            raise DamageError(f"is damaged: {error}") from error
        if not inflater.eof:
            raise DamageError("is damaged: it is cut short")

    def _at(self, offset: int, size: int) -> bytes:
        self._file.seek(offset)
        data = self._file.read(size)
        if not data:
            raise DamageError("is damaged: it is cut short")
        return data


@contextmanager
def _refused(path: Path) -> Iterator[None]:
    try:
        yield
    except (zipfile.BadZipFile, NotImplementedError, EOFError, struct.error, ValueError, IndexError) as error:
        raise PackError(f"{path} is no zip, or is cut short: {error}", _HINT) from error


def _members(found: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    members: dict[str, zipfile.ZipInfo] = {}
    folded: set[str] = set()
    folders: set[str] = set()
    infos = found.infolist()
    if len(infos) > MOST_MEMBERS:
        raise PackError(f"the zip has {len(infos)} files, more than {MOST_MEMBERS}", _HINT)
    total = 0
    for info in infos:
        _check_name(info)
        name = info.filename.lower()
        if name in folded:
            raise PackError(f"the zip has two files {info.filename}, perhaps in other letters", _HINT)
        folded.add(name)
        parts = name.split("/")
        folders.update("/".join(parts[:end]) for end in range(1, len(parts)))
        _check_kind(info)
        _check_size(info)
        total += info.file_size
        members[info.filename] = info
    if total > LARGEST_PACK:
        raise PackError(f"the zip says that it unpacks to {total} bytes, more than {LARGEST_PACK}", _HINT)
    if both := folded & folders:
        raise PackError(f"the zip has a file and a folder {min(both)}", _HINT)
    return members


def _check_name(info: zipfile.ZipInfo) -> None:
    name = info.orig_filename
    safe = name == info.filename and len(name) <= _LONGEST_NAME and _NAME.fullmatch(name)
    if not safe or any(_DEVICE.fullmatch(part) or part.endswith(".") for part in name.split("/")):
        raise PackError(
            f"the zip has a file with the name {name[:_LONGEST_NAME]!r}, which is not safe", _HINT
        )


def _check_kind(info: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind not in (0, stat.S_IFREG):
        raise PackError(f"the zip has {info.filename}, which is a link or no regular file", _HINT)
    if info.flag_bits & _ENCRYPTED:
        raise PackError(f"the zip has {info.filename} encrypted", _HINT)
    # What is not a large size may be another name, which some programs take and others do not.
    if info.comment or (info.extra and info.extra[:2] != b"\1\0") or len(info.extra) > _LARGEST_EXTRA:
        raise PackError(f"the zip says more of {info.filename} than a pack does", _HINT)
    if info.flag_bits & _TRAILING or info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise PackError(f"the zip has {info.filename} compressed in a way that no pack is", _HINT)


def _check_size(info: zipfile.ZipInfo) -> None:
    ratio = info.file_size / max(info.compress_size, 1)
    if info.file_size > LARGEST_MEMBER or (info.file_size > RATIO_FROM and ratio > MOST_RATIO):
        raise PackError(
            f"the zip says that {info.filename} unpacks from {info.compress_size} bytes "
            f"to {info.file_size}: this looks like a zip bomb",
            _HINT,
        )
    if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
        raise PackError(f"the zip says two sizes of {info.filename}", _HINT)


def _begins(file: BinaryIO, found: zipfile.ZipFile) -> dict[str, int]:
    """Return where each file's bytes begin, and refuse files that overlap or leave room for others."""
    begins: dict[str, int] = {}
    at = 0
    for info in sorted(found.infolist(), key=lambda one: one.header_offset):
        file.seek(info.header_offset)
        head = _LOCAL.unpack(file.read(_LOCAL.size))
        name, extra = file.read(head[9]), file.read(head[10])
        if info.header_offset != at or head[0] != b"PK\3\4":
            raise PackError("the zip's files overlap, or something is hidden between them", _HINT)
        sizes = (info.CRC, info.compress_size, info.file_size)
        large = _IN_EXTRA in head[7:9]
        stated = (info.CRC, _IN_EXTRA, _IN_EXTRA) if large else sizes
        more = _LOCAL_SIZES.pack(1, 16, info.file_size, info.compress_size) if large else b""
        about = (name, extra, *head[2:4], *head[6:9])
        if about != (info.orig_filename.encode(), more, info.flag_bits, info.compress_type, *stated):
            raise PackError(f"the zip says two things of {info.filename}", _HINT)
        begins[info.filename] = at + _LOCAL.size + head[9] + head[10]
        at = begins[info.filename] + info.compress_size
    if at != found.start_dir or found.comment:
        raise PackError("the zip has something hidden behind its files", _HINT)
    return begins


def _check_end(file: BinaryIO, found: zipfile.ZipFile) -> None:
    """Refuse two directories: there are programs that take the old one, and such that take that of zip64."""
    infos = found.infolist()
    size = sum(_DIRECTORY_ENTRY + len(info.orig_filename.encode()) + len(info.extra) for info in infos)
    file.seek(found.start_dir + size)
    tail = file.read(_LARGE_END + _LOCATOR.size + _END.size + 1)
    number, begin = min(len(infos), 0xFFFF), min(found.start_dir, _IN_EXTRA)
    end = _END.pack(b"PK\5\6", 0, 0, number, number, min(size, _IN_EXTRA), begin, 0)
    locator = _LOCATOR.pack(b"PK\6\7", 0, found.start_dir + size, 1)
    if tail != end and (len(tail), tail[_LARGE_END:]) != (_LARGE_END + len(locator + end), locator + end):
        raise PackError("the zip says two things of what is in it", _HINT)
