"""A simulated year of daily runs over 10,000 resources: what keeping it and asking it cost.

Every figure stands next to the same thing done on bare interval tables (:mod:`benchmarks.bare`),
measured in the same run. Times are of CPU, which other work on the machine disturbs least.
"""

import datetime as dt
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median

from benchmarks import measure, year
from benchmarks.bare import merkle_root
from store import query
from store.coverage import Period, coverage
from store.difference import document_changes, finding_changes, resource_changes
from store.evidence import evidence
from store.history import history
from store.record import Record
from store.tree import leaf_hash, root_of
from store.verify import verify

_ROUNDS = 5
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
        keeping(built)
        with Record.open(built.path) as record:
            asking(built, record)
            verifying(built, record)
        hashing()
        memory(built)


def keeping(built: year.Built) -> None:
    """Print what the runs took and added."""
    changed, unchanged = slice(1, built.days), slice(built.days, None)
    measure.line("store, all of it", sum(built.grown) / 1e6, sum(built.floor_grown) / 1e6, "MB")
    measure.line("first run", built.ours[0].cpu_s, built.floor[0].cpu_s)
    for label, runs in (("run with 1 % changed", changed), ("unchanged run", unchanged)):
        if built.ours[runs]:
            ours, floor = (median(run.cpu_s for run in some[runs]) for some in (built.ours, built.floor))
            measure.line(label, ours * 1000, floor * 1000, "ms")
            added, bare = (mean(some[runs]) / 1000 for some in (built.grown, built.floor_grown))
            measure.note(f"{label}: adds {added:.1f} KB to the store, and {bare:.1f} KB to the bare tables")
    wall, cpu = sum(run.wall_s for run in built.ours), sum(run.cpu_s for run in built.ours)
    measure.note(f"all runs together: {wall:.0f} s of wall clock, {cpu:.0f} s of CPU")


def asking(built: year.Built, record: Record) -> None:
    """Print what each question takes."""
    bare, low, high = built.bare, *_moments(built.days)
    since, until = year.at(low), year.at(high)
    label = f"{high - low}-run difference"
    for name, ours, floor in (
        (
            "one resource at a moment",
            lambda: evidence(record, built.one, since),
            lambda: bare.one(built.one, low),
        ),
        ("history of one resource", lambda: history(record, built.one), lambda: bare.versions(built.one)),
        ("whole state at a moment", lambda: list(query.resources(record, since)), lambda: bare.state(low)),
        ("whole state now", lambda: list(query.resources(record)), lambda: bare.state(built.days + 1)),
        (
            f"{label}: resources",
            lambda: list(resource_changes(record, since, until)),
            lambda: bare.resource_changes(low, high),
        ),
        (
            f"{label}: findings",
            lambda: list(finding_changes(record, since, until)),
            lambda: bare.finding_changes(low, high),
        ),
        (
            f"{label}: both, as `annexa diff` does",
            lambda: _difference(record, since, until),
            lambda: (bare.resource_changes(low, high), bare.finding_changes(low, high)),
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
    ):
        measure.line(name, _ms(ours), _ms(floor), "ms")
    counted = _ms(lambda: list(query.tallies(record, since)))
    each = _ms(lambda: list(query.findings(record, since)))
    measure.note(
        f"findings at a moment, without a floor: counted {counted:.1f} ms, each of them {each:.0f} ms"
    )


def verifying(built: year.Built, record: Record) -> None:
    """Print what verification takes, against hashing every row and blob once, without replaying."""
    number = built.bare.hash_everything()
    floor = measure.call(built.bare.hash_everything).cpu_s
    found = []
    ours = measure.call(lambda: found.append(verify(record))).cpu_s
    if not found[0].ok:
        raise SystemExit(f"the record does not verify: {found[0].problems[:3]}")
    measure.line("verify, against hashing everything once", ours, floor)
    measure.line("verify: records a second", number / ours / 1e3, number / floor / 1e3, "thousand/s")


def hashing() -> None:
    """Print how fast Merkle roots are made, entries hashed too, against joining leaf hashes only."""
    entries = [f"{number:064x}".encode() for number in range(_LEAVES)]
    leaves = [leaf_hash(entry) for entry in entries]
    if root_of(entries) != merkle_root(leaves):
        raise SystemExit("the roots differ")
    ours = _LEAVES / _ms(lambda: root_of(entries))
    floor = _LEAVES / _ms(lambda: merkle_root(leaves))
    measure.line("Merkle root: leaves a second", ours, floor, "thousand/s")


def memory(built: year.Built) -> None:
    """Print the peak memory of processes that ask, against one that lists the last collections."""
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    peaks = {
        what: measure.process(
            [sys.executable, "-c", _ASKED, str(built.path), what, str(built.days)], env
        ).peak_mb
        for what in ("nothing", "difference", "coverage", "verify")
    }
    for what in ("difference", "coverage", "verify"):
        measure.line(f"peak memory: {what}", peaks[what], peaks["nothing"], "MB")


def ask_once(path: Path, what: str, days: int) -> None:
    """Ask one question of a store, for :func:`memory`."""
    low, high = _moments(days)
    with Record.open(path) as record:
        asked: dict[str, Callable[[], object]] = {
            "nothing": lambda: list(query.latest_collections(record)),
            "difference": lambda: _difference(record, year.at(low), year.at(high)),
            "coverage": lambda: coverage(record, _period(1, days)),
            "verify": lambda: verify(record),
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
    function()
    return median(measure.call(function).cpu_s for _ in range(_ROUNDS)) * 1000
