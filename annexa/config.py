"""The configuration file: found, read and validated, with errors that name file, key and fix."""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator, model_validator

from store.definition_file import explain
from store.errors import AnnexaError, ConfigError
from store.model import Strict

FILE_NAME = "annexa.toml"
EXAMPLE_NAME = "config.example.toml"


class StoreSection(Strict):
    """``[store]``."""

    path: str = "annexa-store"


class CollectSection(Strict):
    """``[collect]``."""

    workers: int = Field(default=8, ge=1, le=64)
    concurrency: int = Field(default=16, ge=1, le=256)
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()


class DefinitionsSection(Strict):
    """``[definitions]``."""

    folders: tuple[str, ...] = ()


class ChecksSection(Strict):
    """``[checks]``."""

    skip: tuple[str, ...] = ()
    params: dict[str, dict[str, Any]] = Field(default_factory=dict)


class StatusSection(Strict):
    """``[status]``."""

    stale_after_days: float = Field(default=8, gt=0)


class ScheduleSection(Strict):
    """``[schedule]``."""

    cron: str | None = None
    every_minutes: int | None = Field(default=None, ge=1)
    timezone: str | None = None
    jitter_s: int = Field(default=60, ge=0)

    @model_validator(mode="after")
    def _one_of_two(self) -> "ScheduleSection":
        if self.cron is not None and self.every_minutes is not None:
            raise ValueError("set either 'cron' or 'every_minutes', not both")
        return self


class RecordSection(Strict):
    """``[record]``."""

    origin: str | None = None
    key_file: str | None = None
    key_env: str | None = None
    key_command: tuple[str, ...] = ()
    key_vkey: str | None = None
    timestamp_url: str | None = None
    timestamp_roots: str | None = None
    witnesses: tuple[str, ...] = ()
    witness_urls: tuple[str, ...] = ()
    witness_quorum: int = Field(default=0, ge=0)
    trusted_keys: tuple[str, ...] = ()
    copy_to: tuple[str, ...] = ()
    copy_retention_days: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _one_key(self) -> "RecordSection":
        given = [
            f"'{name}'"
            for name in ("key_file", "key_env", "key_command")
            if getattr(self, name) not in (None, ())
        ]
        if len(given) > 1:
            raise ValueError(f"a record has one signing key; set only one of {' and '.join(given)}")
        if bool(self.key_command) != (self.key_vkey is not None):
            raise ValueError(
                "set 'key_command' and 'key_vkey' together: the program signs, and this is its key"
            )
        return self

    @model_validator(mode="after")
    def _addresses(self) -> "RecordSection":
        if self.timestamp_url is not None and not self.timestamp_url.startswith(("http://", "https://")):
            raise ValueError("'timestamp_url' begins with http:// or https://")
        if not all(url.startswith(("http://", "https://")) for url in self.witness_urls):
            raise ValueError("'witness_urls' begin with http:// or https://")
        if self.witness_urls and not self.witnesses:
            raise ValueError("set 'witnesses' to the keys of those at 'witness_urls'; no others are taken")
        if self.timestamp_roots is not None and self.timestamp_url is None:
            raise ValueError("'timestamp_roots' is for the authority of 'timestamp_url', which is not set")
        return self

    @model_validator(mode="after")
    def _places(self) -> "RecordSection":
        addresses = [place for place in self.copy_to if "://" in place]
        if self.copy_retention_days is not None and not addresses:
            raise ValueError("'copy_retention_days' is for a place s3://… in 'copy_to'; there is none")
        if addresses:
            from store.object_store import parse_address

            for address in addresses:
                parse_address(address)
        return self

    @model_validator(mode="after")
    def _keys(self) -> "RecordSection":
        if self.origin is None and not (
            self.key_vkey or self.witnesses or self.trusted_keys or self.witness_quorum
        ):
            return self
        # Cryptography takes a while to load, and most configurations name no keys.
        from store.note_key import NoteKey, SignatureKind, check_name

        if self.origin is not None:
            check_name(self.origin)
        vkeys = (*self.trusted_keys, *((self.key_vkey,) if self.key_vkey else ()))
        if any(NoteKey.parse(vkey).kind is not SignatureKind.ED25519 for vkey in vkeys):
            raise ValueError("'trusted_keys' and 'key_vkey' are keys of a log, not of witnesses")
        witnesses = [NoteKey.parse(vkey) for vkey in self.witnesses]
        if any(key.kind is not SignatureKind.COSIGNATURE for key in witnesses):
            raise ValueError("'witnesses' are keys for cosignatures (type 0x04)")
        if self.witness_quorum > len({key.name for key in witnesses}):
            raise ValueError(f"{self.witness_quorum} of {len(witnesses)} 'witnesses' can never be met")
        return self


