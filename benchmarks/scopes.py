"""Collecting 1,000 projects and 1,000 subscriptions that are 80 ms away, with the limits that are published.

The baseline of time is what the calls must take where nothing else takes any: their latency, as many at once
as a run reads collections, or what the published limit lets through, whichever is longer. The baseline of
memory is the same over 100 scopes. Everything is read and let go; the last lines keep it as well.
"""

import sys
import tempfile
from pathlib import Path

from benchmarks import measure
from benchmarks.distant import EACH, running
from collectors.ratelimit import load_limits

LATENCY_S = 0.08
WORKERS = 8
_SCOPES = 1000
_FEW = 100
_KINDS = 4
_PAGE = 1000
_LIMITS = Path(__file__).parents[1] / "collectors" / "gcp" / "limits.toml"


def main() -> None:
    """Print the figures."""
    measure.note(
        f"{_KINDS} types of {EACH} resources in each scope; every answer takes {LATENCY_S * 1000:.0f} ms"
    )
    for label, mode, floor in (
        ("GCP from the inventory", "gcp-inventory", _inventory_floor()),
        ("GCP from the lists", "gcp-lists", _lists_floor(steps=_KINDS + 1)),
        ("Azure, lists and one count", "azure", _lists_floor(steps=_KINDS + 2)),
    ):
        few, many = (_cost(mode, scopes) for scopes in (_FEW, _SCOPES))
        measure.line(f"{label}: {_SCOPES:,} scopes, wall clock", many.wall_s, floor)
        measure.note(f"{label}: {many.cpu_s:.1f} s of CPU for {_SCOPES:,}, {few.cpu_s:.1f} s for {_FEW}")
        measure.line(f"{label}: peak memory, against {_FEW}", many.peak_mb, few.peak_mb, "MB")
    kept = _cost("gcp-inventory", _SCOPES, "keep")
    few_kept = _cost("gcp-inventory", _FEW, "keep")
    measure.line("a whole run from the inventory: wall clock", kept.wall_s, _inventory_floor())
    measure.line("a whole run from the inventory: peak memory", kept.peak_mb, few_kept.peak_mb, "MB")


def _inventory_floor() -> float:
    """Return the seconds that all pages take: projects, resources of every type, policies of one."""
    limit = next(each for each in load_limits(_LIMITS) if each.call.startswith("cloudasset"))
    calls = -(-_SCOPES * (EACH * _KINDS + 1) // _PAGE) + -(-_SCOPES * EACH // _PAGE)
    return max(calls * LATENCY_S, (calls - limit.burst) / limit.rate)


def _lists_floor(steps: int) -> float:
    """Return the seconds that all lists take, and details that wait for lists.

    Args:
        steps: answers in each scope that wait for one another, if one collection is read after another.
    """
    return _SCOPES * steps * LATENCY_S / WORKERS


def _cost(mode: str, scopes: int, *more: str) -> measure.Cost:
    with (
        running("benchmarks.distant", str(scopes), str(LATENCY_S)) as url,
        tempfile.TemporaryDirectory() as folder,
    ):
        return measure.process(
            [sys.executable, "-m", "benchmarks.scopes_run", mode, str(scopes), url, folder, *more]
        )
