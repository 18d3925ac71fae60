"""The AWS collector: definitions in TOML, read with one engine for each account."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from collectors.aws import diagnosis, permissions, shapes
from collectors.aws.credentials import AwsSessions
from collectors.aws.discovery import AccountDiscovery
from collectors.aws.regions import home_region
from collectors.aws.session import AwsSession, endpoint_overridden
from collectors.aws.settings import AwsSettings
from collectors.aws.transport import Boto3Transport
from collectors.caller import Caller
from collectors.collection import Collection
from collectors.contract import Diagnosis, Discovery, Permissions, Target, Tools
from collectors.definition import ResourceType, resource_types_of
from collectors.engine import Engine, Identity
from collectors.ratelimit import Limit, RateLimiter, load_limits
from collectors.retry import Retrier, RetryPolicy
from collectors.section import read_section
from collectors.version import VERSION
from store.errors import CollectorError
from store.instant import rfc3339
from store.model import Document, Report, Scope, Strict

_FOLDER = Path(__file__).parent
_UNLIMITED = Limit(call="*:*", rate=10_000, burst=10_000)
_DISCOVERY_ACTIONS = ("ec2:DescribeRegions",)


class AwsCollector:
    """Collects from AWS; see :class:`collectors.contract.Collector`."""

    provider: ClassVar[str] = "aws"
    version: ClassVar[str] = VERSION
    Settings: ClassVar[type[Strict]] = AwsSettings

    def __init__(self, settings: Mapping[str, Any], tools: Tools) -> None:
        self._settings = read_section(self.provider, AwsSettings, settings)
        self._tools = tools
        self._concurrency = tools.concurrency
        self._engines: dict[str, Engine] = {}
        self._lock = threading.Lock()

    @classmethod
    def definitions(cls, folders: Iterable[Path]) -> Mapping[str, ResourceType]:
        return resource_types_of(cls.provider, [_FOLDER, *folders])

    def resource_types(self) -> Mapping[str, ResourceType]:
        return self._types

    def discover(self) -> Discovery:
        return self._discovery.discover()

    def targets(self, scope: Scope, types: Iterable[str]) -> list[Target]:
        """Return what to collect, without the regions in which botocore's endpoint data says that the
        service does not exist."""
        home = scope.attributes.get("home_region") or home_region("aws")
        targets: list[Target] = []
        for kind in types:
            definition = self._types.get(kind)
            if definition is None:
                continue
            if definition.region == "global":
                targets.append(Target(kind, home))
            else:
                targets.extend(Target(kind, region) for region in self._offered(definition, scope))
        return targets

    def collect(self, scope: Scope, target: Target) -> Collection:
        def read(report: Report) -> Iterator[Document]:
            definition = self._types.get(target.resource_type)
            if definition is None:
                raise CollectorError(f"there is no resource type {target.resource_type!r}")
            return self._engine(scope).read(definition, target, report)

        return Collection(read, self._tools.clock)

    def permissions(self, types: Iterable[str]) -> Permissions:
        wanted = [self._types[kind] for kind in types if kind in self._types]
        settings = self._settings
        actions = [] if settings.regions else list(_DISCOVERY_ACTIONS)
        roles = [account.role for account in settings.accounts if account.role.startswith("arn:")]
        roles += [
            f"arn:aws:iam::{account.id}:role/{account.role}"
            for account in settings.accounts
            if account.role and not account.role.startswith("arn:")
        ]
        if settings.organization is not None:
            actions.append("organizations:ListAccounts")
            roles.append(f"arn:aws:iam::*:role/{settings.organization.role_name}")
        return permissions.permissions(wanted, actions, roles)

    def diagnose(self) -> list[Diagnosis]:
        return diagnosis.diagnose(
            self._discovery, self._sessions.base, self._caller, self.permissions(self._types).grants
        )

    @classmethod
    def definition_problems(cls, definition: ResourceType) -> list[str]:
        return shapes.definition_problems(definition)

    @classmethod
    def field_problems(cls, definition: ResourceType, document: Mapping[str, Any]) -> list[str]:
        return shapes.document_problems(definition, dict(document))

    @cached_property
    def _types(self) -> Mapping[str, ResourceType]:
        return self.definitions(self._tools.definition_folders)

    @cached_property
    def _sessions(self) -> AwsSessions:
        return AwsSessions(self._settings, self._concurrency, self.version)

    @cached_property
    def _discovery(self) -> AccountDiscovery:
        return AccountDiscovery(
            self._settings, self._sessions, self._caller, lambda: rfc3339(self._tools.clock())
        )

    @cached_property
    def _limits(self) -> tuple[Limit, ...]:
        return load_limits(_FOLDER / "limits.toml")

    def _limiter(self, session: AwsSession) -> RateLimiter:
        # What AWS publishes holds for AWS; another endpoint may say itself when it is too much.
        elsewhere = endpoint_overridden(session, "sts")
        return RateLimiter([_UNLIMITED] if elsewhere else self._limits)

    @property
    def _retry(self) -> RetryPolicy:
        return RetryPolicy(attempts=self._settings.retries)

    def _caller(self, session: AwsSession) -> Caller:
        """Return a caller for what is asked outside of collections."""
        retrier = Retrier(self._retry, self._limiter(session), self._tools.cancelled.wait)
        transport = Boto3Transport(session, self._tools.clock)
        return Caller(transport, retrier, self._concurrency, self._tools.clock)

    def _engine(self, scope: Scope) -> Engine:
        with self._lock:
            if scope.key not in self._engines:
                session = self._discovery.session_of(scope)
                self._engines[scope.key] = Engine(
                    scope,
                    Boto3Transport(session, self._tools.clock),
                    self._tools,
                    Identity(self.provider, self.version, scope.attributes.get("principal", "")),
                    limiter=self._limiter(session),
                    retry=self._retry,
                    concurrency=self._concurrency,
                )
            return self._engines[scope.key]

    def _offered(self, definition: ResourceType, scope: Scope) -> list[str]:
        service = next(definition.calls()).service
        session = self._sessions.base()
        if endpoint_overridden(session, service):
            return list(scope.regions)
        known = session.regions(service, scope.attributes.get("partition", "aws"))
        return [region for region in scope.regions if not known or region in known]
