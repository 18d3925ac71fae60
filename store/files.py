"""Files that people bring as evidence: kept as they are beside the database, named by their SHA-256."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from store.database import unwritable
from store.durable import sync_folder
from store.errors import StoreError

FOLDER = "files"
LARGEST_FILE = 100 * 1024 * 1024
"""Bytes; what is larger belongs into a document management system, with its digest attested here."""

_CHUNK = 1024 * 1024


def path_of(store: Path, sha256: str) -> Path:
    """Return where a file of a store is kept."""
    return store / FOLDER / sha256[:2] / sha256


def keep(store: Path, source: BinaryIO, name: str) -> tuple[str, int]:
    """Keep a file, durably, a chunk at a time. It can be read by its owner and never be run.

    Args:
        name: what messages call it.

    Returns:
        SHA-256 in hexadecimal, and how many bytes it has.

    Raises:
        StoreError: it is too large or empty, or cannot be written; nothing of it is kept then.
    """
    folder = store / FOLDER
    draft = folder / f".{secrets.token_hex(8)}.new"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        sha256, size = _copy(source, draft, name)
        target = path_of(store, sha256)
        if not target.exists():
            target.parent.mkdir(mode=0o700, exist_ok=True)
            draft.replace(target)
            sync_folder(target.parent)
            sync_folder(folder)
        return sha256, size
    except OSError as error:
        raise unwritable(store, error) from error
    finally:
        draft.unlink(missing_ok=True)


def chunks(path: Path) -> Iterator[bytes]:
    """Yield a file's bytes."""
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
        while chunk := source.read(_CHUNK):
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
