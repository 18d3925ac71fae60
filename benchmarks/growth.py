"""How the figures of :mod:`benchmarks.history` grow from 10,000 to 100,000 resources."""

import tempfile
from pathlib import Path

from benchmarks import history, measure, year

_COUNTS = (10_000, 100_000)
_DAYS = 31
_UNCHANGED = 3


def main() -> None:
    """Print each figure for both sizes, and what it is multiplied by."""
    measure.note(f"{_DAYS} daily runs, 1 % changed a day, 5 checks each; CPU time")
    found = []
    for count in _COUNTS:
        with tempfile.TemporaryDirectory() as folder:
            built = year.build(Path(folder), count, _DAYS, _UNCHANGED)
            found.append(list(history.figures(built)))
    small, large = (f"{count:,}" for count in _COUNTS)
    measure.note(f"{'':<52} {small:>12} {large:>14}")
    for one, other in zip(*found, strict=True):
        factor = f"{other.ours / one.ours:>8.1f} x" if one.ours else ""
        measure.note(f"{one.label:<52} {one.ours:>12.3f} {other.ours:>14.3f} {one.unit:<2} {factor}".rstrip())
