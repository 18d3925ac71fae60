"""What people state for the record: attestations, waivers, exclusions, holds, and withdrawals of these."""

import datetime as dt
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any, ClassVar, TypeAlias


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file that a statement brings.

    Attributes:
        sha256: of its bytes, by which it is kept.
        media_type: what it was said to be; nothing relies on it.
    """

    sha256: str
    bytes: int
    name: str
    media_type: str


@dataclass(frozen=True, slots=True)
class Attestation:
    """Evidence that only a person can give that a control is met.

    Attributes:
        says: what is attested, in the owner's words.
        valid_from, valid_until: ISO dates in UTC, both included.
    """

    KIND: ClassVar = "attestation"

    control: str
    owner: str
    says: str
    valid_from: str
    valid_until: str
    files: tuple[AttachedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class Waiver:
    """A failure that somebody accepts for a while. It hides nothing: the finding still fails.

    Attributes:
        check: the check's id.
        provider, scope, resource: what it is accepted for; empty means all of them.
    """

    KIND: ClassVar = "waiver"

    check: str
    provider: str
    scope: str
    resource: str
    reason: str
    approver: str
    valid_from: str
    valid_until: str


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A control that does not apply to the organisation, for the Statement of Applicability.

    Attributes:
        valid_until: empty where it holds until it is withdrawn.
    """

    KIND: ClassVar = "exclusion"

    control: str
    justification: str
    approver: str
    valid_from: str
    valid_until: str = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold: while it is in force, nothing is pruned."""

    KIND: ClassVar = "hold"

    reason: str
    approver: str
    valid_from: str
    valid_until: str = ""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The end of an earlier statement, before its time."""

    KIND: ClassVar = "withdrawal"

    entry: int
    reason: str
    approver: str


Statement: TypeAlias = Attestation | Waiver | Exclusion | Hold | Withdrawal

_KINDS: dict[str, type[Statement]] = {
    kind.KIND: kind for kind in (Attestation, Waiver, Exclusion, Hold, Withdrawal)
}
STATEMENT_KINDS = frozenset(_KINDS)


class State(StrEnum):
    """Whether a statement counts at some moment."""

    IN_FORCE = "in_force"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"
    PRUNED = "pruned"


@dataclass(frozen=True, slots=True)
class Filed:
    """A statement as the record holds it.

    Attributes:
        entry: its entry in the log, by which it is named.
        at: when it was filed, RFC 3339 in UTC.
        filed_by: the account that filed it, which need not be who stands for it.
        digest: SHA-256 of its payload.
        statement: None where retention let it go.
        withdrawn: when it was withdrawn, or "".
        withdrawn_by: the entry that withdrew it, or None.
    """

    entry: int
    at: str
    kind: str
    digest: str
    filed_by: str
    statement: Statement | None
    withdrawn: str = ""
    withdrawn_by: int | None = None

    def state(self, at: str) -> State:
        """Say whether it counts at a moment.

        Args:
            at: RFC 3339 in UTC; validity is by days in UTC.
        """
        if self.statement is None:
            return State.PRUNED
        if self.withdrawn and self.withdrawn <= at:
            return State.WITHDRAWN
        if isinstance(self.statement, Withdrawal):
            return State.IN_FORCE
        day = at[:10]
        if day < self.statement.valid_from or at < self.at:
            return State.NOT_YET
        if self.statement.valid_until and day > self.statement.valid_until:
            return State.EXPIRED
        return State.IN_FORCE

    @property
    def ended(self) -> str:
        """From when on it can no longer count, RFC 3339 in UTC, or "" while it may."""
        if self.statement is None or isinstance(self.statement, Withdrawal):
            return self.withdrawn
        return min(filter(None, (self.withdrawn, _day_after(self.statement.valid_until))), default="")


def payload(statement: Statement, filed_by: str, nonce: str) -> dict[str, Any]:
    """Return the JSON value that is hashed and kept.

    Args:
        nonce: chance, so that nobody can guess from the hash what was said once it is pruned.
    """
    said = asdict(statement)
    if isinstance(statement, Attestation):
        said["files"] = [asdict(file) for file in statement.files]
    return {"kind": statement.KIND, "nonce": nonce, "filed_by": filed_by, "says": said}


def read_payload(value: dict[str, Any]) -> tuple[Statement, str]:
    """Return a statement and who filed it.

    Raises:
        ValueError: it is malformed.
    """
    try:
        kind, said = _KINDS[value["kind"]], dict(value["says"])
        if set(value) != {"kind", "nonce", "filed_by", "says"} or set(said) != {f.name for f in fields(kind)}:
            raise ValueError("it has other keys than a statement of its kind")
        if kind is Attestation:
            said["files"] = tuple(AttachedFile(**file) for file in said["files"])
        return kind(**said), value["filed_by"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"a statement is malformed: {error}") from error


def _day_after(day: str) -> str:
    return f"{dt.date.fromisoformat(day) + dt.timedelta(days=1)}T00:00:00.000Z" if day else ""
