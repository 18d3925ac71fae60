"""A collector that holds in memory what there is to read, and does what a test tells it to."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from annexa.plugin import (
    Collection,
    Collector,
    Diagnosis,
    Discovery,
    Document,
    Gap,
    Permissions,
    Report,
    ResourceType,
    Scope,
    Strict,
    Target,
    Tools,
)
from mappings.check import Check

Reader = Callable[[Report], Iterator[Document]]

AT = "2026-01-01T00:00:00.000Z"


class MemoryCollector:
    """Two regions at most and global types only, unless a test says otherwise.

    Attributes:
        scopes: what discovery finds.
        gaps: what discovery could not read.
        refuses: what discovery raises instead of an answer.
        regional: types that are read once a region of the scope.
        readers: (scope, type) or (scope, type, region) → how it is read; what is not here is empty.
        clock: what reports say of the time; the present if None.
        asked: (scope, type, region) of every collection that was begun, in order.
    """

    provider: ClassVar[str] = "memory"
    version: ClassVar[str] = "1.0"
    Settings: ClassVar[type[Strict]] = Strict

    def __init__(self, settings: Mapping[str, Any] | None = None, tools: Tools | None = None) -> None:
        del settings, tools
        self.scopes: tuple[Scope, ...] = (scope("one", self.provider),)
        self.gaps: tuple[Gap, ...] = ()
        self.refuses: Exception | None = None
        self.types: tuple[str, ...] = ("memory.shelf.book",)
        self.regional: frozenset[str] = frozenset()
        self.readers: dict[tuple[str, ...], Reader] = {}
        self.clock: Callable[[], datetime] | None = None
        self.asked: list[tuple[str, str, str]] = []

    @classmethod
    def definitions(cls, folders: Iterable[Path]) -> Mapping[str, ResourceType]:
        del folders
        return {}

    def resource_types(self) -> Mapping[str, ResourceType]:
        return {kind: resource_type(kind, kind in self.regional) for kind in self.types}

    def discover(self) -> Discovery:
        if self.refuses is not None:
            raise self.refuses
        return Discovery(self.scopes, self.gaps)

    def targets(self, scope: Scope, types: Iterable[str]) -> list[Target]:
        return [
            Target(kind, region)
            for kind in types
            for region in (scope.regions if kind in self.regional else ("",))
        ]

    def collect(self, scope: Scope, target: Target) -> Collection:
        self.asked.append((scope.id, target.resource_type, target.region))
        key = (scope.id, target.resource_type)
        reader = self.readers.get((*key, target.region)) or self.readers.get(key) or complete([])
        return Collection(reader, self.clock)

    def permissions(self, types: Iterable[str]) -> Permissions:
        return Permissions(tuple(types), ("{}",))

    def diagnose(self) -> list[Diagnosis]:
        return []

    @classmethod
    def definition_problems(cls, definition: ResourceType) -> list[str]:
        del definition
        return []

    @classmethod
    def field_problems(cls, definition: ResourceType, document: Mapping[str, Any]) -> list[str]:
        del definition, document
        return []


_IS_A_COLLECTOR: type[Collector] = MemoryCollector


def scope(name: str, provider: str = "memory", regions: tuple[str, ...] = ()) -> Scope:
    """A scope that is called as it is identified."""
    return Scope(provider, name, name, regions)


def resource_type(kind: str, regional: bool = False) -> ResourceType:
    """A type with one list and no details."""
    return ResourceType.model_validate(
        {
            "type": kind,
            "title": kind,
            "region": "regional" if regional else "global",
            "id": "{item.Id}",
            "name": "{item.Id}",
            "list": {"call": "memory:List", "items": "Items"},
        }
    )


def document(name: str, kind: str = "memory.shelf.book", region: str = "", **item: Any) -> Document:
    """A document whose ``item`` has the fields given."""
    return Document(kind, name, name, region, {"item": {"Id": name, **item}})


def documents(number: int, kind: str = "memory.shelf.book", **item: Any) -> list[Document]:
    """So many documents that differ in their names only."""
    return [document(f"book-{index:05d}", kind, **item) for index in range(number)]


def gap(call: str = "memory:List", code: str = "Denied", resource_id: str = "", key: str = "") -> Gap:
    """A gap with a message that says nothing."""
    return Gap(call, code, "not today", AT, resource_id, key)


def complete(found: Iterable[Document], gaps: Iterable[Gap] = ()) -> Reader:
    """Read to the end."""

    def read(report: Report) -> Iterator[Document]:
        yield from found
        report.gaps.extend(gaps)
        report.complete = True

    return read


def incomplete(found: Iterable[Document], *gaps: Gap) -> Reader:
    """Read a part, and say so."""

    def read(report: Report) -> Iterator[Document]:
        yield from found
        report.gaps.extend(gaps or (gap(),))

    return read


def raising(found: Iterable[Document], error: Exception) -> Reader:
    """Read a part, and break."""

    def read(report: Report) -> Iterator[Document]:
        del report
        yield from found
        raise error

    return read


def check(
    identifier: str,
    passes: str,
    resource: str = "",
    resources: tuple[str, ...] = (),
    **more: Any,
) -> Check:
    """A check that is complete but for what a test is about."""
    return Check.model_validate(
        {
            "id": identifier,
            "title": f"{identifier} holds",
            "resource": resource,
            "resources": resources,
            "passes": passes,
            "severity": "high",
            "controls": {"8.9": "shows that the configuration is as it was meant"},
            "remediation": "Change the configuration.",
            "limits": "Only what is in memory.",
            "references": ["https://example.com/"],
            **more,
        }
    )
