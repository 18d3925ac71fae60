"""Controls as a pack shows them: how they stand at the end of the period, and over its days."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from annexa.output import Row
from annexa.periods import control_days, period_rows
from annexa.rows import status_row
from mappings.controls import Control
from mappings.status import ControlStatus
from store.coverage import Coverage, Period
from store.statement import Filed

Run = tuple[int, int]
"""The number of a day of the period, from 0, and how many days follow one another from there."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One of the 93 controls.

    Attributes:
        row: as ``annexa status`` gives it, at the end of the period.
        days: as ``annexa status`` gives it with ``--period``.
        runs: ``evidenced``, ``attested``, ``failed`` and ``gap`` → on which days.
        packed: whether the pack has its evidence.
    """

    control: Control
    period: Period
    row: Row
    days: Row
    runs: tuple[tuple[str, tuple[Run, ...]], ...]
    packed: bool


def standings(
    statuses: Iterable[ControlStatus],
    coverage: Coverage,
    period: Period,
    controls: Mapping[str, Control],
    filed: Iterable[Filed],
    wanted: frozenset[str],
) -> list[Standing]:
    """Return every control, in the order of ``controls``.

    Args:
        filed: the statements of the pack.
        wanted: the controls whose evidence is packed; empty means all.
    """
    status = {each.control.number: status_row(each) for each in statuses}
    statements = list(filed)
    sums = control_days(coverage, period, statements)
    return [
        Standing(
            control=controls[row["control"]],
            period=period,
            row=status[row["control"]],
            days=row,
            runs=tuple(
                (name, _runs(period, days))
                for name, days in (
                    ("evidenced", sums[row["control"]].evidenced),
                    ("attested", sums[row["control"]].attested),
                    ("failed", sums[row["control"]].failed),
                    ("gap", sums[row["control"]].undecided),
                )
            ),
            packed=not wanted or row["control"] in wanted,
        )
        for row in period_rows(coverage, period, controls, statements)
    ]


def _runs(period: Period, days: int) -> tuple[Run, ...]:
    return tuple(
        ((first - period.first).days, (last - first).days + 1) for first, last in period.ranges(days)
    )
