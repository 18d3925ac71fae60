"""A pack of everything that a record holds of a period: what choosing, writing and verifying it take.

The floor is a zip of the same rows and documents, as they are in bare tables.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

from benchmarks import measure, year
from benchmarks.figure import Figure
from store.coverage import Period
from store.pack.choose import contents
from store.pack.contents import Selection
from store.pack.evidence import write_evidence
from store.pack.verify import verify_pack
from store.pack.writer import PackWriter
from store.record import Record


def packing(built: year.Built) -> Iterator[Figure]:
    """Yield what a pack of all the days takes."""
    folder = built.path.parent
    ours = measure.call(lambda: write(built.path, folder / "pack.zip", built.days))
    floor = measure.call(lambda: built.bare.pack(folder / "bare.zip"))
    size, floor_size = ((folder / name).stat().st_size / 1e6 for name in ("pack.zip", "bare.zip"))
    yield Figure(f"pack of {built.days} days", ours.cpu_s, floor.cpu_s, "s")
    yield Figure(f"pack of {built.days} days: size", size, floor_size, "MB")
    problems = []
    verified = measure.call(lambda: problems.extend(verify_pack(folder / "pack.zip").log.problems))
    if problems:
        raise SystemExit(f"the pack does not verify: {problems[:3]}")
    yield Figure("verify a pack, against making the bare one", verified.cpu_s, floor.cpu_s, "s")


def write(store: Path, pack: Path, days: int) -> None:
    """Write a pack of the first days of a store."""
    period = Period(year.FIRST, year.FIRST + dt.timedelta(days=days - 1))
    with Record.open(store) as record, PackWriter.open(pack) as writer:
        write_evidence(record, contents(record, Selection(period)), writer)
