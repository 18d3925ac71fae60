"""What the steps of verification share: the record under examination, and what was found."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from store.checkpoint_text import Checkpoint
from store.log_keys import LoggedKey
from store.note import Note
from store.record import Record
from store.retention import Removal, removal_of
from store.schema import blob
from store.verification.demands import Demands

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


class Ended(NamedTuple):
    """When something was needed no more: the moment (RFC 3339 in UTC) and the log entry that shows it."""

    at: str
    entry: int


@dataclass(slots=True)
class Verification:
    """What verification found.

    Attributes:
        size, root: of the log, recomputed from its entries; no root where entries cannot be read.
        keys: the keys that the log itself names, oldest first.
        trusted: whether signatures were held against keys from outside the store.
        signed_size, witnessed_size, stamped_size: of the newest checkpoint that is rightly signed, that
            has the quorum of witnesses, and that has a timestamp; 0 if there is none.
        timestamps, unstamped: how many there are, and how many checkpoints wait for one.
        held: (where, size) of the checkpoints from outside that the log begins with.
    """

    size: int = 0
    root: str = ""
    keys: list[str] = field(default_factory=list)
    trusted: bool = False
    signed_size: int = 0
    witnessed_size: int = 0
    stamped_size: int = 0
    timestamps: int = 0
    unstamped: int = 0
    held: list[tuple[str, int]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.problems


@dataclass(slots=True)
class Examination:
    """A record under examination.

    Attributes:
        entries: sequence number → body, of the entries that the log keeps itself.
        leaves: sequence number → (kind, leaf hash) of every entry.
        checkpoints: size → row.
        roots: size → root recomputed from the entries, at each size that something is said about.
        keys: the keys that the log names.
        notes: size → note, of the checkpoints that are rightly signed.
        held: (where, note, what it says) of checkpoints from outside.
        needed: hash → what needs a blob of that name, and when the need ended.
        tombstones: hash of a payload that retention let go → the acts of pruning that did.
        documents: hash → (type, id, name, region) of the resources that it is a document of.
        dictionaries: the compression dictionaries in use.
    """

    record: Record
    connection: sa.Connection
    demands: Demands = field(default_factory=Demands)
    result: Verification = field(default_factory=Verification)
    entries: dict[int, dict[str, Any]] = field(default_factory=dict)
    leaves: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    checkpoints: dict[int, Any] = field(default_factory=dict)
    roots: dict[int, bytes] = field(default_factory=dict)
    keys: list[LoggedKey] = field(default_factory=list)
    notes: dict[int, Note] = field(default_factory=dict)
    held: list[tuple[str, Note, Checkpoint]] = field(default_factory=list)
    needed: dict[bytes, tuple[str, Ended | None]] = field(default_factory=dict)
    tombstones: dict[bytes, list[Removal]] = field(default_factory=lambda: defaultdict(list))
    documents: dict[bytes, list[tuple[str, str, str, str]]] = field(default_factory=lambda: defaultdict(list))
    dictionaries: set[int | None] = field(default_factory=set)

    def problem(self, where: str, message: str) -> None:
        self.result.problems.append(Problem(where, message))

    @contextmanager
    def at(self, where: str) -> Iterator[None]:
        """Name what is so malformed that it cannot even be compared."""
        try:
            yield
        except _MALFORMED as error:
            self.problem(where, f"is malformed: {type(error).__name__}: {error}")

    def need(self, key: bytes, where: str, ended: Ended | None = None) -> None:
        """Say that a blob must be there.

        Args:
            ended: when the need for it ended; None if it has not.
        """
        known, before = self.needed.get(key, (where, ended))
        if before is None or ended is None:
            self.needed[key] = known, None
        else:
            self.needed[key] = known, Ended(max(before.at, ended.at), max(before.entry, ended.entry))

    def let_go(self, key: bytes, ended: Ended | None) -> bool:
        """Say whether retention may have let go a payload: it was needed no more when it was pruned."""
        return ended is not None and removal_of(self.tombstones.get(key, ()), *ended) is not None

    def bodies(self, kind: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Yield the kept entries of a kind, in the log's order."""
        for seq, body in self.entries.items():
            if body["kind"] == kind:
                yield seq, body

    def json(self, key: bytes) -> Any:
        """Return what a blob holds, or None where it is gone or damaged."""
        row = self.connection.execute(sa.select(blob).where(blob.c.hash == key)).first()
        if row is None:
            return None
        try:
            return orjson.loads(self.record.blobs.decompress(self.connection, row.dictionary_id, row.data))
        except ValueError:
            return None
