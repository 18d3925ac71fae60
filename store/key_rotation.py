"""A key file that another takes the place of: made beside, logged, and only then moved."""

from pathlib import Path

from store.errors import StoreError
from store.note import Signer
from store.note_key import NoteKey
from store.signing_key import FileKey, KeySource, generate


def successor(path: Path) -> Path:
    """Return where the key is made that is to take over from the one in ``path``."""
    return path.with_name(path.name + ".new")


def make_successor(path: Path, name: str) -> Signer:
    """Make the key that is to take over, or go on with the one that a crash left behind.

    Raises:
        StoreError: it cannot be written.
    """
    beside = successor(path)
    return FileKey(beside).signer(name) if beside.exists() else generate(beside, name)


def finish_rotation(source: KeySource, logged: NoteKey) -> None:
    """Move a key into place that the log names already; the old one is kept under its own ID.

    Raises:
        StoreError: the files cannot be moved.
    """
    if not isinstance(source, FileKey) or not successor(source.path).exists():
        return
    beside = successor(source.path)
    if FileKey(beside).signer(logged.name).key != logged:
        return
    try:
        if source.path.exists():
            old = source.signer(logged.name).key
            source.path.replace(source.path.with_name(f"{source.path.name}.{old.id.hex()}.retired"))
        beside.replace(source.path)
    except OSError as error:
        raise StoreError(
            f"the new key cannot take its place: {source.path}: {error.strerror}", f"Move {beside} there."
        ) from error
