"""The Azure collector: definitions in TOML, read with one engine for each subscription."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from collectors.azure import diagnosis, lint, permissions
from collectors.azure.answers import check, left_out
from collectors.azure.cloud import CLOUDS
from collectors.azure.credentials import AzureTokens
from collectors.azure.discovery import SubscriptionDiscovery
from collectors.azure.inventory import ResourceGraph
from collectors.azure.settings import AzureSettings
from collectors.contract import Diagnosis, Discovery, Permissions, Target
from collectors.definition import ResourceType
from collectors.inventory import Census
from collectors.rest.collector import RestCollector
from collectors.rest.paging import LinkInBody
from collectors.rest.service import Service
from store.instant import rfc3339
from store.model import Scope, Strict


class AzureCollector(RestCollector):
    """Collects from Azure; see :class:`collectors.contract.Collector`."""

    provider: ClassVar[str] = "azure"
    folder: ClassVar[Path] = Path(__file__).parent
    Settings: ClassVar[type[Strict]] = AzureSettings

    def discover(self) -> Discovery:
        return self._discovery.discover()

    def targets(self, scope: Scope, types: Iterable[str]) -> list[Target]:
        targets = super().targets(scope, types)
        self._graph.plan(scope, (self._types[each.resource_type] for each in targets))
        return targets

    def census(self) -> Census:
        return self._graph

    def permissions(self, types: Iterable[str]) -> Permissions:
        wanted = [self._types[kind] for kind in types if kind in self._types]
        return permissions.permissions(wanted, self._settings)

    def diagnose(self) -> list[Diagnosis]:
        return diagnosis.diagnose(self._discovery, self._caller, self.permissions(self._types).grants)

    @classmethod
    def definition_problems(cls, definition: ResourceType) -> list[str]:
        return lint.definition_problems(definition)

    @classmethod
    def field_problems(cls, definition: ResourceType, document: Mapping[str, Any]) -> list[str]:
        return lint.document_problems(definition, document)

    def services(self) -> Mapping[str, Service]:
        return {
            "arm": Service(
                base_url=self._settings.endpoint_url.rstrip("/")
                or CLOUDS[self._settings.cloud].resource_manager,
                tokens=self._tokens,
                # Microsoft.PolicyInsights and Microsoft.Management have names of their own for it.
                pager=LinkInBody("nextLink", ("@odata.nextLink", "@nextLink")),
                check=check,
                left_out=left_out,
                # Some versions of Microsoft.Security answer with the bare list.
                array="value",
                request_id="x-ms-request-id",
            )
        }

    def elsewhere(self) -> bool:
        return bool(self._settings.endpoint_url)

    def canonical_id(self, resource_id: str) -> str:
        """Return the id in lower case: Azure compares ids without regard to case, and varies it."""
        return resource_id.lower()

    @property
    def _settings(self) -> AzureSettings:
        assert isinstance(self._section, AzureSettings)
        return self._section

    @cached_property
    def _tokens(self) -> AzureTokens:
        return AzureTokens(self._settings)

    @cached_property
    def _graph(self) -> ResourceGraph:
        return ResourceGraph(self._caller())

    @cached_property
    def _discovery(self) -> SubscriptionDiscovery:
        return SubscriptionDiscovery(
            self._settings, self._tokens, self._caller, lambda: rfc3339(self._tools.clock())
        )
