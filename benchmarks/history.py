"""A simulated year of daily runs over 10,000 resources of which 1 % change a day: what asking costs.

The baselines are what interval queries took on bare tables, with nothing read but the rows: one
resource at a moment 1 ms, the whole state at a moment 48 ms, a difference over 30 runs 16 ms.
"""

import datetime as dt
import random
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks import measure, synthetic
from store import query
from store.coverage import Period, coverage
from store.difference import document_changes, finding_changes, resource_changes
from store.evidence import evidence
from store.history import history
from store.record import Record

_COUNT = 10_000
_SIZE = 1_000
_DAYS = 365
_CHANGED = _COUNT // 100
_FIRST = dt.date(2026, 1, 1)
_HALFWAY, _LATER = "2026-07-02T23:59:59.999Z", "2026-08-01T23:59:59.999Z"
_ONE = f"arn:bench:{_COUNT // 2:08d}"
_ROUNDS = 5


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        build(path)
        with Record.open(path) as record:
            ask(record)


def build(path: Path) -> None:
    """Fill a store with the year, and say what it takes."""
    now = [dt.datetime.combine(_FIRST, dt.time(6), dt.UTC)]

    def clock() -> dt.datetime:
        now[0] += dt.timedelta(seconds=1)
        return now[0]

    chance = random.Random(27001)
    documents = list(synthetic.documents(_COUNT, _SIZE))
    took = []
    with Record.writer(path, clock) as record:
        for day in range(_DAYS):
            now[0] = dt.datetime.combine(_FIRST + dt.timedelta(days=day), dt.time(6), dt.UTC)
            if day:
                for number in chance.sample(range(_COUNT), _CHANGED):
                    documents[number] = synthetic.document(number, _SIZE, seed=day)
            took.append(measure.call(lambda: synthetic.run(record, documents)).wall_s)
            if day == 0:
                first_size = record.size()
        year = record.size()
        synthetic.run(record, documents)
        grown = record.size() - year
    measure.note(
        f"first run {first_size / 1e6:.1f} MB, {took[0]:.2f} s; with 1 % changed "
        f"{(year - first_size) / (_DAYS - 1) / 1e3:.0f} KB, {median(took[1:]):.2f} s; "
        f"the year {year / 1e6:.1f} MB; an unchanged run {grown / 1e3:.1f} KB"
    )


def ask(record: Record) -> None:
    """Print what each question takes."""
    halfway = "whole state at a moment:"
    for label, baseline, question in (
        ("one resource at a moment", 0.001, lambda: evidence(record, _ONE, _HALFWAY)),
        (f"{halfway} resources", 0.048, lambda: list(query.resources(record, _HALFWAY))),
        ("whole state now: resources", 0.048, lambda: list(query.resources(record))),
        (f"{halfway} 50,000 findings, counted", 0.048, lambda: list(query.tallies(record, _HALFWAY))),
        (f"{halfway} 50,000 findings, each", 0.048, lambda: list(query.findings(record, _HALFWAY))),
        ("30-run difference: resources", 0.016, lambda: list(resource_changes(record, _HALFWAY, _LATER))),
        ("30-run difference: findings", 0.016, lambda: list(finding_changes(record, _HALFWAY, _LATER))),
    ):
        measure.line(label, _time(question), baseline)
    measure.note("without a baseline:")
    changed = [row for row in resource_changes(record, _HALFWAY, _LATER) if row.change == "changed"]
    paths = _time(lambda: [document_changes(record, row.before, row.after) for row in changed])
    measure.note(f"  paths that changed in {len(changed)} documents: {paths * 1000:.1f} ms")
    measure.note(f"  history of one resource: {_time(lambda: history(record, _ONE)) * 1000:.2f} ms")
    for label, last in (("month", dt.date(2026, 1, 31)), ("year", dt.date(2026, 12, 31))):
        seconds = _time(lambda: coverage(record, Period(_FIRST, last)))  # noqa: B023
        measure.note(f"  coverage of a {label}: {seconds * 1000:.1f} ms")


def _time(function: Callable[[], object]) -> float:
    return median(measure.call(function).wall_s for _ in range(_ROUNDS))
