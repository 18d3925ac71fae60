"""Which collections of a series a pack replays, so that what stood in its period is proven."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from store.coverage import Period


@dataclass(frozen=True, slots=True)
class Collected:
    """A collection as its entry in the log states it; hashes are raw bytes.

    Attributes:
        seq: its entry.
        content, findings: roots.
        manifest: SHA-256 of what an incomplete collection did see; None for complete ones.
    """

    seq: int
    finished: str
    complete: bool
    resources: int
    gaps: int
    content: bytes
    findings: bytes
    report: bytes
    manifest: bytes | None

    @classmethod
    def of(cls, seq: int, entry: dict[str, Any]) -> "Collected":
        """Read an entry of the kind ``collection``.

        Raises:
            KeyError, TypeError, ValueError: it is malformed.
        """
        manifest = entry["manifest"]
        return cls(
            seq=seq,
            finished=entry["finished"],
            complete=entry["complete"] is True,
            resources=entry["resources"],
            gaps=entry["gaps"],
            content=bytes.fromhex(entry["content"]),
            findings=bytes.fromhex(entry["findings"]),
            report=bytes.fromhex(entry["report"]),
            manifest=None if manifest is None else bytes.fromhex(manifest),
        )


@dataclass(frozen=True, slots=True)
class Replayed:
    """The collections of a series that a pack replays, in the log's order.

    The first one is the last complete one by the beginning of the period, or the very first if there
    was none: a complete collection proves of each resource that stood that it was seen.

    Attributes:
        before: the entry of the last collection by the beginning of the period; -1 if there was none.
        following: when the next collection after the last one was finished, or "" if there is none.
    """

    collections: tuple[Collected, ...]
    before: int
    following: str

    @property
    def first(self) -> int:
        return self.collections[0].seq

    @property
    def last(self) -> int:
        return self.collections[-1].seq

    def in_period(self, closed: int | None) -> bool:
        """Say whether a row that was closed by this entry stood at some time of the period."""
        return closed is None or closed > self.before

    def finished(self, seq: int) -> str:
        """Return when one of them was finished."""
        return {one.seq: one.finished for one in self.collections}[seq]

    def newest(self, closed: int | None) -> int:
        """Return the last collection that left a row standing which was closed by this entry."""
        if closed is None:
            return self.last
        return max(one.seq for one in self.collections if one.seq < closed)


def replayed(collections: Sequence[Collected], period: Period) -> Replayed | None:
    """Choose from all collections of a series, in the log's order; None if it had none by then."""
    low = high = -1
    for number, one in enumerate(collections):
        if one.finished <= period.before:
            low = number
        if one.finished <= period.end:
            high = number
    if high < 0:
        return None
    first = max(low, 0)
    while first > 0 and not collections[first].complete:
        first -= 1
    following = collections[high + 1].finished if high + 1 < len(collections) else ""
    return Replayed(tuple(collections[first : high + 1]), collections[low].seq if low >= 0 else -1, following)
