"""The plain values that rooms hand to one another: scopes, documents, gaps, reports, findings."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict

RESERVED_KEYS = frozenset({"id", "name", "region"})
"""Keys of a document that no call may be filed under, because rules read them as the resource's own."""


class Strict(BaseModel):
    """A border model: unknown keys are refused, instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Outcome(StrEnum):
    """What a check says of a resource."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"
    ERROR = "error"


OUTCOME_RANK = {
    Outcome.FAIL: 0,
    Outcome.UNKNOWN: 1,
    Outcome.ERROR: 2,
    Outcome.PASS: 3,
    Outcome.NOT_APPLICABLE: 4,
}
"""0 is worst."""


class Severity(StrEnum):
    """How much a failed check matters, worst first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


SEVERITY_RANK = {severity: rank for rank, severity in enumerate(Severity)}
"""0 is worst."""


@dataclass(frozen=True, slots=True)
class Scope:
    """One thing that is collected as a unit: an AWS account, a subscription, a project, a tenant.

    Attributes:
        provider: the collector's name, e.g. ``aws``.
        id: the provider's own identifier, e.g. an account number.
        name: what people call it; may equal the id.
        regions: the regions to read; empty where the provider has none.
        attributes: facts of the scope that templates and rules may use, e.g. ``partition``.
    """

    provider: str
    id: str
    name: str
    regions: tuple[str, ...] = ()
    attributes: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.provider}:{self.id}"


@dataclass(frozen=True, slots=True)
class Gap:
    """A call that could not be read.

    Attributes:
        call: the operation, e.g. ``s3:GetBucketEncryption``.
        code: the provider's error code, or one of ours (``Timeout``, ``MalformedAnswer``, …).
        message: the provider's words.
        at: when, RFC 3339 in UTC.
        resource_id: the resource whose detail is missing, or "" where the list itself failed.
        key: the document key the answer would have been filed under, or "".
        region: where the call went, or "".
    """

    call: str
    code: str
    message: str
    at: str
    resource_id: str = ""
    key: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """What was read of one resource.

    Attributes:
        resource_type: e.g. ``aws.s3.bucket``.
        id: the resource's unique identifier, an ARN where there is one.
        name: what people call it.
        region: where it lives, or "" if it has no region.
        content: the provider's own answers, keyed by the call that gave them.
        gaps: document key → {"call", "code"} for calls that could not be read. Messages and
            times stay in the collection's report, so that the same denial gives the same hash.
        redacted: paths within ``content`` whose values were replaced by keyed digests.
        pseudonymised: paths within ``content`` where pseudonyms stand for what names a person.
    """

    resource_type: str
    id: str
    name: str
    region: str
    content: dict[str, Any]
    gaps: dict[str, dict[str, str]] = field(default_factory=dict)
    redacted: tuple[str, ...] = ()
    pseudonymised: tuple[str, ...] = ()

    def payload(self) -> dict[str, Any]:
        """Return the JSON value that is hashed and kept."""
        # The key is there only where it says something: documents without it keep their hashes.
        more = {"pseudonymised": list(self.pseudonymised)} if self.pseudonymised else {}
        return {
            "type": self.resource_type,
            "id": self.id,
            "name": self.name,
            "region": self.region,
            "content": self.content,
            "gaps": self.gaps,
            "redacted": list(self.redacted),
            **more,
        }

    @classmethod
    def from_payload(cls, payload: dict[str, Any]) -> "Document":
        """Rebuild a document from what :meth:`payload` gave."""
        return cls(
            resource_type=payload["type"],
            id=payload["id"],
            name=payload["name"],
            region=payload["region"],
            content=payload["content"],
            gaps=payload["gaps"],
            redacted=tuple(payload["redacted"]),
            pseudonymised=tuple(payload.get("pseudonymised", ())),
        )


@dataclass(slots=True)
class Report:
    """How a collection went: what an auditor needs to accept it as complete and accurate.

    Attributes:
        complete: the list was read to its end, so what is not in it does not exist.
        gaps: every call that could not be read.
        started, finished: RFC 3339 in UTC.
        provenance: calls with parameters, pages and items; principal; endpoints; clock skew;
            collector version and definition digest.
    """

    complete: bool = False
    gaps: list[Gap] = field(default_factory=list)
    started: str = ""
    finished: str = ""
    provenance: dict[str, Any] = field(default_factory=dict)

    def gaps_payload(self) -> list[dict[str, str]]:
        return [asdict(gap) for gap in self.gaps]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check on one resource.

    Attributes:
        check: the check's id.
        check_digest: SHA-256 of the check as it was applied, parameters included.
        resource_id: the resource, or "" where the check judges a whole scope or the resources
            could not be listed.
        outcome: what the check says.
        observed: path → value for the values that decided it.
        reason: one sentence, for ``unknown``, ``error`` and ``not_applicable``; else "".
        document: content hash of the document judged, or "".
    """

    check: str
    check_digest: str
    resource_id: str
    outcome: Outcome
    observed: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    document: str = ""
