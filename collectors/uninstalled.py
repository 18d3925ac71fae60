"""What stands for a collector that cannot be imported: its provider is a gap, and the others go on."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import ClassVar

from collectors.collection import Collection
from collectors.contract import Diagnosis, Discovery, Permissions, Target
from collectors.definition import ResourceType
from store.errors import CollectorError
from store.model import Scope, Strict


class UninstalledCollector:
    """Says at every question why the provider cannot be read; see :class:`collectors.contract.Collector`.

    Args:
        why: with what to install as its hint.
    """

    provider: ClassVar[str] = ""
    version: ClassVar[str] = ""
    Settings: ClassVar[type[Strict]] = Strict

    def __init__(self, why: CollectorError) -> None:
        self._why = why

    @classmethod
    def definitions(cls, folders: Iterable[Path]) -> Mapping[str, ResourceType]:
        del folders
        return {}

    def resource_types(self) -> Mapping[str, ResourceType]:
        return {}

    def discover(self) -> Discovery:
        raise self._why

    def targets(self, scope: Scope, types: Iterable[str]) -> list[Target]:
        del scope, types
        return []

    def collect(self, scope: Scope, target: Target) -> Collection:
        del scope, target
        raise self._why

    def permissions(self, types: Iterable[str]) -> Permissions:
        del types
        raise self._why

    def diagnose(self) -> list[Diagnosis]:
        return [Diagnosis("installed", False, str(self._why), self._why.hint)]

    @classmethod
    def definition_problems(cls, definition: ResourceType) -> list[str]:
        del definition
        return []

    @classmethod
    def field_problems(cls, definition: ResourceType, document: Mapping[str, object]) -> list[str]:
        del definition, document
        return []


def uninstalled(provider: str, why: CollectorError) -> UninstalledCollector:
    """Return what stands for the collector of a provider."""
    kind: type[UninstalledCollector] = type(
        "UninstalledCollector", (UninstalledCollector,), {"provider": provider}
    )
    return kind(why)
