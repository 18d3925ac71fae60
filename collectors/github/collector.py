"""The GitHub collector: definitions in TOML, read with one engine for each organisation."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from collectors.contract import Discovery, Permissions
from collectors.definition import Call
from collectors.github import graphql, permissions, sight
from collectors.github.answers import THROTTLING, AnswerCheck, read_error
from collectors.github.credentials import (
    CREDENTIAL_CODES,
    INSTALLATION,
    INSTALLATION_TOKEN,
    AppJwt,
    FixedToken,
    InstallationTokens,
)
from collectors.github.scopes import oauth_scopes
from collectors.github.settings import PUBLISHED_HOURLY, GithubSettings
from collectors.ledger import Ledger
from collectors.ratelimit import Limit, RateLimiter
from collectors.rest.paging import LinkHeader, PageInfo
from collectors.rest.published import published
from collectors.rest.service import Service, TokenSource
from collectors.rest.tenant import Tenant, TenantCollector
from collectors.rest.transport import RestTransport
from collectors.transport import CallError, Transport
from store.errors import CollectorError
from store.instant import rfc3339
from store.model import Gap, Scope, Strict

ORGANIZATION = Call.model_validate(
    {"call": "github:GET /orgs/{org}", "with": {"org": "{account}"}, "permission": ["metadata:read"]}
)
"""Asks for an organisation."""

OWN_APP = Call.model_validate({"call": "app:GET /app", "with": {}, "permission": []})
OWN_USER = Call.model_validate({"call": "github:GET /user", "with": {}, "permission": []})

_OWN_CALLS = (ORGANIZATION, OWN_APP, OWN_USER, INSTALLATION, INSTALLATION_TOKEN)
_HINTS = {"Redirected": "; was it renamed? Write its new login in github.organizations"}
_HEADERS = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}


_MOST_OF_GRAPHQL = 2
"""Times as many points of GraphQL as usual that GitHub gives at most, however many requests of REST."""


def _share(call: str, share: float) -> float:
    return min(share, _MOST_OF_GRAPHQL) if call.startswith("graphql:") else share


class GithubCollector(TenantCollector):
    """Collects from organisations on GitHub; see :class:`collectors.contract.Collector`."""

    provider: ClassVar[str] = "github"
    folder: ClassVar[Path] = Path(__file__).parent
    Settings: ClassVar[type[Strict]] = GithubSettings
    tenant_call = ORGANIZATION
    credential_codes = CREDENTIAL_CODES
    credential_hint = (
        "Make a new token and set the variable that github.token_env names; or, for an App, check "
        "github.app_id and github.private_key_file, and that the organisations have installed it."
    )

    def services(self) -> Mapping[str, Service]:
        if self._settings.credential == "token":
            return self._services(FixedToken(self._settings.token_env))
        own = AppJwt(self._settings.app_id, self._settings.private_key_file, self._tools.clock)
        return {"app": self._service(own)}

    def transport(self, scope: Scope) -> Transport:
        return sight.WithinSight(self._transport_for(scope.id), sight.Sight.read(scope.attributes))

    def limiter(self, scope: Scope) -> RateLimiter:
        # GitHub counts by user, or by installation.
        return self._shared_limiter if self._settings.credential == "token" else super().limiter(scope)

    def elsewhere(self) -> bool:
        return not self._settings.is_cloud

    def discover(self) -> Discovery:
        scopes: list[Scope] = []
        gaps: list[Gap] = []
        refused: CallError | None = None
        for login in self._settings.organizations:
            try:
                found = self._organization(login)
            except CallError as error:
                refused = error if error.code in self.credential_codes else refused
                gap = Gap(
                    call=ORGANIZATION.call,
                    code=error.code,
                    message=f"{login}: {error.message}{_HINTS.get(error.code, '')}",
                    at=rfc3339(self._tools.clock()),
                    resource_id=f"{self.provider}:{login}",
                )
                gaps.append(gap)
            else:
                scopes.append(Scope(self.provider, found.id, found.name, attributes={**found.attributes}))
        if refused is not None and not scopes:
            raise CollectorError(
                f"{self.provider} gives or takes no credentials: {refused}", self.credential_hint
            ) from refused
        principal = self._whoever() if scopes else ""
        return Discovery(
            tuple(replace(each, attributes={**each.attributes, "principal": principal}) for each in scopes),
            tuple(gaps),
        )

    def tenant(self, answer: Mapping[str, Any]) -> Tenant:
        login, number = answer.get("login"), answer.get("id")
        if not isinstance(login, str) or not login or not isinstance(number, int):
            raise CallError("MalformedAnswer", "the organisation has no login or no id")
        name = answer.get("name")
        attributes = {"organization_id": str(number)}
        if self._settings.enterprise:
            attributes["enterprise"] = self._settings.enterprise
        return Tenant(login, name if isinstance(name, str) and name else login, attributes)

    def principal(self) -> str:
        app = self._settings.credential == "app"
        try:
            answer = self._caller().whole(OWN_APP if app else OWN_USER, {}, "", Ledger())
        except CallError as error:
            if error.code in self.credential_codes:
                raise
            return ""
        name = answer.get("slug" if app else "login")
        return f"{'app' if app else 'user'}:{name}" if isinstance(name, str) and name else ""

    def permissions(self, types: Iterable[str]) -> Permissions:
        grants = super().permissions(types).grants
        named = bool(self._settings.enterprise)
        return self.document(tuple(each for each in grants if named or not permissions.of_enterprise(each)))

    def document(self, grants: tuple[str, ...]) -> Permissions:
        return permissions.permissions(grants)

    def missing(self, grants: tuple[str, ...]) -> list[str] | None:
        if self._settings.credential == "token":
            tokens = FixedToken(self._settings.token_env)
            scopes = oauth_scopes(self._client, self._settings.base_url, _HEADERS, tokens)
            return None if scopes is None else permissions.lacking_scopes(grants, scopes)
        return [
            f"{lacking} ({login})"
            for login in self._settings.organizations
            for lacking in permissions.lacking_of(grants, self._installation_tokens(login).installation())
        ]

    def _whoever(self) -> str:
        try:
            return self.principal()
        except CallError:  # the organisations were read: who reads them is a remark in the evidence
            return ""

    def _organization(self, login: str) -> Tenant:
        caller = self._caller_with(self._transport_for(login))
        answer = caller.whole(ORGANIZATION, {"org": login}, "", Ledger())
        found = self.tenant(answer)
        seen = (
            sight.of_token(answer)
            if self._settings.credential == "token"
            else sight.of_installation(self._installation_tokens(login).installation())
        )
        return replace(found, attributes={**found.attributes, **seen.attributes})

    def _transport_for(self, login: str) -> RestTransport:
        if self._settings.credential == "token":
            return self._transport
        services = self._services(self._installation_tokens(login))
        return RestTransport(services, self._client, self._tools.clock)

    def _installation_tokens(self, login: str) -> InstallationTokens:
        key = login.lower()
        if key not in self._installations:
            self._installations[key] = InstallationTokens(login, self._caller(), self._tools.clock)
        return self._installations[key]

    def _service(self, tokens: TokenSource) -> Service:
        return Service(
            base_url=self._settings.base_url,
            tokens=tokens,
            pager=LinkHeader(),
            read_error=read_error,
            request_id="x-github-request-id",
            headers=lambda: _HEADERS,
            throttling=THROTTLING,
            check=self._answer_check,
        )

    def _services(self, tokens: TokenSource) -> dict[str, Service]:
        rest = self._service(tokens)
        return {
            "github": rest,
            "graphql": replace(
                rest,
                base_url=graphql.base_url(rest.base_url),
                pager=PageInfo(),
                check=graphql.check,
                left_out=graphql.left_out,
                hidden_error=graphql.hidden_error,
            ),
        }

    @cached_property
    def _answer_check(self) -> AnswerCheck:
        called = [call for each in self._types.values() for call in each.calls() if call.service == "github"]
        return AnswerCheck(published(self.folder), [*_OWN_CALLS, *called])

    @property
    def _settings(self) -> GithubSettings:
        assert isinstance(self._section, GithubSettings)
        return self._section

    @cached_property
    def _installations(self) -> dict[str, InstallationTokens]:
        return {}

    @cached_property
    def _shared_limiter(self) -> RateLimiter:
        return RateLimiter(self._limits)

    @cached_property
    def _limits(self) -> tuple[Limit, ...]:
        share = self._settings.requests_per_hour / PUBLISHED_HOURLY
        published = super()._limits
        if self.elsewhere():
            return published
        return tuple(
            each.model_copy(update={"rate": each.rate * _share(each.call, share)}) for each in published
        )
