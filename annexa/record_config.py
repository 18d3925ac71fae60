"""What ``[record]`` comes to: how checkpoints are sealed, and what verification asks for."""

import datetime as dt
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from annexa.config import Config
from store.errors import ConfigError, StoreError
from store.note_key import NoteKey
from store.signing_key import CommandKey, EnvironmentKey, FileKey, KeySource

if TYPE_CHECKING:
    from store.places import Place
    from store.sealing import Sealing
    from store.verification.demands import Demands, Held

SIGNING_KEY = "signing.key"
_KEY = re.compile(r"[^+]+\+[0-9a-f]{8}\+[A-Za-z0-9+/]+=*")


def key_file(config: Config) -> Path | None:
    """Return the file of the signing key, or None where it is elsewhere."""
    section = config.file.record
    if section.key_env is not None or section.key_command:
        return None
    return config.store_path / SIGNING_KEY if section.key_file is None else config.folder / section.key_file


def key_source(config: Config) -> KeySource:
    """Return where the signing key comes from."""
    section = config.file.record
    path = key_file(config)
    if path is not None:
        return FileKey(path)
    if section.key_env is not None:
        return EnvironmentKey(section.key_env)
    return CommandKey(section.key_command, section.key_vkey or "")


def sealing(config: Config) -> "Sealing":
    """Return what becomes of checkpoints.

    Raises:
        ConfigError: a file that is named cannot be read.
    """
    from store.sealing import Sealing

    section = config.file.record
    return Sealing(
        key=key_source(config),
        origin=section.origin or "",
        new_key=key_file(config),
        copy_to=places(config),
        timestamp_url=section.timestamp_url or "",
        timestamp_roots=timestamp_roots(config),
        witness_urls=section.witness_urls,
        witnesses=witnesses(config),
    )


def places(config: Config) -> "tuple[Place, ...]":
    """Return where checkpoints are copied to."""
    from store.instant import utc_now
    from store.object_store import SCHEME, ObjectStore
    from store.places import Folder

    section = config.file.record
    days = section.copy_retention_days
    retention = None if days is None else dt.timedelta(days=days)
    return tuple(
        ObjectStore(place, retention, utc_now) if place.startswith(SCHEME) else Folder(config.folder / place)
        for place in section.copy_to
    )


def timestamp_roots(config: Config) -> tuple[bytes, ...]:
    """Return the certificates that timestamps must lead to.

    Raises:
        ConfigError: their file cannot be read.
    """
    name = config.file.record.timestamp_roots
    if name is None:
        return ()
    try:
        return ((config.folder / name).read_bytes(),)
    except OSError as error:
        raise ConfigError(
            f"{config.path}: record.timestamp_roots: {config.folder / name}: {error.strerror}",
            "Save the root certificates of the timestamp authority there, as PEM.",
        ) from error


def witnesses(config: Config) -> tuple[NoteKey, ...]:
    """Return the keys of the witnesses."""
    return tuple(NoteKey.parse(vkey) for vkey in config.file.record.witnesses)


def demands(config: Config | None, keys: Iterable[str], against: Iterable[Path], origin: str) -> "Demands":
    """Return what a record is held against.

    Args:
        config: None where there is none, so that only what is given counts.
        keys: trusted keys beside the configured ones: vkeys, or files that hold one a line.
        against: signed checkpoints; those in ``copy_to`` are taken too.
        origin: of the log, by which its copies are found.

    Raises:
        ConfigError: a key or a file is wrong.
    """
    from store.verification.demands import Demands, Held

    trusted = [found for key in keys for found in _trusted(key)]
    held = _held(against)
    if config is None:
        return Demands(trusted=tuple(dict.fromkeys(trusted)), held=tuple(held))
    section = config.file.record
    trusted[:0] = map(NoteKey.parse, section.trusted_keys)
    unreadable: list[tuple[str, str]] = []
    empty: list[str] = []
    for place in places(config) if origin else ():
        try:
            found = [Held(where, note, published=True) for where, note in place.copies(origin)]
            held += found
            if not found:
                empty.append(str(place))
        except StoreError as error:
            unreadable.append((str(place), str(error)))
    return Demands(
        trusted=tuple(dict.fromkeys(trusted)),
        witnesses=witnesses(config),
        quorum=section.witness_quorum,
        timestamp_roots=timestamp_roots(config),
        held=tuple(held),
        unreadable=tuple(unreadable),
        empty=tuple(empty),
    )


def _held(files: Iterable[Path]) -> "list[Held]":
    from store.verification.demands import Held

    try:
        return [Held(str(path), path.read_bytes()) for path in files]
    except OSError as error:
        raise ConfigError(
            f"{error.filename}: {error.strerror}", "Give a file with a signed checkpoint."
        ) from error


def _trusted(given: str) -> list[NoteKey]:
    try:
        # What looks like a key is one, whatever file may lie there under its name.
        path = None if _KEY.fullmatch(given) else Path(given)
        lines = path.read_text(encoding="utf-8").split() if path and path.is_file() else [given]
        found = [NoteKey.parse(line) for line in lines]
        if not found:
            raise ValueError(f"{given} holds no key")
        return found
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--key: {error}", "Give a key of the form name+id+base64, or a file with one a line."
        ) from error
