"""The GCP collector: definitions in TOML, read with one engine for each project and organisation."""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from collectors.contract import Diagnosis, Discovery, Permissions, Target
from collectors.definition import ResourceType
from collectors.gcp import lint, permissions
from collectors.gcp.answers import THROTTLING, check, left_out, read_error
from collectors.gcp.credentials import GoogleTokens
from collectors.gcp.inventory import AssetInventory, TurnedOff
from collectors.gcp.settings import GcpSettings
from collectors.inventory import Inventory
from collectors.rest.collector import RestCollector
from collectors.rest.paging import TokenInBody
from collectors.rest.service import Service
from store.errors import CollectorError
from store.instant import rfc3339
from store.model import Scope, Strict

if TYPE_CHECKING:
    from collectors.gcp.discovery import ProjectDiscovery

# https://cloud.google.com/asset-inventory/docs/asset-names
_ADDRESS = re.compile(r"^https://(www|compute)\.googleapis\.com/compute/[a-z0-9]+/")
_OWN_SERVICES = frozenset({"cloudasset", "cloudresourcemanager", "serviceusage"})


class GcpCollector(RestCollector):
    """Collects from GCP; see :class:`collectors.contract.Collector`."""

    provider: ClassVar[str] = "gcp"
    folder: ClassVar[Path] = Path(__file__).parent
    Settings: ClassVar[type[Strict]] = GcpSettings

    def discover(self) -> Discovery:
        return self._discovery.discover()

    def targets(self, scope: Scope, types: Iterable[str]) -> list[Target]:
        kind = scope.attributes.get("kind", "project")
        read = [
            each for each in types if each in self._types and (self._types[each].scope or "project") == kind
        ]
        self._assets.plan(scope, (self._types[each] for each in read))
        return super().targets(scope, read)

    def permissions(self, types: Iterable[str]) -> Permissions:
        wanted = [self._types[kind] for kind in types if kind in self._types]
        return permissions.permissions(wanted, self._settings)

    def diagnose(self) -> list[Diagnosis]:
        try:
            discovery = self._discovery
        except CollectorError as error:
            return [Diagnosis("installation", False, str(error), error.hint)]
        from collectors.gcp.diagnosis import diagnose

        return diagnose(discovery, self._caller, self.permissions(self._types).grants, self._service_names)

    @classmethod
    def definition_problems(cls, definition: ResourceType) -> list[str]:
        return lint.definition_problems(definition)

    @classmethod
    def field_problems(cls, definition: ResourceType, document: Mapping[str, Any]) -> list[str]:
        return lint.document_problems(definition, document)

    def services(self) -> Mapping[str, Service]:
        return {name: self._service(name) for name in self._service_names}

    def inventory(self) -> Inventory:
        return self._assets if self._settings.inventory == "auto" else TurnedOff()

    def elsewhere(self) -> bool:
        return bool(self._settings.endpoint_url)

    def canonical_id(self, resource_id: str) -> str:
        """Return the full resource name: Compute Engine gives addresses, of one version or another."""
        return _ADDRESS.sub("//compute.googleapis.com/", resource_id)

    @property
    def _settings(self) -> GcpSettings:
        assert isinstance(self._section, GcpSettings)
        return self._section

    def _service(self, name: str) -> Service:
        return Service(
            base_url=self._settings.base_url(name),
            tokens=self._tokens,
            pager=TokenInBody("nextPageToken", "pageToken"),
            read_error=read_error,
            check=check,
            array="",
            headers=self._tokens.headers,
            throttling=THROTTLING,
            left_out=left_out,
        )

    @cached_property
    def _service_names(self) -> tuple[str, ...]:
        called = {call.service for definition in self._types.values() for call in definition.calls()}
        return tuple(sorted(called | _OWN_SERVICES))

    @cached_property
    def _assets(self) -> AssetInventory:
        return AssetInventory(self._caller(), self._reads_whole, self._settings.folders)

    def _reads_whole(self, organization: str) -> bool:
        return not self._settings.narrowed or organization in self._settings.organizations

    @cached_property
    def _tokens(self) -> GoogleTokens:
        return GoogleTokens(self._settings)

    @cached_property
    def _discovery(self) -> "ProjectDiscovery":
        # Google's client is heavy to import: only who looks for projects pays for it.
        try:
            from collectors.gcp.discovery import ProjectDiscovery
            from collectors.gcp.resource_manager import ResourceManager
        except ImportError as error:
            raise CollectorError(
                f"projects cannot be looked for: {error}", "Run pip install 'annexa[gcp]'."
            ) from error
        manager = ResourceManager(self._settings, self._tokens, self._retrier)
        return ProjectDiscovery(self._settings, self._tokens, manager, lambda: rfc3339(self._tools.clock()))
