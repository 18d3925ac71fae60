"""What the steps of verifying a pack share: the pack under examination, and what was found."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from store.canonical import canonical
from store.pack import layout
from store.pack.archive import Archive
from store.pack.contents import Selection
from store.pack.manifest import Manifest
from store.pack.replayed import Collected, Ended, Replayed
from store.proof import HASH_SIZE
from store.verification.log_examination import LogExamination

SeriesKey = tuple[str, str, str, str]
"""Provider, scope, resource type, region."""


@dataclass(frozen=True, slots=True)
class Needed:
    """Why a payload must be in the pack.

    Attributes:
        where: what needs it.
        ended: when the need for it ended, at the earliest; None if it has not.
    """

    where: str
    ended: Ended | None


@dataclass(frozen=True, slots=True)
class Series:
    """A series of the selection: all its collections in the log, and those that are replayed."""

    key: SeriesKey
    collections: tuple[Collected, ...]
    replayed: Replayed

    @property
    def label(self) -> str:
        provider, scope, resource_type, region = self.key
        return " ".join(filter(None, (resource_type or "scope", "in", provider, scope, region)))


@dataclass(slots=True)
class PackExamination(LogExamination):
    """A pack under examination.

    Attributes:
        digests: file → SHA-256 of its bytes, in hexadecimal, of the files that could be read.
        leaves: the leaf hashes of the log, one behind the other.
        collections: series of the selection → its collections, in the log's order.
        series: those of them that had been collected by the end of the period, as the pack numbers them.
        checks: digest → check as it was applied.
        documents: SHA-256 of a document → what needs it.
        reports: SHA-256 of a report → what needs it.
        rests: entries of the log that something shown rests on.
        tombstones: what retention let go → the entry that says so, and what had ended before could go.
        shown: findings whose details the pack shows.
        standing: findings that stand at the end of the period on the checks of the selection.
        filed: statements that were filed by the end of the period.
    """

    archive: Archive = field(kw_only=True)
    manifest: Manifest = field(kw_only=True)
    selection: Selection = field(kw_only=True)
    digests: dict[str, str] = field(default_factory=dict)
    leaves: bytearray = field(default_factory=bytearray)
    collections: dict[SeriesKey, list[Collected]] = field(default_factory=dict)
    series: list[Series] = field(default_factory=list)
    checks: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    documents: dict[str, Needed] = field(default_factory=dict)
    reports: dict[str, Needed] = field(default_factory=dict)
    rests: set[int] = field(default_factory=set)
    tombstones: dict[str, list[Ended]] = field(default_factory=dict)
    shown: int = 0
    standing: int = 0
    filed: int = 0
    rows: int = 0

    @property
    def size(self) -> int:
        return len(self.leaves) // HASH_SIZE

    def leaf(self, seq: int) -> bytes:
        """Return the leaf hash of an entry."""
        return bytes(self.leaves[seq * HASH_SIZE : (seq + 1) * HASH_SIZE])

    def under(self, folder: str) -> list[str]:
        """Return the pack's files below a folder, in order."""
        return sorted(name for name in self.archive.names if name.startswith(f"{folder}/"))

    def let_go(self, key: str, ended: Ended | None) -> bool:
        """Say whether retention may have let go a payload: it was needed no more when it was pruned."""
        return ended is not None and any(
            ended.entry < act.entry and ended.at < act.at for act in self.tombstones.get(key, ())
        )

    def need(self, wanted: dict[str, Needed], key: str, where: str, ended: Ended | None) -> None:
        """Say that a payload must be there."""
        known = wanted.setdefault(key, Needed(where, ended))
        if known.ended is None or ended is None:
            wanted[key] = Needed(known.where, None)
        else:
            latest = Ended(max(known.ended.at, ended.at), max(known.ended.entry, ended.entry))
            wanted[key] = Needed(known.where, latest)

    def check_body(self, digest: str, check: str) -> dict[str, Any] | None:
        """Return a check as it was applied, or None where the pack does not have it."""
        if digest not in self.checks:
            self.checks[digest] = None
            name = layout.check(digest)
            if self.digests.get(name) != digest:
                self.problem(name, f"is missing or changed; {check} was judged by it")
            else:
                with self.at(name):
                    self.checks[digest] = dict(orjson.loads(self.archive.read(name)))
        body = self.checks[digest]
        if body is not None and body.get("id") != check:
            self.problem(layout.check(digest), f"is not {check}")
            return None
        return body


def json_lines(x: PackExamination, name: str) -> Iterator[dict[str, Any]]:
    """Yield the lines of a file; it is named where one is not canonical, or says what nothing proves."""
    if name not in x.archive:
        return
    with x.at(name):
        for line in x.archive.lines(name):
            value = orjson.loads(line)
            if not isinstance(value, dict):
                raise TypeError("a line is no object")
            if value.keys() not in layout.KEYS[name]:
                raise ValueError("a line has other keys than its file has")
            if canonical(value) != line:
                raise ValueError("a line is not canonical JSON")
            yield value
