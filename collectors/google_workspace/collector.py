"""The Google Workspace collector: one customer, read as an administrator by domain-wide delegation."""

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from collectors.contract import Diagnosis, Permissions
from collectors.definition import Call
from collectors.gcp.credentials import CREDENTIAL_CODES
from collectors.google_workspace.answers import THROTTLING, check, read_error
from collectors.google_workspace.delegation import NOT_DELEGATED, DelegatedTokens, Delegation
from collectors.google_workspace.settings import GoogleWorkspaceSettings
from collectors.rest.paging import TokenInBody
from collectors.rest.service import Service
from collectors.rest.tenant import Tenant, TenantCollector
from collectors.transport import CallError
from store.model import Strict

_OWN = "my_customer"
"""The customer of whoever asks."""

_NOTE = (
    "Paste them under Security > Access and data control > API controls > Domain-wide delegation in the "
    "admin console, for the client id of the service account. The administrator who is impersonated needs a "
    "custom role with the admin API privileges Organization Units, Users, Groups and Domain Management "
    "(read), and the console privileges User Security Management, Mobile Device Management, Chrome "
    "Management, Alert Center (view) and Groups; Google lets only a super administrator read the console's "
    "settings and roles. apps.alerts, apps.groups.settings and admin.directory.user.security have no form "
    "that only reads: the role limits what they allow."
)


class GoogleWorkspaceCollector(TenantCollector):
    """Collects from Google Workspace; see :class:`collectors.contract.Collector`."""

    provider: ClassVar[str] = "google_workspace"
    folder: ClassVar[Path] = Path(__file__).parent
    Settings: ClassVar[type[Strict]] = GoogleWorkspaceSettings
    tenant_call: ClassVar[Call] = Call.model_validate(
        {
            "call": "admin:GET /admin/directory/v1/customers/{customerKey}",
            "permission": ["https://www.googleapis.com/auth/admin.directory.customer.readonly"],
        }
    )
    credential_codes: ClassVar[frozenset[str]] = CREDENTIAL_CODES | {NOT_DELEGATED}
    credential_hint: ClassVar[str] = (
        "Check admin, credential and credentials_file under [google_workspace], and that the scopes which "
        "`annexa permissions google_workspace` prints are delegated to the service account."
    )

    def services(self) -> Mapping[str, Service]:
        named = {call.service for each in self._types.values() for call in each.calls()}
        return {name: self._service(name) for name in {*named, self.tenant_call.service}}

    def elsewhere(self) -> bool:
        return bool(self._settings.endpoint_url)

    def tenant_parameters(self) -> dict[str, Any]:
        return {"customerKey": _OWN}

    def tenant(self, answer: Mapping[str, Any]) -> Tenant:
        found = answer.get("id")
        if not isinstance(found, str) or not found:
            raise CallError("MalformedAnswer", "the answer names no customer")
        if self._settings.customer not in (_OWN, found):
            # Half of the calls name no customer: they would answer for the administrator's own.
            raise CallError(
                "OtherCustomer",
                f"{self._settings.admin} belongs to the customer {found}, but customer is "
                f"{self._settings.customer}: name an administrator of that customer, or leave customer out",
            )
        domain = answer.get("customerDomain")
        return Tenant(found, domain if isinstance(domain, str) and domain else found)

    def principal(self) -> str:
        return self._delegation.tokens(self.tenant_call.permission).principal()

    def document(self, grants: tuple[str, ...]) -> Permissions:
        return Permissions(grants, (",".join(grants) + "\n",), suffix=".txt", note=_NOTE)

    def missing(self, grants: tuple[str, ...]) -> list[str] | None:
        return self._delegation.lacking(grants)

    def diagnose(self) -> list[Diagnosis]:
        lines = super().diagnose()
        if any(line.name == "permissions" for line in lines):
            return lines
        # Without the first scope there is no tenant, but the others that lack are still worth naming.
        return [*lines, self._diagnose_permissions()]

    @property
    def _settings(self) -> GoogleWorkspaceSettings:
        assert isinstance(self._section, GoogleWorkspaceSettings)
        return self._section

    def _service(self, name: str) -> Service:
        return Service(
            base_url=self._settings.base_url(name),
            tokens=None,
            pager=TokenInBody("nextPageToken", "pageToken"),
            read_error=read_error,
            check=check,
            array="",
            throttling=THROTTLING,
            tokens_for=self._tokens_for,
        )

    def _tokens_for(self, call: str) -> DelegatedTokens:
        return self._delegation.tokens(self._scopes[call])

    @cached_property
    def _scopes(self) -> Mapping[str, tuple[str, ...]]:
        found: defaultdict[str, set[str]] = defaultdict(set)
        for call in (self.tenant_call, *(call for each in self._types.values() for call in each.calls())):
            found[call.call].update(call.permission)
        return {call: tuple(sorted(scopes)) for call, scopes in found.items()}

    @cached_property
    def _delegation(self) -> Delegation:
        return Delegation(self._settings)
