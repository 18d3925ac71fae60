"""Timing and printing that the benchmarks share."""

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

_LOOK_EVERY_S = 0.002


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process or a call took: seconds of wall clock, seconds of CPU, peak memory in MB."""

    wall_s: float
    cpu_s: float
    peak_mb: float = 0.0


def process(command: Sequence[str], env: Mapping[str, str] | None = None, *, show: bool = False) -> Cost:
    """Run a command and return what it took.

    Args:
        show: let it print.

    Raises:
        subprocess.CalledProcessError: it exited with something other than 0 or 2.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    peak_kb = 0
    with subprocess.Popen(command, stdout=None if show else subprocess.DEVNULL, env=env) as child:
        # The operating system's own maximum would count this process too, from which it forks.
        while child.poll() is None:
            peak_kb = max(peak_kb, _peak_kb(child.pid))
            time.sleep(_LOOK_EVERY_S)
    wall = time.perf_counter() - began
    if child.returncode not in (0, 2):
        raise subprocess.CalledProcessError(child.returncode, command)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Cost(wall, cpu, peak_kb / 1024)


def _peak_kb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    except OSError:
        return 0
    return next((int(text.split()[1]) for text in status.splitlines() if text.startswith("VmHWM")), 0)


def call(function: Callable[[], object]) -> Cost:
    """Call a function and return what it took."""
    began, cpu = time.perf_counter(), time.process_time()
    function()
    return Cost(time.perf_counter() - began, time.process_time() - cpu)


def alternately(first: Callable[[], Cost], second: Callable[[], Cost], rounds: int) -> tuple[float, float]:
    """Measure two things in turn, so that a noisy neighbour hits both; median wall seconds of each."""
    pairs = [(first().wall_s, second().wall_s) for _ in range(rounds)]
    return median(pair[0] for pair in pairs), median(pair[1] for pair in pairs)


def line(label: str, value: float, baseline: float, unit: str = "s") -> None:
    """Print a figure next to its baseline, with the ratio."""
    ratio = f"{value / baseline:>6.1f} x" if baseline else ""
    note(f"{label:<52} {value:>10.3f} {unit:<2}   baseline {baseline:>8.3f} {unit:<2}   {ratio}".rstrip())


def note(text: str) -> None:
    """Print a line of text."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
