"""What the steps of verification share: the record under examination, and what was found."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import orjson
import sqlalchemy as sa

from store.record import Record
from store.schema import blob
from store.verification.log_examination import LogExamination, Problem, Verification

__all__ = ["Examination", "Problem", "Verification"]


@dataclass(slots=True)
class Examination(LogExamination):
    """A record under examination.

    Attributes:
        leaves: sequence number → (kind, leaf hash) of every entry.
        checkpoints: size → row.
        needed: hash → what needs a blob of that name, and until when; None is still now.
        tombstones: hash of a payload that retention let go → what had ended before then could be let go.
        documents: hash → (type, id, name, region) of the resources that it is a document of.
        dictionaries: the compression dictionaries in use.
    """

    record: Record = field(kw_only=True)
    connection: sa.Connection = field(kw_only=True)
    leaves: dict[int, tuple[str, bytes]] = field(default_factory=dict)
    checkpoints: dict[int, Any] = field(default_factory=dict)
    needed: dict[bytes, tuple[str, str | None]] = field(default_factory=dict)
    tombstones: dict[bytes, str] = field(default_factory=dict)
    documents: dict[bytes, list[tuple[str, str, str, str]]] = field(default_factory=lambda: defaultdict(list))
    dictionaries: set[int | None] = field(default_factory=set)

    def need(self, key: bytes, where: str, until: str | None = None) -> None:
        """Say that a blob must be there.

        Args:
            until: when the need for it ended, RFC 3339 in UTC; None if it has not.
        """
        known, ends = self.needed.get(key, (where, until))
        self.needed[key] = known, None if ends is None or until is None else max(ends, until)

    def let_go(self, key: bytes, until: str | None) -> bool:
        """Say whether retention may have let go a payload that was needed until then."""
        return until is not None and until < self.tombstones.get(key, "")

    def json(self, key: bytes) -> Any:
        """Return what a blob holds, or None where it is gone or damaged."""
        row = self.connection.execute(sa.select(blob).where(blob.c.hash == key)).first()
        if row is None:
            return None
        try:
            return orjson.loads(self.record.blobs.decompress(self.connection, row.dictionary_id, row.data))
        except ValueError:
            return None
