"""Rows of ``annexa people changes``. Their keys are a contract: see ``docs/output.md``."""

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from annexa.output import Row
from mappings.movements import List, Step, movements
from mappings.person import PERSON
from store.record import Record
from store.versions import PeriodVersion, Seen, first_complete_runs, versions


@dataclass(slots=True)
class Changes:
    """What happened to people in a period.

    Attributes:
        rows: by time.
        pruned: how many versions retention let go; what they would tell is not in the rows.
    """

    rows: list[Row] = field(default_factory=list)
    pruned: int = 0


def people_changes(record: Record, since: str, until: str | None) -> Changes:
    """Work out who joined, moved and left, and gained or lost access, between two moments.

    Args:
        since, until: RFC 3339 in UTC with milliseconds; None is now.
    """
    result = Changes()
    first_runs = first_complete_runs(record)
    found = versions(record, PERSON, since, until)
    for person, own in itertools.groupby(found, key=attrgetter("resource_id")):
        each = list(own)
        result.pruned += sum(version.document is None for version in each)
        result.rows += _rows(person, each, first_runs)
    result.rows.sort(key=lambda row: (row["at"], row["name"], row["person"]))
    return result


def _rows(person: str, each: list[PeriodVersion], first_runs: Mapping[List, int]) -> list[Row]:
    told = list(_steps(each, first_runs))
    rows: list[Row] = []
    gone: list[Row] = []
    for number, movement in movements(step for step, _, _ in told):
        step, seen, version = told[number]
        assert seen is not None, "nothing is told of what stood before"
        left = movement.change == "left"
        row: Row = {
            "at": seen.at,
            "after": seen.after,
            "person": person,
            "name": version.name,
            "change": movement.change,
            "provider": movement.provider,
            "from": movement.before,
            "to": movement.after,
            "active_in": list(movement.active) if left else [],
            "access_ended": None,
            "document": version.hash if step.content is not None else "",
            "entry": seen.entry,
        }
        rows.append(row)
        gone = [*gone, row] if left else [] if movement.change == "returned" else gone
        if not movement.active:
            for earlier in gone:
                earlier["access_ended"] = seen.at
            gone = []
    return rows


def _steps(
    each: list[PeriodVersion], first_runs: Mapping[List, int]
) -> Iterator[tuple[Step, Seen | None, PeriodVersion]]:
    """Yield each step, when it was seen, and the version that names it."""
    if each[0].new:
        yield Step(None), None, each[0]
    for version, following in itertools.zip_longest(each, each[1:]):
        new = frozenset(key for key, run in first_runs.items() if run == version.run)
        document = version.document
        step = Step(document.content if document else None, new, known=document is not None)
        yield step, version.began if version.new else None, version
        ended = version.ended
        if ended is not None and (following is None or following.began.entry != ended.entry):
            yield Step(None), ended, version
