"""What the steps of verification share: the record under examination, and what was found."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import orjson
import sqlalchemy as sa

from store.record import Record
from store.retention import Removal, removal_of
from store.schema import blob
from store.verification.log_examination import LogExamination, Problem, Verification

__all__ = ["Examination", "Problem", "Verification"]


class Ended(NamedTuple):
    """When something was needed no more: the moment (RFC 3339 in UTC) and the log entry that shows it."""

    at: str
    entry: int


@dataclass(slots=True)
class Examination(LogExamination):
    """A record under examination.

    Attributes:
        leaves: sequence number → (kind, leaf hash) of every entry.
        checkpoints: size → row.
        needed: hash → what needs a blob of that name, and when the need ended.
        tombstones: hash of a payload that retention let go → the acts of pruning that did.
        documents: hash → (type, id, name, region) of the resources that it is a document of.
    """

    record: Record = field(kw_only=True)
    connection: sa.Connection = field(kw_only=True)
    leaves: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    checkpoints: dict[int, Any] = field(default_factory=dict)
    needed: dict[bytes, tuple[str, Ended | None]] = field(default_factory=dict)
    tombstones: dict[bytes, list[Removal]] = field(default_factory=lambda: defaultdict(list))
    documents: dict[bytes, list[tuple[str, str, str, str]]] = field(default_factory=lambda: defaultdict(list))

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

    def json(self, key: bytes) -> Any:
        """Return what a blob holds, or None where it is gone or damaged."""
        row = self.connection.execute(sa.select(blob).where(blob.c.hash == key)).first()
        if row is None:
            return None
        try:
            return orjson.loads(self.record.blobs.decompress(self.connection, row.dictionary_id, row.data))
        except ValueError:
            return None
