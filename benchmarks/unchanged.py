"""What an unchanged run of 10,000 resources costs, and how cost and memory grow with the account."""

import sys
import tempfile
from pathlib import Path

from benchmarks import measure, synthetic
from store.record import Record
from store.verify import verify

_SIZE = 3_000
_COUNTS = (1_000, 10_000)
_TWO_RUNS = """
import sys, tempfile
from pathlib import Path
from benchmarks import synthetic
from store.record import Record
with tempfile.TemporaryDirectory() as folder, Record.writer(Path(folder)) as record:
    for _ in range(2):
        synthetic.run(record, synthetic.documents(int(sys.argv[1]), int(sys.argv[2])))
"""


def main() -> None:
    """Print the figures."""
    peaks = []
    for count in _COUNTS:
        with tempfile.TemporaryDirectory() as folder, Record.writer(Path(folder)) as record:
            first = measure.call(lambda: synthetic.run(record, synthetic.documents(count, _SIZE)))  # noqa: B023
            size = record.size()
            again = measure.call(lambda: synthetic.run(record, synthetic.documents(count, _SIZE)))  # noqa: B023
            grown = record.size() - size
            checked = measure.call(lambda: verify(record))
        two_runs = measure.process([sys.executable, "-c", _TWO_RUNS, str(count), str(_SIZE)])
        peaks.append(two_runs.peak_mb)
        measure.note(
            f"{count:>6} resources: first run {first.wall_s:.2f} s, {size / 1e6:.1f} MB; unchanged run "
            f"{again.wall_s:.2f} s, {grown / 1e3:.0f} KB; verify {checked.wall_s:.2f} s; "
            f"peak {peaks[-1]:.0f} MB"
        )
    measure.line("peak memory of 10,000 against 1,000 resources", peaks[1], peaks[0], "MB")