class PrivacySection(Strict):
    """``[privacy]``."""

    pseudonymise: bool = False


class SoaSection(Strict):
    """``[soa]``: what the Statement of Applicability says that the record does not.

    Attributes:
        justification: control → why it is included; where it has none, the default.
    """

    organisation: str = ""
    approver: str = ""
    default_justification: str = ""
    justification: dict[str, str] = Field(default_factory=dict)

    @field_validator("justification")
    @classmethod
    def _known(cls, value: dict[str, str]) -> dict[str, str]:
        found = {number.upper().removeprefix("A."): text for number, text in value.items()}
        if found:
            # The controls take a while to read, and most configurations justify none.
            from mappings.controls import load_controls

            unknown = sorted(found.keys() - load_controls().keys())
            if unknown:
                raise ValueError(f"there is no control {unknown[0]!r}; `annexa controls list` shows the 93")
        return found


class _File(Strict):
    store: StoreSection = StoreSection()
    collect: CollectSection = CollectSection()
    definitions: DefinitionsSection = DefinitionsSection()
    checks: ChecksSection = ChecksSection()
    status: StatusSection = StatusSection()
    record: RecordSection = RecordSection()
    schedule: ScheduleSection = ScheduleSection()
    soa: SoaSection = SoaSection()
    privacy: PrivacySection = PrivacySection()


@dataclass(frozen=True)
class Config:
    """A configuration that has been validated, but for the providers' own sections.

    Attributes:
        path: the file, or None where there is none and defaults hold.
        providers: provider → its section, for the collector to validate.
    """

    path: Path | None
    folder: Path
    file: _File
    providers: Mapping[str, Mapping[str, Any]]

    def located(self, error: AnnexaError) -> AnnexaError:
        """Return the error with the file before it where it begins with a key of the file."""
        key = re.match(r"(\w+)[.:]", str(error))
        if self.path is None or key is None or key[1] not in {*_File.model_fields, *self.providers}:
            return error
        return type(error)(f"{self.path}: {error}", error.hint)

    @cached_property
    def store_path(self) -> Path:
        return self.folder / self.file.store.path

    @cached_property
    def definition_folders(self) -> tuple[Path, ...]:
        """The user's own folders.

        Raises:
            ConfigError: one does not exist.
        """
        found = tuple(self.folder / folder for folder in self.file.definitions.folders)
        for folder in found:
            if not folder.is_dir():
                raise ConfigError(
                    f"{self.path}: definitions.folders: {folder} is no folder",
                    "Create it or correct the path.",
                )
        return found


def load(path: Path | None, provider_names: frozenset[str]) -> Config:
    """Read the configuration.

    Args:
        path: the file; by default ``annexa.toml`` in the working directory. Without one, the
            defaults hold and every section is empty.
        provider_names: the installed collectors, whose names may be sections.

    Raises:
        ConfigError: the file does not exist, does not parse, or a key is wrong.
    """
    chosen = path if path is not None else Path(FILE_NAME)
    if path is None and not chosen.exists():
        raise ConfigError(
            f"there is no {FILE_NAME} in {Path.cwd()}",
            "Run `annexa init` to write one, or name another with --config.",
        )
    try:
        content = tomllib.loads(chosen.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{chosen}: {error.strerror}", "Name the file with --config.") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"{chosen}: {error}", "Mend the TOML at the place named.") from error
    own = {key: value for key, value in content.items() if key in _File.model_fields}
    rest = {key: value for key, value in content.items() if key not in _File.model_fields}
    for key, value in rest.items():
        if key not in provider_names:
            known = sorted(_File.model_fields.keys() | provider_names)
            near = difflib.get_close_matches(key, known, n=1)
            raise ConfigError(
                f"{chosen}: unknown section [{key}]",
                f"Did you mean [{near[0]}]?" if near else f"The sections are: {', '.join(known)}.",
            )
        if not isinstance(value, dict):
            raise ConfigError(f"{chosen}: {key} must be a section", f"Write [{key}].")
    try:
        file = _File.model_validate(own)
    except ValidationError as error:
        raise ConfigError(
            f"{chosen}: {explain(error)}",
            f"`annexa init --print` shows every key; {EXAMPLE_NAME} explains them.",
        ) from error
    return Config(chosen, chosen.resolve().parent, file, rest)


def example() -> str:
    """Return the commented reference of every key."""
    packaged = resources.files("annexa") / EXAMPLE_NAME
    if packaged.is_file():
        return packaged.read_text(encoding="utf-8")
    return (Path(__file__).parent.parent / EXAMPLE_NAME).read_text(encoding="utf-8")
