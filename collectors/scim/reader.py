"""One service, read through its own /Users and /Groups."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from collectors.contract import Diagnosis, Permissions, Tools
from collectors.definition import Call
from collectors.ledger import Ledger
from collectors.rest.paging import StartIndex
from collectors.rest.published import published
from collectors.rest.service import Service, TokenSource
from collectors.rest.tenant import Tenant, TenantCollector
from collectors.scim.answers import check, read_error
from collectors.scim.credentials import token_source
from collectors.scim.names import one_spelling
from collectors.scim.settings import ServiceSettings
from collectors.transport import CallError
from store.model import Strict

TENANT_CALL = Call(call="scim:GET /ServiceProviderConfig", permission=("read the service's configuration",))

_ONE_USER = Call.model_validate(
    {"call": "scim:GET /Users", "with": {"count": "1"}, "permission": ["read users"]}
)

_NOTE = (
    "SCIM has no rights of its own: make a token that may read and nothing else, where the service has such. "
    "Many give only tokens that may write as well; keep those as safe as an administrator's password."
)


class ServiceReader(TenantCollector):
    """Reads one service; several make a :class:`collectors.scim.collector.ScimCollector`.

    Args:
        name: what the configuration calls the service; the scope's id. Addresses move, and some services
            have one address for all their customers and tell them apart by the token.
    """

    provider: ClassVar[str] = "scim"
    folder: ClassVar[Path] = Path(__file__).parent
    Settings: ClassVar[type[Strict]] = ServiceSettings
    tenant_call: ClassVar[Call] = TENANT_CALL
    credential_codes: ClassVar[frozenset[str]] = frozenset({"NoCredentials", "CredentialsFailed", "401"})
    credential_hint: ClassVar[str] = (
        "Check base_url and the credentials of the service under [scim.services]: the token may have been "
        "revoked."
    )

    def __init__(self, name: str, settings: ServiceSettings, tools: Tools) -> None:
        super().__init__(settings.model_dump(), tools)
        self.name = name

    def services(self) -> Mapping[str, Service]:
        return {
            "scim": Service(
                base_url=self._settings.base_url,
                tokens=self._tokens,
                pager=StartIndex(),
                read_error=read_error,
                check=check,
                form=one_spelling(published(self.folder).forms.names),
                headers=lambda: {"Accept": "application/scim+json, application/json"},
            )
        }

    def elsewhere(self) -> bool:
        return True  # SCIM publishes no rates: each service says itself when it is too much.

    def tenant(self, answer: Mapping[str, Any]) -> Tenant:
        del answer
        host = urlsplit(self._settings.base_url).netloc
        attributes = {"base_url": self._settings.base_url, "page_size": str(self._settings.page_size)}
        return Tenant(self.name, f"{self.name} ({host})", attributes)

    def principal(self) -> str:
        self._tokens.authorization()
        return self._settings.client_id or self._settings.username

    def diagnose(self) -> list[Diagnosis]:
        lines = super().diagnose()
        if not all(line.ok for line in lines):
            return lines
        try:
            # The service's configuration takes no credentials; people do.
            self._caller().whole(_ONE_USER, {"count": "1"}, "", Ledger())
        except CallError as error:
            return [Diagnosis("credentials", False, f"users cannot be read: {error}", self.credential_hint)]
        return lines

    def document(self, grants: tuple[str, ...]) -> Permissions:
        return Permissions(grants, ("\n".join(grants) + "\n",), suffix=".txt", note=_NOTE)

    @cached_property
    def _tokens(self) -> TokenSource:
        return token_source(self._settings, self._client, self._tools.clock)

    @property
    def _settings(self) -> ServiceSettings:
        assert isinstance(self._section, ServiceSettings)
        return self._section
