"""What a collector is: the contract between Annexa and whatever speaks to one provider.

Plugin authors import it from ``annexa.plugin``.
"""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from collectors.collection import Collection
from collectors.definition import ResourceType
from collectors.privacy import Pseudonyms
from store.model import Gap, Scope, Strict

ProgressState = Literal["started", "reading", "done", "incomplete"]


@dataclass(frozen=True, slots=True)
class Target:
    """One resource type in one region of a scope: what a single collection reads.

    Attributes:
        resource_type: e.g. ``aws.s3.bucket``.
        region: the region to ask; the provider's home region for global types, "" where the
            provider has no regions.
    """

    resource_type: str
    region: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a collection is; sent at its start, its end, and a few times a second between.

    Attributes:
        scope: the scope's key, e.g. ``aws:123456789012``.
        resources: documents read so far.
        calls: calls answered so far, failed ones included.
    """

    scope: str
    target: Target
    resources: int
    calls: int
    state: ProgressState


@dataclass(frozen=True, slots=True)
class Discovery:
    """What there is to collect.

    Attributes:
        scopes: the scopes that can be read.
        gaps: scopes, or lists of scopes or regions, that could not; ``resource_id`` is the key
            of the scope that is missing or narrowed, "" where the list of scopes itself failed.
    """

    scopes: tuple[Scope, ...]
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One line of ``annexa doctor``.

    Attributes:
        name: what was looked at, e.g. ``credentials``.
        ok: whether it is in order.
        message: what was found.
        hint: what to do where it is not in order, else "".
    """

    name: str
    ok: bool
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Permissions:
    """The least privilege that reading takes.

    Attributes:
        grants: what is granted, one by one and sorted, in the provider's words, e.g. ``s3:ListAllMyBuckets``.
        documents: the same as the provider's own tools take it; several where one would exceed a limit.
        suffix: the file name suffix of the documents.
        note: what to do with them, in one sentence.
    """

    grants: tuple[str, ...]
    documents: tuple[str, ...]
    suffix: str = ".json"
    note: str = ""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _no_progress(progress: Progress) -> None:
    del progress


@dataclass(frozen=True, slots=True)
class Tools:
    """What Annexa hands to a collector.

    Attributes:
        redaction_key: secret key of the digests that stand for secret values; the same value
            gives the same digest for as long as the key stays.
        progress: called with events, from any thread; must be quick.
        concurrency: calls in flight per scope.
        definition_folders: the user's own folders of resource types, beside the built-in ones.
        clock: returns the time, with a time zone.
        cancelled: set when the run must stop; what is left unread becomes a gap.
        pseudonyms: what stands for people in documents; None keeps them as the provider names them.
    """

    redaction_key: bytes = field(repr=False)
    progress: Callable[[Progress], None] = _no_progress
    concurrency: int = 16
    definition_folders: tuple[Path, ...] = ()
    clock: Callable[[], datetime] = _utc_now
    cancelled: threading.Event = field(default_factory=threading.Event)
    pseudonyms: Pseudonyms | None = field(default=None, repr=False)


class Collector(Protocol):
    """Speaks to one provider. An instance serves one run: it may remember what it has read.

    Constructing one must be cheap and make no calls.

    Attributes:
        provider: the name that configuration, scopes and resource types begin with.
        version: the collector's version, which goes into the evidence.
        Settings: the model of the provider's section of the configuration.
    """

    provider: ClassVar[str]
    version: ClassVar[str]
    Settings: ClassVar[type[Strict]]

    def __init__(self, settings: Mapping[str, Any], tools: Tools) -> None:
        """Take the provider's section of the configuration.

        Raises:
            ConfigError: a key of the section is wrong.
        """

    @classmethod
    def definitions(cls, folders: Iterable[Path]) -> Mapping[str, ResourceType]:
        """Return type → definition of everything that can be pulled, whatever the configuration.

        Args:
            folders: the user's own folders of resource types, beside the built-in ones.

        Raises:
            DefinitionError: a definition is wrong.
        """
        ...

    def resource_types(self) -> Mapping[str, ResourceType]:
        """Return the definitions with the user's own folders.

        Raises:
            DefinitionError: a definition is wrong.
        """
        ...

    def discover(self) -> Discovery:
        """Find the scopes. A scope that cannot be entered is a gap, the others go on.

        Raises:
            CollectorError: the provider cannot be used at all: no credentials, say.
            ConfigError: the configuration names something that does not exist.
        """
        ...

    def targets(self, scope: Scope, types: Iterable[str]) -> list[Target]:
        """Return what to collect in a scope: regional types once a region, global ones once."""
        ...

    def collect(self, scope: Scope, target: Target) -> Collection:
        """Read one resource type, streamed. Never raises for what the provider does: see Collection."""
        ...

    def permissions(self, types: Iterable[str]) -> Permissions:
        """Return the least privilege that reading these types takes."""
        ...

    def diagnose(self) -> list[Diagnosis]:
        """Say whether credentials, permissions and configuration are in order; never raises for it."""
        ...

    @classmethod
    def definition_problems(cls, definition: ResourceType) -> list[str]:
        """Name what the provider's own model of its API contradicts in a definition."""
        ...

    @classmethod
    def field_problems(cls, definition: ResourceType, document: Mapping[str, Any]) -> list[str]:
        """Name every field of an example document that the provider's answer cannot have."""
        ...
