"""The SCIM collector: one scope for each service, and a reader of its own for each."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from collectors.collection import Collection
from collectors.contract import Diagnosis, Discovery, Permissions, Target, Tools
from collectors.definition import ResourceType
from collectors.scim.reader import TENANT_CALL, ServiceReader
from collectors.scim.settings import ScimSettings
from collectors.section import read_section
from collectors.transport import CallError
from store.errors import CollectorError
from store.instant import rfc3339
from store.model import Gap, Scope, Strict


class ScimCollector:
    """Reads services over SCIM 2.0; see :class:`collectors.contract.Collector`."""

    provider: ClassVar[str] = ServiceReader.provider
    version: ClassVar[str] = ServiceReader.version
    Settings: ClassVar[type[Strict]] = ScimSettings

    def __init__(self, settings: Mapping[str, Any], tools: Tools) -> None:
        section = read_section(self.provider, ScimSettings, settings)
        self._tools = tools
        self._readers = {name: ServiceReader(name, each, tools) for name, each in section.services.items()}

    @classmethod
    def definitions(cls, folders: Iterable[Path]) -> Mapping[str, ResourceType]:
        return ServiceReader.definitions(folders)

    def resource_types(self) -> Mapping[str, ResourceType]:
        return self._any.resource_types()

    def discover(self) -> Discovery:
        """Find the scopes; a service that does not answer is a gap for its own.

        Raises:
            CollectorError: none of them takes its credentials.
        """
        scopes: list[Scope] = []
        gaps: list[Gap] = []
        refused: list[CallError] = []
        for name, reader in self._readers.items():
            try:
                scopes.append(reader.find())
            except CallError as error:
                said = f"{name}: {error.message}"
                gaps.append(
                    Gap(
                        call=TENANT_CALL.call,
                        code=error.code,
                        message=said,
                        at=rfc3339(self._tools.clock()),
                        resource_id=f"{self.provider}:{name}",
                    )
                )
                if error.code in reader.credential_codes:
                    refused.append(CallError(error.code, said))
        if len(refused) == len(self._readers):
            every = "; ".join(map(str, refused))
            raise CollectorError(
                f"{self.provider} gives or takes no credentials: {every}", self._any.credential_hint
            ) from refused[0]
        return Discovery(tuple(scopes), tuple(gaps))

    def targets(self, scope: Scope, types: Iterable[str]) -> list[Target]:
        return self._reader(scope).targets(scope, types)

    def collect(self, scope: Scope, target: Target) -> Collection:
        return self._reader(scope).collect(scope, target)

    def permissions(self, types: Iterable[str]) -> Permissions:
        return self._any.permissions(types)

    def diagnose(self) -> list[Diagnosis]:
        return [
            replace(line, message=f"{name}: {line.message}")
            for name, reader in self._readers.items()
            for line in reader.diagnose()
        ]

    @classmethod
    def definition_problems(cls, definition: ResourceType) -> list[str]:
        return ServiceReader.definition_problems(definition)

    @classmethod
    def field_problems(cls, definition: ResourceType, document: Mapping[str, Any]) -> list[str]:
        return ServiceReader.field_problems(definition, document)

    def _reader(self, scope: Scope) -> ServiceReader:
        found = self._readers.get(scope.id)
        if found is None:
            raise CollectorError(
                f"scim: there is no service {scope.id!r}", f"Write [scim.services.{scope.id}]."
            )
        return found

    @property
    def _any(self) -> ServiceReader:
        """For what is the same of every service; there is at least one."""
        return next(iter(self._readers.values()))
