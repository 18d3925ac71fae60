"""Writing a pack: a zip that is the same for the same contents, and is there whole or not at all."""

import hashlib
import os
import secrets
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from store.errors import PackError
from store.pack.layout import MANIFEST

MOST_RATIO = 200
RATIO_FROM = 1024 * 1024
"""What is larger than this many bytes may be at most so many times as large as it is compressed."""

_MOMENT = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can say: when a pack was written is not part of it."""
_REGULAR = 0o100644 << 16
_UNIX = 3


class PackWriter:
    """Writes files into a pack; the manifest is written last, over all of them."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._files: dict[str, tuple[str, int]] = {}
        self._about: dict[str, Any] = {}

    @classmethod
    @contextmanager
    def open(cls, path: Path, *, replace: bool = False) -> "Iterator[PackWriter]":
        """Begin a pack; it stands at ``path`` once the block has ended, and not before.

        Args:
            replace: whether a file that is there already is replaced.

        Raises:
            PackError: it is there already, or cannot be written; nothing is left then.
        """
        if path.exists() and not replace:
            raise PackError(f"{path} is there already", "Give another name, or replace it.")
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        try:
            # Evidence is nobody else's: the file is its owner's only.
            descriptor = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w+b") as stream:
                with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
                    pack = cls(archive)
                    yield pack
                    pack._write_manifest()
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(path)
        except OSError as error:
            raise PackError(
                f"{path} cannot be written: {error.strerror or error}",
                "Free some space, or give a folder that may be written.",
            ) from error
        finally:
            draft.unlink(missing_ok=True)

    def describe(self, about: Mapping[str, Any]) -> None:
        """Say in the manifest what the pack is."""
        self._about.update(about)

    def add(self, name: str, data: bytes) -> None:
        """Add a file.

        Raises:
            ValueError: there is one of this name.
        """
        squeezed = len(data) <= RATIO_FROM or len(zlib.compress(data)) * MOST_RATIO > len(data)
        self.add_stream(name, [data], compressed=squeezed)

    def add_stream(self, name: str, chunks: Iterable[bytes], *, compressed: bool = True) -> None:
        """Add a file a chunk at a time.

        Raises:
            ValueError: there is one of this name.
        """
        if name in self._files:
            raise ValueError(f"a pack has two files {name}")
        digest, size = hashlib.sha256(), 0
        # Data in lines may be larger than a zip of old could say.
        large = name.startswith("data/")
        with self._archive.open(_about(name, compressed), "w", force_zip64=large) as member:
            for chunk in chunks:
                member.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        self._files[name] = digest.hexdigest(), size

    def _write_manifest(self) -> None:
        files = {
            name: {"bytes": size, "sha256": digest} for name, (digest, size) in sorted(self._files.items())
        }
        data = orjson.dumps({**self._about, "files": files}, option=orjson.OPT_INDENT_2)
        self._archive.writestr(_about(MANIFEST, True), data)


def _about(name: str, compressed: bool) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _MOMENT)
    info.compress_type = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    info.create_system = _UNIX
    info.external_attr = _REGULAR
    return info
