"""Backups: a copy of a store that is a store itself, made while another process may be writing.

The database is copied as it is at one moment, then the files that it names. All is written beside the
target and renamed at the end, so that what has the name of a backup is one.
"""

import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from store import query
from store.errors import StoreError
from store.files import keep, path_of
from store.publication import publish
from store.record import DATABASE, Record
from store.statements import files_of
from store.verification.examination import Problem
from store.verify import verify

_BUSY = "What could be read is not kept. Free some space, or give another place, and try again."

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of a store.

    Attributes:
        size, root: of the log; the root is empty where the copy was not verified.
        bytes: of all its files.
        files: how many files of statements it holds.
        problems: what does not fit in it; where there are any, the copy was not kept.
    """

    path: Path
    size: int
    root: str
    bytes: int
    files: int
    verified: bool
    problems: list[Problem] = field(default_factory=list)


def backup(
    store: Path,
    target: Path,
    keys: Mapping[str, Path],
    *,
    check: bool = True,
    progress: Progress = lambda stage: None,
) -> Backup:
    """Copy a store.

    Args:
        target: a folder that does not exist yet, or is empty.
        keys: name in the copy → file, of the keys that go with it.
        check: verify the copy before it gets its name; without, files that are gone or changed are no
            reason to keep nothing.
        progress: told what is being done.

    Raises:
        StoreError: the store cannot be read, or the copy cannot be written; nothing is left of it then.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise StoreError(f"{target} exists already", "Give a folder that does not exist yet, or is empty.")
    draft = target.absolute().parent / f".{target.name}.{secrets.token_hex(4)}.partial"
    try:
        draft.mkdir(mode=0o700, parents=True)
        progress("copying the database")
        _copy_database(store, draft / DATABASE)
        for name, source in keys.items():
            _copy_key(source, draft / name)
        done = _complete(store, draft, target, check, progress)
        if not done.problems:
            _settle(draft)
            draft.replace(target)
            _sync(target.absolute().parent)
        return done
    except OSError as error:
        raise StoreError(f"{target} cannot be written: {error.strerror or error}", _BUSY) from error
    finally:
        # Where it was renamed, there is nothing to remove.
        shutil.rmtree(draft, ignore_errors=True)


def _copy_database(store: Path, copy: Path) -> None:
    # SQLite writes into an empty file, and a new one would be open to others.
    copy.touch(mode=0o600)
    with Record.open(store) as record, closing(record.engine.raw_connection()) as connection:
        # One read transaction: a writer goes on meanwhile, and the copy is as at one moment.
        connection.cursor().execute("VACUUM INTO ?", (str(copy),))


def _complete(store: Path, draft: Path, target: Path, check: bool, progress: Progress) -> Backup:
    with Record.open(draft) as copy:
        progress("copying files")
        brought = sorted({file for one in query.statements(copy) for file in files_of(one)})
        files = sum(_copy_file(store, draft, sha256, check) for sha256 in brought)
        with copy.engine.connect() as connection:
            # Its own newest checkpoint: that of a store which is being written may be newer by now.
            for notice in publish(connection, draft, ()):
                raise StoreError(notice, _BUSY)
        size, root, problems = copy.log_size(), "", []
        if check:
            progress("verifying the copy")
            found = verify(copy)
            size, root, problems = found.size, found.root, found.problems
    held = sum(path.stat().st_size for path in draft.rglob("*") if path.is_file())
    return Backup(target, size, root, held, files, check and not problems, problems)


def _copy_file(store: Path, draft: Path, sha256: str, check: bool) -> bool:
    """Copy a file and say whether it was there; without ``check`` as it is, be it gone or another."""
    source = path_of(store, sha256)
    if not check:
        if not source.is_file():
            return False
        copy = path_of(draft, sha256)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        return True
    try:
        with source.open("rb") as stream:
            copied, _ = keep(draft, stream, source.name)
    except FileNotFoundError as error:
        raise StoreError(
            f"{source} is gone",
            "If the store was being pruned, try again; else run `annexa verify`. "
            "--no-verify copies what is left.",
        ) from error
    if copied != sha256:
        raise StoreError(
            f"{source} is not the file that was filed",
            "Run `annexa verify`. --no-verify copies what is left.",
        )
    return True


def _copy_key(source: Path, copy: Path) -> None:
    try:
        data = source.read_bytes()
    except OSError as error:
        raise StoreError(
            f"the key {source} cannot be read: {error.strerror}", "Leave out --with-keys, or mend it."
        ) from error
    with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def _settle(draft: Path) -> None:
    """Make all of it durable, and its owner's only."""
    for path in [*draft.rglob("*"), draft]:
        path.chmod(0o700 if path.is_dir() else 0o600)
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
