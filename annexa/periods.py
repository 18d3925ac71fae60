"""How a period was covered, control by control: the rows of ``--period`` of ``annexa status``."""

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from annexa.output import Row
from mappings.controls import Control
from store.coverage import Coverage, Period, UndecidedDays
from store.statement import Attestation, Exclusion, Filed


@dataclass(slots=True)
class _Gap:
    days: int = 0
    checks: set[str] = field(default_factory=set)
    resources: set[str] = field(default_factory=set)


@dataclass(slots=True)
class _Sum:
    evidenced: int = 0
    failed: int = 0
    undecided: int = 0
    attested: int = 0
    excluded: int = 0
    gaps: list[UndecidedDays] = field(default_factory=list)


def period_rows(
    found: Coverage, period: Period, controls: Mapping[str, Control], filed: Iterable[Filed] = ()
) -> list[Row]:
    """Return one row a control: on how many days it was evidenced, failed, had gaps, or had nothing.

    Args:
        filed: what people had stated by the end of the period.
    """
    sums: dict[str, _Sum] = defaultdict(_Sum)
    for check in found.checks:
        for number in check.check_body["controls"]:
            total = sums[number]
            total.evidenced |= check.evidenced
            total.failed |= check.failed
            total.undecided |= check.undecided
    for gap in found.undecided:
        for number in gap.check_body["controls"]:
            sums[number].gaps.append(gap)
    for one in filed:
        days = period.span(one.begun, one.ended or period.after)
        if isinstance(one.statement, Attestation):
            sums[one.statement.control].attested |= days
        elif isinstance(one.statement, Exclusion):
            sums[one.statement.control].excluded |= days
    every = (1 << period.days) - 1
    rows = []
    for number, control in controls.items():
        total = sums[number]
        unevidenced = every & ~(total.evidenced | total.attested)
        rows.append(
            {
                "control": number,
                "title": control.title,
                "theme": control.theme,
                "from": period.first.isoformat(),
                "to": period.last.isoformat(),
                "days": period.days,
                "evidenced_days": total.evidenced.bit_count(),
                "failed_days": total.failed.bit_count(),
                "gap_days": total.undecided.bit_count(),
                "attested_days": total.attested.bit_count(),
                "excluded_days": total.excluded.bit_count(),
                "unevidenced_days": unevidenced.bit_count(),
                "failed": _stretches(period, total.failed),
                "unevidenced": _stretches(period, unevidenced),
                "gaps": _gap_rows(period, total.gaps),
            }
        )
    return rows


def all_gaps(found: Coverage, period: Period, controls: Iterable[str]) -> list[Row]:
    """Return every gap of a period once, with the controls that it stands in the way of."""
    wanted = set(controls)
    rows = _gap_rows(period, [gap for gap in found.undecided if wanted & set(gap.check_body["controls"])])
    bodies = {gap.check: gap.check_body for gap in found.undecided}
    for row in rows:
        row["controls"] = sorted(
            {number for check in row["checks"] for number in bodies[check]["controls"]} & wanted,
            key=lambda number: [int(part) for part in number.split(".")],
        )
    return rows


def _gap_rows(period: Period, gaps: Iterable[UndecidedDays]) -> list[Row]:
    """Put together what was undecided in one place for one reason."""
    found: dict[tuple[str, ...], _Gap] = defaultdict(_Gap)
    for gap in gaps:
        entry = found[gap.provider, gap.scope, gap.region, gap.resource_type, gap.reason]
        entry.days |= gap.days
        entry.checks.add(gap.check)
        entry.resources.add(gap.resource_id)
    rows = []
    for (provider, scope, region, resource_type, reason), entry in sorted(found.items()):
        stretches = period.ranges(entry.days)
        rows.append(
            {
                "reason": reason,
                "provider": provider,
                "scope": scope,
                "region": region,
                "resource_type": resource_type,
                "resources": len(entry.resources - {""}),
                "checks": sorted(entry.checks),
                "days": entry.days.bit_count(),
                "first": stretches[0][0].isoformat(),
                "last": stretches[-1][1].isoformat(),
            }
        )
    return rows


def _stretches(period: Period, days: int) -> list[str]:
    return [_stretch(*each) for each in period.ranges(days)]


def _stretch(first: dt.date, last: dt.date) -> str:
    return f"{first}..{last}"
