"""What ``[record]`` comes to: how checkpoints are sealed, and what verification asks for."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from annexa.config import Config
from store.errors import ConfigError
from store.note_key import NoteKey
from store.publication import copies
from store.signing_key import CommandKey, EnvironmentKey, FileKey, KeySource

if TYPE_CHECKING:
    from store.sealing import Sealing
    from store.verification.demands import Demands, Held

SIGNING_KEY = "signing.key"


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
        copy_to=tuple(config.folder / place for place in section.copy_to),
        timestamp_url=section.timestamp_url or "",
        timestamp_roots=timestamp_roots(config),
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
    from store.verification.demands import Demands

    given = [found for key in keys for found in _trusted(key)]
    files = list(against)
    if config is None:
        return Demands(trusted=tuple(dict.fromkeys(given)), held=_held(files))
    section = config.file.record
    trusted = [*map(NoteKey.parse, section.trusted_keys), *given]
    if origin:
        files += [path for place in section.copy_to for path in copies(config.folder / place, origin)]
    return Demands(
        trusted=tuple(dict.fromkeys(trusted)),
        witnesses=witnesses(config),
        quorum=section.witness_quorum,
        timestamp_roots=timestamp_roots(config),
        held=_held(files),
    )


def _held(files: Iterable[Path]) -> "tuple[Held, ...]":
    from store.verification.demands import Held

    try:
        return tuple(Held(str(path), path.read_bytes()) for path in files)
    except OSError as error:
        raise ConfigError(
            f"{error.filename}: {error.strerror}", "Give a file with a signed checkpoint."
        ) from error


def _trusted(given: str) -> list[NoteKey]:
    try:
        path = Path(given)
        lines = path.read_text(encoding="utf-8").split() if path.is_file() else [given]
        found = [NoteKey.parse(line) for line in lines]
        if not found:
            raise ValueError(f"{given} holds no key")
        return found
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"--key: {error}", "Give a key of the form name+id+base64, or a file with one a line."
        ) from error
