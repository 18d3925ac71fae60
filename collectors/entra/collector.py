"""The Entra ID collector: one tenant, read from Microsoft Graph."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from collectors.azure.cloud import CLOUDS
from collectors.azure.credentials import CREDENTIAL_CODES, AzureTokens
from collectors.contract import Permissions
from collectors.definition import Call
from collectors.entra import permissions
from collectors.entra.answers import AnswerCheck, read_error
from collectors.entra.settings import EntraSettings
from collectors.rest.batch import Batching
from collectors.rest.operation import parse
from collectors.rest.paging import LinkInBody
from collectors.rest.service import Service
from collectors.rest.tenant import Tenant, TenantCollector
from collectors.transport import CallError
from store.model import Strict


class EntraCollector(TenantCollector):
    """Collects from Microsoft Entra ID; see :class:`collectors.contract.Collector`."""

    provider: ClassVar[str] = "entra"
    folder: ClassVar[Path] = Path(__file__).parent
    Settings: ClassVar[type[Strict]] = EntraSettings
    tenant_call: ClassVar[Call] = Call.model_validate(
        {"call": "graph:GET /v1.0/organization", "permission": ["Organization.Read.All"]}
    )
    credential_codes: ClassVar[frozenset[str]] = CREDENTIAL_CODES
    credential_hint: ClassVar[str] = (
        "Check credential, tenant_id and client_id under [entra], or sign in again."
    )

    def services(self) -> Mapping[str, Service]:
        cloud = CLOUDS[self._settings.cloud]
        return {
            "graph": Service(
                base_url=self._settings.endpoint_url.rstrip("/") or cloud.graph,
                tokens=self._tokens,
                pager=LinkInBody("@odata.nextLink"),
                read_error=read_error,
                check=AnswerCheck(self._types.values()),
                request_id="request-id",
                # Without it, values that were added to an enumeration later read "unknownFutureValue".
                headers=lambda: {"Prefer": "include-unknown-enum-members"},
                batching=Batching("/v1.0/$batch", "/v1.0", self._of_one_resource()),
            )
        }

    def _of_one_resource(self) -> frozenset[str]:
        details = (detail for each in self._types.values() for detail in each.detail.values())
        return frozenset(each.call for each in details if parse(each.operation).variables)

    def elsewhere(self) -> bool:
        return bool(self._settings.endpoint_url)

    def tenant(self, answer: Mapping[str, Any]) -> Tenant:
        found = answer.get("value")
        first = found[0] if isinstance(found, list) and found else None
        if not isinstance(first, dict) or not isinstance(first.get("id"), str) or not first["id"]:
            raise CallError("MalformedAnswer", "the answer names no organisation")
        name = first.get("displayName")
        return Tenant(first["id"], name if isinstance(name, str) and name else first["id"])

    def principal(self) -> str:
        claims = self._tokens.claims()
        who = claims.get("upn") or claims.get("app_displayname") or claims.get("appid") or ""
        found = claims.get("oid", "")
        return f"{who} ({found})" if who and found else who or found

    def document(self, grants: tuple[str, ...]) -> Permissions:
        return permissions.permissions(grants)

    def missing(self, grants: tuple[str, ...]) -> list[str] | None:
        granted = self._tokens.granted()
        return None if granted is None else permissions.lacking(grants, granted)

    @property
    def _settings(self) -> EntraSettings:
        assert isinstance(self._section, EntraSettings)
        return self._section

    @cached_property
    def _tokens(self) -> AzureTokens:
        return AzureTokens(self._settings, audience=CLOUDS[self._settings.cloud].graph)
