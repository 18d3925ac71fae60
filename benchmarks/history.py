"""A simulated year of daily runs over 10,000 resources: what keeping it and asking it cost.

Every figure stands next to the same thing done on bare interval tables (:mod:`benchmarks.bare`),
measured in the same run. Times are of CPU, which other work on the machine disturbs least.
"""

import datetime as dt
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean, median

from benchmarks import measure, year
from benchmarks.bare import merkle_root
from benchmarks.figure import Figure
from benchmarks.packing import packing, write
from store import query
from store.coverage import Period, coverage
from store.difference import document_changes, finding_changes, resource_changes
from store.evidence import evidence
from store.history import history
from store.record import Record
from store.tallies import tallies
from store.tree import leaf_hash, root_of
from store.verify import Verification, verify

_ROUNDS = 5
_LONG_S = 2.0
_LEAVES = 1 << 17
_RUNS = 30
_ASKED = """
import sys
from pathlib import Path
from benchmarks import history
history.ask_once(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
"""


def main(resources: int = 10_000, days: int = 365) -> None:
    """Print the figures."""
    measure.note(f"{resources:,} resources, {days} daily runs, 1 % changed a day, 5 checks each; CPU time")
    with tempfile.TemporaryDirectory() as folder:
        built = year.build(Path(folder), resources, days)
        for figure in figures(built):
            measure.line(*figure)
        wall, cpu = sum(run.wall_s for run in built.ours), sum(run.cpu_s for run in built.ours)
        measure.note(f"all runs together: {wall:.0f} s of wall clock, {cpu:.0f} s of CPU")


def figures(built: year.Built) -> Iterator[Figure]:
    """Yield everything that is measured of a record."""
    yield from keeping(built)
    with Record.open(built.path) as record:
        yield from asking(built, record)
        yield from verifying(built, record)
    yield hashing()
    yield from packing(built)
    yield from memory(built)


def keeping(built: year.Built) -> Iterator[Figure]:
    """Yield what the runs took and added."""
    changed, unchanged = slice(1, built.days), slice(built.days, None)
    yield Figure("store, all of it", sum(built.grown) / 1e6, sum(built.floor_grown) / 1e6, "MB")
    yield Figure("first run", built.ours[0].cpu_s, built.floor[0].cpu_s, "s")
    for label, runs in (("run with 1 % changed", changed), ("unchanged run", unchanged)):
        if built.ours[runs]:
            ours, floor = (median(run.cpu_s for run in some[runs]) for some in (built.ours, built.floor))
            yield Figure(label, ours * 1000, floor * 1000, "ms")
            added, bare = (mean(some[runs]) / 1000 for some in (built.grown, built.floor_grown))
            yield Figure(f"{label}: added", added, bare, "KB")


def asking(built: year.Built, record: Record) -> Iterator[Figure]:
    """Yield what each question takes."""
    bare, low, high = built.bare, *_moments(built.days)
    since, until = year.at(low), year.at(high)
    difference = f"{high - low}-run difference"
    questions: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
        (
            "one resource at a moment",
            lambda: evidence(record, built.one, since),
            lambda: bare.one(built.one, low),
        ),
        ("history of one resource", lambda: history(record, built.one), lambda: bare.versions(built.one)),
        ("whole state at a moment", lambda: list(query.resources(record, since)), lambda: bare.state(low)),
        ("whole state now", lambda: list(query.resources(record)), lambda: bare.state(built.days + 1)),
        (
            "findings at a moment, counted",
            lambda: list(tallies(record, since)),
            lambda: bare.counted(low),
        ),
        (
            "findings at a moment, each",
            lambda: list(query.findings(record, since)),
            lambda: bare.findings(low),
        ),
        (
            f"{difference}: resources",
            lambda: list(resource_changes(record, since, until)),
            lambda: bare.resource_changes(low, high),
        ),
        (
            f"{difference}: findings",
            lambda: list(finding_changes(record, since, until)),
            lambda: bare.finding_changes(low, high),
        ),
        (
            f"{difference}: both, and what changed within",
            lambda: _difference(record, since, until),
            lambda: bare.changed_documents(low, high),
        ),
        (
            f"coverage of {high - low} days",
            lambda: coverage(record, _period(low + 1, high)),
            lambda: bare.coverage(low + 1, high),
        ),
        (
            f"coverage of {built.days} days",
            lambda: coverage(record, _period(1, built.days)),
            lambda: bare.coverage(1, built.days),
        ),
    ]
    for label, ours, floor in questions:
        yield Figure(label, _ms(ours), _ms(floor), "ms")


def verifying(built: year.Built, record: Record) -> Iterator[Figure]:
    """Yield what verification takes, against hashing every row and blob once, without replaying."""
    number = built.bare.hash_everything()
    floor = measure.call(built.bare.hash_everything).cpu_s
    found: list[Verification] = []
    ours = measure.call(lambda: found.append(verify(record))).cpu_s
    if not found[0].ok:
        raise SystemExit(f"the record does not verify: {found[0].problems[:3]}")
    yield Figure("verify", ours, floor, "s")
    yield Figure("verify: thousand records a second", number / ours / 1e3, number / floor / 1e3, "")


def hashing() -> Figure:
    """Return how fast Merkle roots are made, entries hashed too, against joining leaf hashes only."""
    entries = [f"{number:064x}".encode() for number in range(_LEAVES)]
    leaves = [leaf_hash(entry) for entry in entries]
    if root_of(entries) != merkle_root(leaves):
        raise SystemExit("the roots differ")
    ours = _LEAVES / _ms(lambda: root_of(entries))
    floor = _LEAVES / _ms(lambda: merkle_root(leaves))
    return Figure("Merkle root: thousand leaves a second", ours, floor, "")


def memory(built: year.Built) -> Iterator[Figure]:
    """Yield the peak memory of processes that ask, against one that lists the last collections."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    peaks = {
        what: measure.process([sys.executable, "-c", _ASKED, str(built.path), what, str(built.days)], env)
        for what in ("nothing", "difference", "coverage", "verify", "pack")
    }
    for what in ("difference", "coverage", "verify", "pack"):
        yield Figure(f"peak memory: {what}", peaks[what].peak_mb, peaks["nothing"].peak_mb, "MB")


def ask_once(path: Path, what: str, days: int) -> None:
    """Ask one question of a store, for :func:`memory`."""
    low, high = _moments(days)
    with Record.open(path) as record:
        asked: dict[str, Callable[[], object]] = {
            "nothing": lambda: list(query.latest_collections(record)),
            "difference": lambda: _difference(record, year.at(low), year.at(high)),
            "coverage": lambda: coverage(record, _period(1, days)),
            "verify": lambda: verify(record),
            "pack": lambda: write(path, path.with_name("again.zip"), days),
        }
        asked[what]()


def _moments(days: int) -> tuple[int, int]:
    """Return two days in the middle that are 30 runs apart, or as far as the days allow."""
    low = max(1, min(days // 2, days - _RUNS))
    return low, min(low + _RUNS, days)


def _difference(record: Record, since: str, until: str) -> None:
    for _ in finding_changes(record, since, until):
        pass
    for row in resource_changes(record, since, until):
        if row.change == "changed":
            document_changes(record, row.before, row.after)


def _period(first: int, last: int) -> Period:
    return Period(year.FIRST + dt.timedelta(days=first - 1), year.FIRST + dt.timedelta(days=last - 1))


def _ms(function: Callable[[], object]) -> float:
    first = measure.call(function).cpu_s
    rounds = _ROUNDS if first < _LONG_S else 1
    return median(measure.call(function).cpu_s for _ in range(rounds)) * 1000
