"""The Okta collector: one organisation, read through its management API."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import httpx
import orjson

from collectors.contract import Diagnosis, Discovery, Permissions
from collectors.definition import Call
from collectors.ledger import Ledger
from collectors.okta.answers import THROTTLING, AnswerCheck, OktaPager, read_error
from collectors.okta.credentials import CREDENTIAL_CODES, ApiToken, ServiceAppTokens
from collectors.okta.settings import OktaSettings
from collectors.rest.published import published
from collectors.rest.service import Service
from collectors.rest.tenant import Tenant, TenantCollector
from collectors.transport import CallError
from store.errors import ConfigError
from store.model import Strict

TENANT_CALL = Call(call="okta:GET /api/v1/org", permission=("okta.orgs.read",))
ME_CALL = Call.model_validate({"call": "okta:GET /api/v1/users/{id}", "with": {"id": "me"}})

_ROLES_OF_USER = Call(call="okta:GET /api/v1/users/{userId}/roles")
_ROLES_OF_APP = Call(call="okta:GET /oauth2/v1/clients/{clientId}/roles")

_MORE_THAN_READS = frozenset({"SUPER_ADMIN", "ORG_ADMIN"})
_SEES_ALL = _MORE_THAN_READS | {"READ_ONLY_ADMIN"}
_ROLE_HINT = "Assign the Read-Only Administrator role, and one with okta.iam.read for what concerns roles."

_NOTE = (
    "Grant these scopes to the service app (Applications > the app > Okta API Scopes), and assign it the "
    "Read-Only Administrator role. An API token has no scopes: make it as a user with that role. Roles and "
    "resource sets are shown only to who may view them, by a custom role with okta.iam.read."
)


class OktaCollector(TenantCollector):
    """Reads Okta Workforce Identity; see :class:`collectors.contract.Collector`."""

    provider: ClassVar[str] = "okta"
    folder: ClassVar[Path] = Path(__file__).parent
    Settings: ClassVar[type[Strict]] = OktaSettings
    tenant_call: ClassVar[Call] = TENANT_CALL
    credential_codes: ClassVar[frozenset[str]] = CREDENTIAL_CODES
    credential_hint: ClassVar[str] = (
        "Check org_url and the credentials of [okta]. A token that was revoked, or not used for 30 days, "
        "must be made anew."
    )

    def services(self) -> Mapping[str, Service]:
        calls = {call.call for definition in self._types.values() for call in definition.calls()}
        return {
            "okta": Service(
                base_url=self._settings.org_url,
                tokens=self._tokens,
                pager=OktaPager(),
                read_error=read_error,
                check=AnswerCheck(published(self.folder), {*calls, self.tenant_call.call}),
                throttling=THROTTLING,
                request_id="x-okta-request-id",
                auth=self._tokens.possession if isinstance(self._tokens, ServiceAppTokens) else httpx.Auth(),
            )
        }

    def elsewhere(self) -> bool:
        return self._settings.on_loopback

    def discover(self) -> Discovery:
        if not self._settings.org_url:
            raise ConfigError(
                "okta: org_url is missing",
                'Write the address of the organisation: "https://example.okta.com".',
            )
        return super().discover()

    def diagnose(self) -> list[Diagnosis]:
        lines = super().diagnose()
        return [*lines, self._diagnose_role()] if all(line.ok for line in lines[:2]) else lines

    def tenant(self, answer: Mapping[str, Any]) -> Tenant:
        found, name = answer.get("id"), answer.get("companyName") or answer.get("subdomain")
        if not isinstance(found, str) or not found:
            raise CallError("MalformedAnswer", "the organisation has no id")
        subdomain = answer.get("subdomain")
        attributes = {"subdomain": subdomain} if isinstance(subdomain, str) else {}
        return Tenant(found, name if isinstance(name, str) else found, attributes)

    def principal(self) -> str:
        if isinstance(self._tokens, ServiceAppTokens):
            self._tokens.authorization()
            return f"service app {self._settings.client_id}"
        self._tokens.authorization()
        return self._owner

    @cached_property
    def _owner(self) -> str:
        try:
            answer = self._caller().whole(ME_CALL, dict(ME_CALL.with_), "", Ledger())
        except CallError as error:
            if error.code in self.credential_codes:
                raise
            return ""
        return f"user {answer['id']}" if isinstance(answer.get("id"), str) else ""

    def document(self, grants: tuple[str, ...]) -> Permissions:
        document = orjson.dumps({"scopes": list(grants)}, option=orjson.OPT_INDENT_2).decode()
        return Permissions(grants, (document,), note=_NOTE)

    def missing(self, grants: tuple[str, ...]) -> list[str] | None:
        if isinstance(self._tokens, ServiceAppTokens):
            return sorted(set(grants) - set(self._tokens.granted()))
        return None

    def _diagnose_role(self) -> Diagnosis:
        """Say whether the role shows the whole organisation: Okta leaves out the rest without a word."""
        oauth = isinstance(self._tokens, ServiceAppTokens)
        call = _ROLES_OF_APP if oauth else _ROLES_OF_USER
        whose = (
            {"clientId": self._settings.client_id} if oauth else {"userId": self._owner.removeprefix("user ")}
        )
        try:
            answer = self._caller().whole(call, whose, "", Ledger())
        except CallError as error:
            return Diagnosis("role", True, f"not looked at, so lists may lack what it does not show: {error}")
        held = sorted({str(each.get("type")) for each in answer.get("items", ())})
        named = ", ".join(held) or "none"
        if not _SEES_ALL.intersection(held):
            return Diagnosis("role", False, f"{named}: lists may hold only what it shows", _ROLE_HINT)
        if _MORE_THAN_READS.intersection(held):
            return Diagnosis("role", True, f"{named}: more than reading takes", _ROLE_HINT)
        return Diagnosis("role", True, named)

    @cached_property
    def _tokens(self) -> ApiToken | ServiceAppTokens:
        if self._settings.credential == "api_token":
            return ApiToken(self._settings)
        return ServiceAppTokens(self._settings, self._client, self.permissions(self._types).grants)

    @property
    def _settings(self) -> OktaSettings:
        assert isinstance(self._section, OktaSettings)
        return self._section
