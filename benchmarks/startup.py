"""How long the command line takes to start, against an interpreter that does nothing."""

import sys

from benchmarks import measure

_ROUNDS = 15


def main() -> None:
    """Print the ratios."""
    for arguments in (["--version"], ["--help"]):
        ours, bare = measure.alternately(
            lambda: measure.process([sys.executable, "-m", "annexa", *arguments]),  # noqa: B023
            lambda: measure.process([sys.executable, "-c", "pass"]),
            _ROUNDS,
        )
        measure.line(f"annexa {arguments[0]}", ours, bare)
