"""Days of runs over resources of which 1 % change a day, in a record and in bare tables side by side."""

import datetime as dt
import random
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks import measure, synthetic
from benchmarks.bare import Bare
from store.instant import rfc3339
from store.record import Record
from store.sealing import Sealing
from store.signing_key import FileKey

FIRST = dt.date(2026, 1, 1)
SIZE = 1_000
_ONE_IN = 100
_TICK = dt.timedelta(milliseconds=1)


@dataclass(slots=True)
class Built:
    """A record and the bare tables that hold the same, and what each run took and added.

    Attributes:
        ours, floor: what the first run took, those of the other days, and those in which nothing changed.
        grown, floor_grown: bytes that each run added.
    """

    path: Path
    bare: Bare
    resources: int
    days: int
    ours: list[measure.Cost] = field(default_factory=list)
    floor: list[measure.Cost] = field(default_factory=list)
    grown: list[int] = field(default_factory=list)
    floor_grown: list[int] = field(default_factory=list)

    @property
    def one(self) -> str:
        """The identifier of one of the resources."""
        return f"arn:bench:{self.resources // 2:08d}"


def at(day: int) -> str:
    """Return the end of a day, counted from 1, as the record writes moments."""
    return rfc3339(dt.datetime.combine(FIRST + dt.timedelta(days=day), dt.time(), dt.UTC) - _TICK)


def build(folder: Path, resources: int, days: int, unchanged: int = 20) -> Built:
    """Play one run a day, and unchanged ones afterwards, through the record's own writer; each is signed."""
    now = [_morning(0)]

    def clock() -> dt.datetime:
        now[0] += dt.timedelta(seconds=1)
        return now[0]

    chance = random.Random(27001)
    documents = list(synthetic.documents(resources, SIZE))
    built = Built(folder / "store", Bare(folder / "bare.db"), resources, days)
    key = folder / "signing.key"
    with Record.writer(built.path, clock, Sealing(FileKey(key), new_key=key)) as record:
        size, floor_size = record.size(), built.bare.size()
        for day in range(days + unchanged):
            now[0] = _morning(day)
            if 0 < day < days:
                for number in chance.sample(range(resources), resources // _ONE_IN):
                    documents[number] = synthetic.document(number, SIZE, seed=day)
            built.ours.append(measure.call(lambda: synthetic.run(record, documents)))
            built.floor.append(measure.call(lambda: built.bare.run(documents)))
            built.grown.append(record.size() - size)
            built.floor_grown.append(built.bare.size() - floor_size)
            size += built.grown[-1]
            floor_size += built.floor_grown[-1]
    return built


def _morning(day: int) -> dt.datetime:
    return dt.datetime.combine(FIRST + dt.timedelta(days=day), dt.time(6), dt.UTC)
