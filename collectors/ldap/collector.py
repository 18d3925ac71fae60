"""The LDAP collector: definitions in TOML, read with one engine for each base of a directory."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from collectors.caller import Caller
from collectors.collection import Collection
from collectors.contract import Diagnosis, Discovery, Permissions, Target, Tools
from collectors.definition import Call, ResourceType, resource_types_of
from collectors.engine import Engine, Identity
from collectors.ldap import lint, permissions
from collectors.ldap.census import Subordinates
from collectors.ldap.discovery import KIND_READS, ROOT, Directory
from collectors.ldap.failures import CREDENTIAL_CODES
from collectors.ldap.session import Session, Sessions, open_session
from collectors.ldap.settings import LdapSettings
from collectors.ldap.transport import LdapTransport
from collectors.ledger import Ledger
from collectors.ratelimit import Limit, RateLimiter
from collectors.retry import Retrier, RetryPolicy
from collectors.section import read_section
from collectors.transport import CallError
from collectors.version import VERSION
from store.errors import CollectorError
from store.instant import rfc3339
from store.model import Document, Gap, Report, Scope, Strict

# A directory publishes no rates; how much it is asked at once is what `connections` says.
_UNLIMITED = Limit(call="*:*", rate=10_000, burst=10_000)
_HINT = "Check servers, ca_file, credential and the keys that it needs under [ldap]."


class LdapCollector:
    """Reads directories over LDAP; see :class:`collectors.contract.Collector`."""

    provider: ClassVar[str] = "ldap"
    version: ClassVar[str] = VERSION
    folder: ClassVar[Path] = Path(__file__).parent
    Settings: ClassVar[type[Strict]] = LdapSettings

    def __init__(self, settings: Mapping[str, Any], tools: Tools) -> None:
        self._settings = read_section(self.provider, LdapSettings, settings)
        self._tools = tools
        self._engines: dict[str, Engine] = {}
        self._lock = threading.Lock()

    @classmethod
    def definitions(cls, folders: Iterable[Path]) -> Mapping[str, ResourceType]:
        return resource_types_of(cls.provider, [cls.folder, *folders])

    def resource_types(self) -> Mapping[str, ResourceType]:
        return self._types

    def discover(self) -> Discovery:
        try:
            directory, principal = self._directory, self._principal()
        except CallError as error:
            if error.code in CREDENTIAL_CODES:
                raise CollectorError(f"the directory does not let us in: {error}", _HINT) from error
            return Discovery((), (self._gap(error),))
        bases = directory.bases(self._settings)
        if not bases:
            missing = CallError(
                "NoNamingContext", "the root DSE names nothing to read: set base_dn in [ldap]"
            )
            return Discovery((), (self._gap(missing),))
        scopes, gaps = [], []
        for base in bases:
            more = {"principal": principal}
            if directory.kind == "active_directory":
                try:
                    more["domain_sid"] = self._domain_sid(base)
                except CallError as error:
                    gaps.append(self._gap(error, f"ldap:{base}"))
            scopes.append(directory.scope(base, more))
        return Discovery(tuple(scopes), tuple(gaps))

    def targets(self, scope: Scope, types: Iterable[str]) -> list[Target]:
        kind = scope.attributes.get("kind", "generic")
        reads = next((found for name, found in KIND_READS.items() if name == kind), KIND_READS["generic"])
        return [
            Target(each, "") for each in types if each in self._types and self._types[each].scope in reads
        ]

    def collect(self, scope: Scope, target: Target) -> Collection:
        def read(report: Report) -> Iterator[Document]:
            definition = self._types.get(target.resource_type)
            if definition is None:
                raise CollectorError(f"there is no resource type {target.resource_type!r}")
            return self._engine(scope).read(definition, target, report)

        return Collection(read, self._tools.clock)

    def permissions(self, types: Iterable[str]) -> Permissions:
        return permissions.document([self._types[kind] for kind in types if kind in self._types])

    def diagnose(self) -> list[Diagnosis]:
        try:
            with self._sessions.lent() as session:
                protection = session.tls()
                address = session.address.url
            directory, principal = self._directory, self._principal()
        except CallError as error:
            return [Diagnosis("credentials", False, str(error), _HINT)]
        found = self.discover()
        lines = [
            Diagnosis(
                "connection", True, f"{address}, {protection.get('version') or 'in the clear, on loopback'}"
            ),
            Diagnosis("credentials", True, principal),
        ]
        lines += [Diagnosis("directory", True, f"{scope.name} ({directory.kind})") for scope in found.scopes]
        lines += [Diagnosis("directory", False, f"{gap.code}: {gap.message}", _HINT) for gap in found.gaps]
        return [*lines, *(self._readable(scope) for scope in found.scopes)]

    @classmethod
    def definition_problems(cls, definition: ResourceType) -> list[str]:
        return lint.definition_problems(definition)

    @classmethod
    def field_problems(cls, definition: ResourceType, document: Mapping[str, Any]) -> list[str]:
        return lint.document_problems(definition, document)

    def _readable(self, scope: Scope) -> Diagnosis:
        """Say whether each list shows an entry with what it must have: a directory hides without a word."""
        hidden = []
        for target in self.targets(scope, self._types):
            definition = self._types[target.resource_type]
            if definition.list is None or not definition.list.with_.get("required"):
                continue
            said = self._first_fault(scope, target)
            if said:
                hidden.append(f"{target.resource_type} ({said})")
        if not hidden:
            return Diagnosis("permissions", True, "what was tried can be read")
        return Diagnosis(
            "permissions", False, "; ".join(hidden), "Grant what `annexa permissions ldap` prints."
        )

    def _first_fault(self, scope: Scope, target: Target) -> str:
        collection = self.collect(scope, target)
        for _ in collection:
            pass
        return next((f"{gap.code}: {gap.message}" for gap in collection.report.gaps), "")

    @cached_property
    def _types(self) -> Mapping[str, ResourceType]:
        return self.definitions(self._tools.definition_folders)

    @cached_property
    def _sessions(self) -> Sessions:
        return Sessions(lambda: open_session(self._settings))

    def _anonymous(self) -> Session:
        return open_session(self._settings, anonymous=True)

    @cached_property
    def _directory(self) -> Directory:
        return Directory.of(self._ask(ROOT, ROOT.with_, self._transport(domain_scope=False)), self._settings)

    def _principal(self) -> str:
        with self._sessions.lent() as session:
            return session.who_am_i() or self._settings.bind_dn

    def _domain_sid(self, base: str) -> str:
        asked = {"base": base, "attributes": ["objectSid"]}
        answer = self._ask(Call.model_validate({"call": ROOT.call, "with": asked}), asked, self._transport())
        found = [each["attributes"].get("objectSid") for each in answer["entries"]]
        if not found or not found[0]:
            raise CallError(
                "MalformedAnswer", f"{base} shows no objectSid: it is no domain, or may not be read"
            )
        return str(found[0][0])

    def _ask(self, call: Call, parameters: dict[str, Any], transport: LdapTransport) -> dict[str, Any]:
        caller = Caller(transport, self._retrier(), self._settings.connections, self._tools.clock)
        return caller.whole(call, parameters, "", Ledger())

    def _transport(self, *, domain_scope: bool | None = None) -> LdapTransport:
        return LdapTransport(
            self._sessions,
            self._anonymous,
            self._tools.clock,
            self._settings.page_size,
            domain_scope=self._directory.domain_scope if domain_scope is None else domain_scope,
        )

    def _retrier(self) -> Retrier:
        policy = RetryPolicy(attempts=self._settings.retries)
        return Retrier(policy, RateLimiter((_UNLIMITED,)), self._tools.cancelled.wait)

    def _engine(self, scope: Scope) -> Engine:
        with self._lock:
            if scope.key not in self._engines:
                transport = self._transport()
                self._engines[scope.key] = Engine(
                    scope,
                    transport,
                    self._tools,
                    Identity(self.provider, self.version, scope.attributes.get("principal", "")),
                    limiter=RateLimiter((_UNLIMITED,)),
                    retry=RetryPolicy(attempts=self._settings.retries),
                    concurrency=min(self._settings.connections, self._tools.concurrency),
                    census=Subordinates(transport),
                )
            return self._engines[scope.key]

    def _gap(self, error: CallError, resource_id: str = "") -> Gap:
        return Gap(
            call=ROOT.call,
            code=error.code,
            message=error.message,
            at=rfc3339(self._tools.clock()),
            resource_id=resource_id,
        )
