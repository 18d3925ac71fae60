"""Places that checkpoints are copied to: what each can do, and folders."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol

from store import durable
from store.errors import StoreError
from store.note import NoteError, parse

SUFFIX = ".checkpoint"
_SMALLEST_NAME = 12


class Place(Protocol):
    """Keeps copies of checkpoints; ``str()`` names it as the configuration does.

    Every method raises :class:`StoreError` where the place cannot be reached.
    """

    def keep(self, name: str, note: bytes) -> bytes:
        """Keep a copy, unless there is one of another checkpoint under this name.

        Returns:
            what is there under this name now, which may have other signatures than ``note``.
        """

    def copies(self, origin: str) -> Iterable[tuple[str, bytes]]:
        """Return the copies of a log's checkpoints, oldest first: where each is, and the note."""


class Folder:
    """A folder, best one of another machine."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __str__(self) -> str:
        return str(self.path)

    def keep(self, name: str, note: bytes) -> bytes:
        target = self.path / name
        try:
            if target.exists():
                held = target.read_bytes()
                if not same_checkpoint(held, note) or not _adds_to(held, note):
                    return held
            durable.write(target, note)
        except OSError as error:
            raise StoreError(
                f"{target} cannot be written: {error.strerror}",
                "Make the folder, and let Annexa write there.",
            ) from error
        return note

    def copies(self, origin: str) -> Iterator[tuple[str, bytes]]:
        try:
            for path in sorted(self.path.iterdir()):
                if path.name.startswith(prefix_of(origin)) and path.name.endswith(SUFFIX):
                    yield str(path), path.read_bytes()
        except OSError as error:
            raise StoreError(
                f"{error.filename or self.path} cannot be read: {error.strerror}",
                "Mount the folder, and let Annexa read there.",
            ) from error


def _adds_to(held: bytes, note: bytes) -> bool:
    # Cosignatures arrive later; those that are out already are not taken back.
    return set(parse(held).signatures) < set(parse(note).signatures)


def copy_name(origin: str, size: int) -> str:
    """Return the name of a copy: logs do not meet in one place, and names sort as sizes do."""
    return f"{prefix_of(origin)}{size:0{_SMALLEST_NAME}d}{SUFFIX}"


def prefix_of(origin: str) -> str:
    """Return how the names of a log's copies begin."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", origin).lstrip(".") + "-"


def same_checkpoint(one: bytes, other: bytes) -> bool:
    """Say whether two notes are of the same checkpoint, whoever signed them."""
    try:
        return parse(one).text == parse(other).text
    except NoteError:
        return False
