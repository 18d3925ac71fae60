"""What the collectors have in common that read one tenant, directory or organisation as a whole."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from collectors.contract import Diagnosis, Discovery, Permissions
from collectors.definition import Call, ResourceType
from collectors.ledger import Ledger
from collectors.rest.collector import RestCollector
from collectors.rest.published import published
from collectors.transport import CallError
from store.errors import AnnexaError, CollectorError
from store.instant import rfc3339
from store.model import Gap, Scope

_MOST_NAMED = 10


@dataclass(frozen=True)
class Tenant:
    """Whom a collector reads, as the provider says it.

    Attributes:
        id: the provider's own identifier; it becomes the scope's.
        name: what people call it.
        attributes: facts that templates and rules may use.
    """

    id: str
    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)


class TenantCollector(RestCollector):
    """A collector with one scope; see :class:`collectors.contract.Collector`.

    Attributes:
        tenant_call: asks for the tenant.
        credential_codes: codes that say that the credentials themselves are no good.
        credential_hint: what to do about these.
    """

    tenant_call: ClassVar[Call]
    credential_codes: ClassVar[frozenset[str]]
    credential_hint: ClassVar[str]

    @abstractmethod
    def tenant(self, answer: Mapping[str, Any]) -> Tenant:
        """Return the tenant that the answer of ``tenant_call`` names.

        Raises:
            CallError: ``MalformedAnswer``, if it names none.
        """

    @abstractmethod
    def principal(self) -> str:
        """Return whom the provider sees, never a secret; "" where that cannot be told.

        Raises:
            CallError: there are no credentials.
        """

    @abstractmethod
    def document(self, grants: tuple[str, ...]) -> Permissions:
        """Return permissions in the form that the provider takes."""

    def missing(self, grants: tuple[str, ...]) -> list[str] | None:
        """Return the grants that the principal lacks; None where the provider does not tell.

        Raises:
            CallError: it cannot be asked.
        """
        del grants
        return None

    def tenant_parameters(self) -> dict[str, Any]:
        """Return the parameters of ``tenant_call``."""
        return dict(self.tenant_call.with_)

    def find(self) -> Scope:
        """Ask for the tenant, and return it as the scope.

        Raises:
            CallError: it cannot be asked for.
        """
        principal = self.principal()
        answer = self._caller().whole(self.tenant_call, self.tenant_parameters(), "", Ledger())
        found = self.tenant(answer)
        attributes = {**found.attributes, "principal": principal}
        return Scope(self.provider, found.id, found.name, attributes=attributes)

    def discover(self) -> Discovery:
        try:
            scope = self.find()
        except CallError as error:
            if error.code in self.credential_codes:
                raise CollectorError(
                    f"{self.provider} gives or takes no credentials: {error}", self.credential_hint
                ) from error
            at = rfc3339(self._tools.clock())
            return Discovery(
                (), (Gap(call=self.tenant_call.call, code=error.code, message=error.message, at=at),)
            )
        return Discovery((scope,))

    def permissions(self, types: Iterable[str]) -> Permissions:
        read = [self._types[kind] for kind in types if kind in self._types]
        calls = [self.tenant_call, *(call for definition in read for call in definition.calls())]
        return self.document(tuple(sorted({each for call in calls for each in call.permission})))

    def diagnose(self) -> list[Diagnosis]:
        try:
            found = self.discover()
            principal = self.principal()
        except AnnexaError as error:
            return [Diagnosis("credentials", False, str(error), error.hint)]
        except CallError as error:
            return [Diagnosis("credentials", False, str(error), self.credential_hint)]
        lines = [
            Diagnosis("credentials", True, principal or "taken; the provider does not say whose they are")
        ]
        lines += [
            Diagnosis("tenant", False, f"{gap.call}: {gap.code}: {gap.message}", self.credential_hint)
            for gap in found.gaps
        ]
        lines += [Diagnosis("tenant", True, f"{scope.name} ({scope.id})") for scope in found.scopes]
        return [*lines, self._diagnose_permissions()]

    @classmethod
    def definition_problems(cls, definition: ResourceType) -> list[str]:
        return published(cls.folder).definition_problems(definition)

    @classmethod
    def field_problems(cls, definition: ResourceType, document: Mapping[str, Any]) -> list[str]:
        return published(cls.folder).document_problems(definition, document)

    def _diagnose_permissions(self) -> Diagnosis:
        grants = self.permissions(self._types).grants
        hint = f"Grant what `annexa permissions {self.provider}` prints."
        try:
            missing = self.missing(grants)
        except CallError as error:
            return Diagnosis("permissions", True, f"not looked at: {error}", hint)
        if missing is None:
            return Diagnosis("permissions", True, "the provider does not tell; a run shows them as gaps")
        if missing:
            named = ", ".join(missing[:_MOST_NAMED]) + (", …" if len(missing) > _MOST_NAMED else "")
            return Diagnosis(
                "permissions", False, f"{len(missing)} of {len(grants)} are missing: {named}", hint
            )
        return Diagnosis("permissions", True, f"all {len(grants)} are granted")

    def _gap(self, error: CallError) -> Gap:
        at = rfc3339(self._tools.clock())
        return Gap(call=self.tenant_call.call, code=error.code, message=error.message, at=at)
