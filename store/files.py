"""Files that people bring as evidence: kept as they are beside the database, named by their SHA-256.

A file that no statement names is no part of the record: a crash between the two leaves one behind.
"""

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from store.database import unwritable
from store.durable import sync_folder
from store.errors import StoreError

FOLDER = "files"
LARGEST_FILE = 100 * 1024 * 1024
"""Bytes; what is larger belongs into a document management system, with its digest attested here."""

_CHUNK = 1024 * 1024
_DRAFT = ".draft-"


def path_of(store: Path, sha256: str) -> Path:
    """Return where a file of a store is kept."""
    return store / FOLDER / sha256[:2] / sha256


def keep(store: Path, source: BinaryIO, name: str) -> tuple[str, int]:
    """Keep a file, durably, a chunk at a time. It can be read by its owner and never be run.

    The caller is the store's only writer.

    Args:
        name: what messages call it.

    Returns:
        SHA-256 in hexadecimal, and how many bytes it has.

    Raises:
        StoreError: it is too large or empty, or cannot be read or written; nothing of it is kept then.
    """
    folder = store / FOLDER
    draft = folder / f"{_DRAFT}{secrets.token_hex(8)}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        # There is one writer, so these are of one that was killed.
        for stale in folder.glob(f"{_DRAFT}*"):
            stale.unlink()
        sha256, size = _copy(source, draft, name)
        target = path_of(store, sha256)
        target.parent.mkdir(mode=0o700, exist_ok=True)
        # Also where there is one already, which somebody may have damaged.
        draft.replace(target)
        for changed in (target.parent, folder, store):
            sync_folder(changed)
        return sha256, size
    except OSError as error:
        raise unwritable(store, error) from error
    finally:
        with suppress(OSError):
            draft.unlink()


def chunks(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes.

    Raises:
        OSError: it cannot be read, or is no regular file: a pipe in its place would never end.
    """
    if not stat.S_ISREG(path.lstat().st_mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def digest_of(path: Path) -> tuple[str, int]:
    """Return SHA-256 in hexadecimal and size of a file.

    Raises:
        OSError: it cannot be read.
    """
    digest, size = hashlib.sha256(), 0
    for chunk in chunks(path):
        digest.update(chunk)
        size += len(chunk)
    return digest.hexdigest(), size


def _copy(source: BinaryIO, draft: Path, name: str) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        while chunk := _read(source, name):
            size += len(chunk)
            if size > LARGEST_FILE:
                raise StoreError(
                    f"{name} has more than {LARGEST_FILE // 1024**2} MB",
                    "Keep it in your document store, and attest its SHA-256 and where it is.",
                )
            digest.update(chunk)
            target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    if not size:
        raise StoreError(f"{name} is empty", "Give the file that is the evidence.")
    return digest.hexdigest(), size


def _read(source: BinaryIO, name: str) -> bytes:
    try:
        return source.read(_CHUNK)
    except OSError as error:
        raise StoreError(f"{name} cannot be read: {error.strerror}", "Give a file that can be.") from error
