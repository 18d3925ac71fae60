"""On which days of a period something was evidenced, failed, or could not be decided.

Work grows with the collections and the changes of the period, not with its days times the resources:
findings are counted where they are opened and closed, and a set of days is one integer.
"""

import datetime as dt
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from store import moment
from store.instant import rfc3339
from store.model import Outcome
from store.query import check_bodies
from store.record import Record
from store.retention import removals, why_gone
from store.schema import collection, collection_state

_MILLISECOND = dt.timedelta(milliseconds=1)
_KIND = {
    Outcome.PASS: "decided",
    Outcome.FAIL: "decided",
    Outcome.UNKNOWN: "undecided",
    Outcome.ERROR: "undecided",
}

_EDGES = """
SELECT c.series_id, e.check_pk, e.outcome, e.at, e.number FROM (
    SELECT f.{edge} AS at, f.check_pk, f.outcome, count(*) AS number FROM finding f
    WHERE f.{edge} <= :high GROUP BY f.{edge}, f.check_pk, f.outcome) e
JOIN collection c ON c.id = e.at
"""

_UNDECIDED = """
SELECT r.series_id, r.resource_id, f.check_pk, f.reason, f.opened, f.closed, x.finished AS ended,
       x.seq AS ended_by
FROM finding f JOIN resource r ON r.id = f.resource_pk LEFT JOIN collection x ON x.id = f.closed
WHERE f.outcome IN ('unknown', 'error') AND f.opened <= :high AND (f.closed IS NULL OR f.closed > :low)
"""

_ABOUT = """
SELECT e.id, s.provider, s.external_id AS scope, e.region, e.resource_type
FROM series e JOIN scope s ON s.id = e.scope_id
"""


@dataclass(frozen=True, slots=True)
class Period:
    """Days in UTC, first and last included. A set of them is an integer: bit 0 is the first day."""

    first: dt.date
    last: dt.date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def before(self) -> str:
        """The last moment before it."""
        return rfc3339(_midnight(self.first) - _MILLISECOND)

    @property
    def end(self) -> str:
        """Its last moment."""
        return rfc3339(_midnight(self.last) + dt.timedelta(days=1) - _MILLISECOND)

    @property
    def after(self) -> str:
        """The first moment after it."""
        return rfc3339(_midnight(self.last) + dt.timedelta(days=1))

    def day(self, at: str) -> int:
        """Return the set of the one day that a moment lies in, empty if outside."""
        number = (dt.date.fromisoformat(at[:10]) - self.first).days
        return 1 << number if 0 <= number < self.days else 0

    def span(self, begin: str, end: str) -> int:
        """Return the days that a stretch of time touches; ``end`` itself is outside."""
        if begin >= end:
            return 0
        first = max((dt.date.fromisoformat(begin[:10]) - self.first).days, 0)
        inclusive = dt.datetime.fromisoformat(end) - _MILLISECOND
        last = min((inclusive.date() - self.first).days, self.days - 1)
        return ((1 << (last - first + 1)) - 1) << first if first <= last else 0

    def ranges(self, days: int) -> list[tuple[dt.date, dt.date]]:
        """Return a set of days as stretches of days that follow one another."""
        found: list[tuple[dt.date, dt.date]] = []
        for number in range(self.days):
            if days >> number & 1:
                day = self.first + dt.timedelta(days=number)
                joined = found and (day - found[-1][1]).days == 1
                found[-1:] = [(found[-1][0], day)] if joined else [*found[-1:], (day, day)]
        return found


@dataclass(frozen=True, slots=True)
class CheckDays:
    """One check in one series, as sets of days.

    Attributes:
        evidenced: a complete collection left a finding that passes or fails.
        failed: at some time of the day a finding was known to fail.
        undecided: at some time of the day a finding was ``unknown`` or ``error``.
    """

    check: str
    check_body: dict[str, Any]
    evidenced: int
    failed: int
    undecided: int


