"""What people state for the record: attestations, waivers, exclusions, holds, and withdrawals of these."""

import datetime as dt
import re
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import cache
from typing import Annotated, Any, ClassVar, TypeAlias

from pydantic import AfterValidator, Field, TypeAdapter

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def _must_be_day(text: str) -> str:
    if not _DAY.fullmatch(text):
        raise ValueError(f"{text!r} is no date such as 2026-09-01")
    dt.date.fromisoformat(text)
    return text


def _must_be_day_or_empty(text: str) -> str:
    return text and _must_be_day(text)


Day: TypeAlias = Annotated[str, AfterValidator(_must_be_day)]
OptionalDay: TypeAlias = Annotated[str, AfterValidator(_must_be_day_or_empty)]
Sha256: TypeAlias = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True)
class AttachedFile:
    """A file that a statement brings.

    Attributes:
        sha256: of its bytes, by which it is kept.
        media_type: what it was said to be; nothing relies on it.
    """

    sha256: Sha256
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
    valid_from: Day
    valid_until: Day
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
    valid_from: Day
    valid_until: Day


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
    valid_from: Day
    valid_until: OptionalDay = ""


@dataclass(frozen=True, slots=True)
class Hold:
    """A legal hold: while it is in force, nothing is pruned."""

    KIND: ClassVar = "hold"

    reason: str
    approver: str
    valid_from: Day
    valid_until: OptionalDay = ""


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
        pruned_before: where retention let it go, the moment before which it had ended; else "".
    """

    entry: int
    at: str
    kind: str
    digest: str
    filed_by: str
    statement: Statement | None
    withdrawn: str = ""
    withdrawn_by: int | None = None
    pruned_before: str = ""

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

    def may_have_counted(self, since: str) -> bool:
        """Say whether it is not known any more if it counted at some time from a moment on.

        Args:
            since: RFC 3339 in UTC.
        """
        if self.statement is not None or self.kind in (Hold.KIND, Withdrawal.KIND):
            return False
        return since < min(filter(None, (self.withdrawn, self.pruned_before)), default=since)

    @property
    def begun(self) -> str:
        """From when on it can count, RFC 3339 in UTC: it does not reach back before it was filed."""
        if self.statement is None or isinstance(self.statement, Withdrawal):
            return self.at
        return max(self.at, f"{self.statement.valid_from}T00:00:00.000Z")

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


def read_payload(value: Any) -> tuple[Statement, str]:
    """Return a statement and who filed it.

    Raises:
        ValueError: it is not what :func:`payload` gives.
    """
    try:
        statement = _reader(value["kind"]).validate_python(value["says"])
        filed_by, nonce = value["filed_by"], value["nonce"]
    except (KeyError, TypeError) as error:
        raise ValueError(f"a statement is malformed: {error}") from error
    if not isinstance(filed_by, str) or payload(statement, filed_by, nonce) != value:
        raise ValueError("it has other keys or values than a statement of its kind")
    return statement, filed_by


@cache
def _reader(kind: str) -> TypeAdapter[Statement]:
    return TypeAdapter(_KINDS[kind])


def _day_after(day: str) -> str:
    if not day or day == dt.date.max.isoformat():
        return ""
    return f"{dt.date.fromisoformat(day) + dt.timedelta(days=1)}T00:00:00.000Z"
