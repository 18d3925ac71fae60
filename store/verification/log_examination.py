"""The log under examination, and what was found: what verifying a store and verifying a pack share."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from store.checkpoint_text import Checkpoint
from store.log_keys import LoggedKey
from store.note import Note
from store.verification.demands import Demands, Held

_MALFORMED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that does not fit.

    Attributes:
        where: what is affected, e.g. ``log entry 12`` or ``blob 3f…``.
        message: what does not fit.
    """

    where: str
    message: str


@dataclass(slots=True)
class Verification:
    """What verification found.

    Attributes:
        size, root: of the log, recomputed from its entries; no root where entries cannot be read.
        keys: the keys that the log itself names, oldest first.
        trusted: whether signatures were held against keys from outside the store.
        signed_size, witnessed_size, stamped_size: of the newest checkpoint that is rightly signed, that
            has the quorum of witnesses, and that has a timestamp; 0 if there is none.
        witnessed_at: when the quorum had seen that checkpoint by its own clocks, RFC 3339 in UTC, or "".
        unwitnessed: where a quorum is asked for, how many signed checkpoints there are since then.
        timestamps: how many there are.
        stamps_trusted: whether they were held against certificates from outside the store.
        unstamped: how many signed checkpoints there are after the newest one that has a timestamp.
        held: (where, size) of the checkpoints from outside that the log begins with.
    """

    size: int = 0
    root: str = ""
    keys: list[str] = field(default_factory=list)
    trusted: bool = False
    signed_size: int = 0
    witnessed_size: int = 0
    witnessed_at: str = ""
    unwitnessed: int = 0
    stamped_size: int = 0
    timestamps: int = 0
    stamps_trusted: bool = False
    unstamped: int = 0
    held: list[tuple[str, int]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(slots=True)
class LogExamination:
    """A log under examination.

    Attributes:
        entries: sequence number → body, of the entries that are not collections.
        roots: size → root recomputed from the entries, at each size that something is said about.
        keys: the keys that the log names.
        notes: size → note, of the checkpoints that are rightly signed.
        kept: size → note, of every checkpoint that is kept signed, rightly or not.
        held: checkpoints from outside, each with its note and what that says.
    """

    demands: Demands = field(default_factory=Demands)
    result: Verification = field(default_factory=Verification)
    entries: dict[int, dict[str, Any]] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict)
    keys: list[LoggedKey] = field(default_factory=list)
    notes: dict[int, Note] = field(default_factory=dict)
    kept: dict[int, Note] = field(default_factory=dict)
    held: list[tuple[Held, Note, Checkpoint]] = field(default_factory=list)

    def problem(self, where: str, message: str) -> None:
        self.result.problems.append(Problem(where, message))

    @contextmanager
    def at(self, where: str) -> Iterator[None]:
        """Name what is so malformed that it cannot even be compared."""
        try:
            yield
        except _MALFORMED as error:
            self.problem(where, f"is malformed: {type(error).__name__}: {error}")

    def bodies(self, kind: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the entries of a kind, in the log's order."""
        for seq, body in self.entries.items():
            if body["kind"] == kind:
                yield seq, body