@dataclass(frozen=True, slots=True)
class UndecidedDays:
    """One finding that could not be decided: on which days, and why."""

    check: str
    check_body: dict[str, Any]
    provider: str
    scope: str
    region: str
    resource_type: str
    resource_id: str
    reason: str
    days: int


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is known about a period."""

    checks: list[CheckDays]
    undecided: list[UndecidedDays]


def coverage(
    record: Record,
    period: Period,
    providers: frozenset[str] = frozenset(),
    scopes: frozenset[str] = frozenset(),
) -> Coverage:
    """Work out on which days of a period each check was evidenced, failed or undecided.

    Args:
        providers, scopes: only these; empty means all.
    """
    with record.engine.connect() as connection:
        bodies = check_bodies(record, connection)
        checks = {
            row.id: (row.check_id, bodies[row.digest])
            for row in connection.execute(sa.text("SELECT id, check_id, digest FROM check_applied"))
        }
        about = {
            row.id: row
            for row in connection.execute(sa.text(_ABOUT))
            if (not providers or row.provider in providers) and (not scopes or row.scope in scopes)
        }
        timelines = {pk: line for pk, line in _timelines(connection, period).items() if pk in about}
        found = [
            CheckDays(*checks[check_pk], *_days(period, timelines[series_pk], steps))
            for (series_pk, check_pk), steps in _steps(connection, period, timelines).items()
            if series_pk in timelines
        ]
        undecided = []
        acts = removals(connection, record.blobs)
        for row, days in _undecided(connection, period, timelines):
            where = about[row.series_id]
            undecided.append(
                UndecidedDays(
                    *checks[row.check_pk],
                    provider=where.provider,
                    scope=where.scope,
                    region=where.region,
                    resource_type=where.resource_type,
                    resource_id=row.resource_id,
                    reason=why_gone(acts, row.ended, row.ended_by) if row.reason is None else row.reason,
                    days=days,
                )
            )
    return Coverage(found, undecided)


@dataclass(slots=True)
class _Timeline:
    """The collections of a series in a period.

    Attributes:
        low, high: the last collection before the period, and the last within it.
        ids: the collections within it, in the log's order.
        known: from when what each left was known; never earlier than what came before it.
        complete: for each the day on which it was finished, empty if it was incomplete.
    """

    low: int
    high: int
    end: str
    ids: list[int] = field(default_factory=list)
    known: list[str] = field(default_factory=list)
    complete: list[int] = field(default_factory=list)

    def from_when(self, pk: int | None, before: str) -> str:
        """Return from when the state that a collection left was known; None stands for after the period."""
        if pk is None or pk > self.high:
            return self.end
        return before if pk <= self.low else self.known[bisect_left(self.ids, pk)]

    def confirmed(self, begin: int, end: int | None) -> int:
        """Return the days of the complete collections from ``begin`` on and before ``end``."""
        days = 0
        stop = len(self.ids) if end is None else bisect_left(self.ids, end)
        for number in range(bisect_left(self.ids, begin), stop):
            days |= self.complete[number]
        return days


def _timelines(connection: sa.Connection, period: Period) -> dict[int, _Timeline]:
    after = period.after
    before = moment.last_by_series(connection, period.before)
    found = {pk: _Timeline(last, last, after) for pk, last in before.items()}
    news = connection.execute(
        sa.text(f"{moment.news(period.end)} SELECT series_id, low, high FROM news"),
        moment.between(period.before, period.end),
    ).all()
    for series_pk, low, high in news:
        found[series_pk] = _Timeline(low, high, after)
    if not news:
        return found
    query = (
        sa.select(collection.c.id, collection.c.series_id, collection.c.finished, collection_state.c.complete)
        .join(collection_state, collection_state.c.id == collection.c.state_id)
        .where(
            collection.c.id > min(row.low for row in news),
            collection.c.id <= max(row.high for row in news),
        )
        .order_by(collection.c.id)
    )
    for row in connection.execute(query):
        timeline = found.get(row.series_id)
        if timeline is not None and timeline.low < row.id <= timeline.high:
            timeline.ids.append(row.id)
            timeline.known.append(row.finished)
            timeline.complete.append(period.day(row.finished) if row.complete else 0)
    for timeline in found.values():
        for number in range(len(timeline.known) - 2, -1, -1):
            timeline.known[number] = min(timeline.known[number], timeline.known[number + 1])
    return found


_Steps = dict[int, dict[str, int]]


def _steps(
    connection: sa.Connection, period: Period, timelines: dict[int, _Timeline]
) -> dict[tuple[int, int], _Steps]:
    """Return (series, check) → collection → how many more findings of each kind stand since then."""
    found: dict[tuple[int, int], _Steps] = defaultdict(lambda: defaultdict(lambda: defaultdict(int)))

    def count(row: Any, at: int, sign: int) -> None:
        outcome = Outcome(row.outcome)
        steps = found[row.series_id, row.check_pk][at]
        if outcome in _KIND:
            steps[_KIND[outcome]] += sign * row.number
        if outcome is Outcome.FAIL:
            steps["failed"] += sign * row.number

    high = max((timeline.high for timeline in timelines.values()), default=0)
    for edge, sign in (("opened", 1), ("closed", -1)):
        for row in connection.execute(sa.text(_EDGES.format(edge=edge)), {"high": high}):
            timeline = timelines.get(row.series_id)
            if timeline is not None and row.at <= timeline.high:
                count(row, max(row.at, timeline.low), sign)
    return found


def _days(period: Period, timeline: _Timeline, steps: _Steps) -> tuple[int, int, int]:
    before = rfc3339(_midnight(period.first))
    days = {"decided": 0, "failed": 0, "undecided": 0}
    for kind in days:
        for begin, end in _stretches(steps, kind):
            if kind == "decided":
                days[kind] |= timeline.confirmed(begin, end)
            else:
                span = timeline.from_when(begin, before), timeline.from_when(end, before)
                days[kind] |= period.span(*span)
    return days["decided"], days["failed"], days["undecided"]


def _stretches(steps: _Steps, kind: str) -> Iterator[tuple[int, int | None]]:
    """Yield from which collection to which at least one finding of a kind stood."""
    standing, begin = 0, 0
    for pk in sorted(steps):
        was = standing
        standing += steps[pk].get(kind, 0)
        if standing and not was:
            begin = pk
        elif was and not standing:
            yield begin, pk
    if standing:
        yield begin, None


def _undecided(
    connection: sa.Connection, period: Period, timelines: dict[int, _Timeline]
) -> Iterator[tuple[Any, int]]:
    before = rfc3339(_midnight(period.first))
    if not timelines:
        return
    bounds = {
        "low": min(timeline.low for timeline in timelines.values()),
        "high": max(timeline.high for timeline in timelines.values()),
    }
    for row in connection.execute(sa.text(_UNDECIDED), bounds):
        timeline = timelines.get(row.series_id)
        if timeline is None or row.opened > timeline.high:
            continue
        days = period.span(timeline.from_when(row.opened, before), timeline.from_when(row.closed, before))
        if days:
            yield row, days


def _midnight(day: dt.date) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(), dt.UTC)
