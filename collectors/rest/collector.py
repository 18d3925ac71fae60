"""What the collectors of all providers that speak REST have in common."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import httpx
from pydantic import Field

from collectors.caller import Caller
from collectors.collection import Collection
from collectors.contract import Target, Tools
from collectors.definition import ResourceType, resource_types_of
from collectors.engine import Engine, Identity
from collectors.inventory import Census, Inventory
from collectors.ratelimit import Limit, RateLimiter, load_limits
from collectors.rest.service import Service
from collectors.rest.transport import RestTransport, new_client
from collectors.retry import Retrier, RetryPolicy
from collectors.section import read_section
from collectors.transport import Transport
from collectors.version import VERSION
from store.errors import CollectorError
from store.model import Document, Report, Scope, Strict

_BATCHES = 4
"""Batches that are filled at a time. More threads would wait for each other and not for the provider."""

_UNLIMITED = Limit(call="*:*", rate=10_000, burst=10_000)


class RestSettings(Strict):
    """What the section of every such provider has.

    Attributes:
        connect_timeout: seconds.
        read_timeout: seconds.
        retries: tries of a call that fails in a way that may pass.
    """

    connect_timeout: float = Field(default=10, gt=0)
    read_timeout: float = Field(default=60, gt=0)
    retries: int = Field(default=5, ge=1, le=20)


class RestCollector(ABC):
    """The part of :class:`collectors.contract.Collector` that does not depend on the provider.

    Resource types are ``*.toml`` beside the module of the subclass, limits are in ``limits.toml``
    there. Every type is read once for a scope: REST providers list across their regions.

    Attributes:
        folder: where the definitions are.
    """

    provider: ClassVar[str]
    folder: ClassVar[Path]
    version: ClassVar[str] = VERSION
    Settings: ClassVar[type[Strict]]

    def __init__(self, settings: Mapping[str, Any], tools: Tools) -> None:
        self._section = read_section(self.provider, self.Settings, settings)
        self._tools = tools
        self._engines: dict[str, Engine] = {}
        self._lock = threading.Lock()

    @classmethod
    def definitions(cls, folders: Iterable[Path]) -> Mapping[str, ResourceType]:
        return resource_types_of(cls.provider, [cls.folder, *folders])

    def resource_types(self) -> Mapping[str, ResourceType]:
        return self._types

    def targets(self, scope: Scope, types: Iterable[str]) -> list[Target]:
        del scope
        return [Target(kind, "") for kind in types if kind in self._types]

    def collect(self, scope: Scope, target: Target) -> Collection:
        def read(report: Report) -> Iterator[Document]:
            definition = self._types.get(target.resource_type)
            if definition is None:
                raise CollectorError(f"there is no resource type {target.resource_type!r}")
            return self._engine(scope).read(definition, target, report)

        return Collection(read, self._tools.clock)

    @abstractmethod
    def services(self) -> Mapping[str, Service]:
        """Return the provider's services, by the names that calls begin with."""

    @abstractmethod
    def elsewhere(self) -> bool:
        """Say whether the configuration leads to another endpoint than the provider's own."""

    def inventory(self) -> Inventory | None:
        """Return what gives the elements of lists for many scopes at once, if there is such a thing."""
        return None

    def census(self) -> Census | None:
        """Return what counts the elements of lists independently of them, if there is such a thing."""
        return None

    def canonical_id(self, resource_id: str) -> str:
        """Return the one form of an id that the provider may write in several."""
        return resource_id

    @cached_property
    def _types(self) -> Mapping[str, ResourceType]:
        return self.definitions(self._tools.definition_folders)

    @cached_property
    def _client(self) -> httpx.Client:
        settings = self._rest
        return new_client(settings.connect_timeout, settings.read_timeout, f"annexa/{self.version}")

    @cached_property
    def _transport(self) -> RestTransport:
        at_once = self._tools.concurrency if self._readers else None
        return RestTransport(self._reached, self._client, self._tools.clock, at_once=at_once)

    @cached_property
    def _reached(self) -> Mapping[str, Service]:
        return self.services()

    @cached_property
    def _readers(self) -> int | None:
        """Resources read at once: enough to fill some batches; None where nothing goes by batch."""
        most = max((each.batching.most for each in self._reached.values() if each.batching), default=0)
        return max(self._tools.concurrency, most * min(_BATCHES, self._tools.concurrency)) if most else None

    @property
    def _rest(self) -> RestSettings:
        assert isinstance(self._section, RestSettings)
        return self._section

    @property
    def _retry(self) -> RetryPolicy:
        return RetryPolicy(attempts=self._rest.retries)

    @cached_property
    def _limits(self) -> tuple[Limit, ...]:
        # What the provider publishes holds for it; another endpoint may say itself when it is too much.
        return (_UNLIMITED,) if self.elsewhere() else load_limits(self.folder / "limits.toml")

    def transport(self, scope: Scope) -> Transport:
        """Return what sends the calls of a scope; one for all, unless each has credentials of its own."""
        del scope
        return self._transport

    def limiter(self, scope: Scope) -> RateLimiter:
        """Return the token buckets of a scope; new ones, unless the provider counts scopes together."""
        del scope
        return RateLimiter(self._limits)

    def _caller(self) -> Caller:
        """Return a caller for what is asked outside of collections."""
        return self._caller_with(self._transport)

    def _caller_with(self, transport: Transport) -> Caller:
        return Caller(transport, self._retrier(), self._tools.concurrency, self._tools.clock)

    def _retrier(self) -> Retrier:
        return Retrier(self._retry, RateLimiter(self._limits), self._tools.cancelled.wait)

    def _engine(self, scope: Scope) -> Engine:
        with self._lock:
            if scope.key not in self._engines:
                self._engines[scope.key] = Engine(
                    scope,
                    self.transport(scope),
                    self._tools,
                    Identity(self.provider, self.version, scope.attributes.get("principal", "")),
                    limiter=self.limiter(scope),
                    retry=self._retry,
                    concurrency=self._readers,
                    canonical_id=self.canonical_id,
                    inventory=self.inventory(),
                    census=self.census(),
                )
            return self._engines[scope.key]
