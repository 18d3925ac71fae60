"""What a pack holds, as plain values: chosen from the record, written as data, and shown as pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from store.coverage import Coverage, Period
from store.model import Gap, Outcome
from store.query import CollectionRow
from store.statement import Filed


@dataclass(frozen=True, slots=True)
class Sample:
    """How items are drawn from each check's population.

    Attributes:
        number: how many; all, where the population is not larger.
        seed: the same seed over the same record draws the same items.
    """

    number: int
    seed: str


@dataclass(frozen=True, slots=True)
class Selection:
    """What goes into a pack.

    Attributes:
        controls: only checks and statements that bear on one of these; empty means all.
        providers, scopes: only these; empty means all.
    """

    period: Period
    controls: frozenset[str] = frozenset()
    providers: frozenset[str] = frozenset()
    scopes: frozenset[str] = frozenset()
    sample: Sample | None = None


@dataclass(frozen=True, slots=True)
class PackedFinding:
    """A finding that held at some time of the period.

    Attributes:
        check_digest: names the check as it was applied.
        observed, reason: what decided it; None where retention let it go.
        document: SHA-256 of the document judged, or "".
        first_seen: since when this outcome holds.
        ended: when a collection found otherwise, within the period; "" if it stood at its end.
        opened: the collection (log entry) that it was first logged with, maybe before the period.
        proven: the newest collection of the period (log entry) whose findings root it is in.
    """

    check: str
    check_digest: str
    outcome: Outcome
    observed: dict[str, Any] | None
    reason: str | None
    document: str
    provider: str
    scope: str
    region: str
    resource_type: str
    resource_id: str
    resource_name: str
    first_seen: str
    ended: str
    opened: int
    proven: int


@dataclass(frozen=True, slots=True)
class Population:
    """What a check was applied to at the end of the period, and how much of it is in the pack.

    Attributes:
        total: findings that stood and were not ``not_applicable``.
        not_applicable: those that were; nothing is drawn from them.
        outcomes: outcome → how many stood.
        packed: how many of ``total`` the pack shows.
    """

    check: str
    total: int
    not_applicable: int
    outcomes: Mapping[str, int]
    packed: int


@dataclass(frozen=True, slots=True)
class PackedCollection:
    """A collection that something in the pack rests on.

    Attributes:
        report: SHA-256 of its report, a file of the pack unless retention let it go.
    """

    row: CollectionRow
    report: str
    provenance: dict[str, Any] | None
    gaps: tuple[Gap, ...]


@dataclass(slots=True)
class Contents:
    """Everything that pages need.

    Attributes:
        as_of: the end of the period, or the newest checkpoint's moment if that is earlier.
        checks: digest → check as it was applied.
        collections: log entry → collection, of those that findings and documents point at.
        documents: SHA-256 of a document → log entry of the collection that it is proven by.
        pruned: SHA-256 of what retention let go → the log entry that says so.
        statements: those that counted at some time of the period, and withdrawals of them.
        checkpoints: sizes of the signed checkpoints in the pack; the last one covers all of it.
        stamped: those of them that have a timestamp.
    """

    origin: str
    store_id: str
    selection: Selection
    as_of: str
    coverage: Coverage
    checks: dict[str, dict[str, Any]] = field(default_factory=dict)
    findings: list[PackedFinding] = field(default_factory=list)
    populations: list[Population] = field(default_factory=list)
    collections: dict[int, PackedCollection] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)
    pruned: dict[str, int] = field(default_factory=dict)
    statements: list[Filed] = field(default_factory=list)
    checkpoints: list[int] = field(default_factory=list)
    stamped: list[int] = field(default_factory=list)
