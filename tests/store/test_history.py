"""The past: as-of, versions, differences and coverage say what was known, for any history."""

import datetime as dt
import itertools
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from store import moment, query
from store.collection_entry import collection_rows
from store.coverage import Coverage, Period, coverage
from store.difference import document_changes, finding_changes, resource_changes
from store.errors import StoreError
from store.evidence import evidence
from store.history import history
from store.instant import rfc3339
from store.model import Outcome
from store.record import Record
from store.schema import collection
from store.tallies import tallies
from tests.store.conftest import DENIED, PRIVATE, REGION, Checks, Play, document, steps_taken

PUBLIC, CLOSED = {"public": True}, {"public": False}
OTHER_REGION = "us-east-1"
START = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)

State = tuple[dict[str, str], dict[tuple[str, str], str]]
"""Resource → document hash, and (resource, check) → outcome; resources carry their region."""


class SetClock:
    """Stands still until it is set."""

    now = START

    def __call__(self) -> dt.datetime:
        return self.now


@dataclass(frozen=True)
class Step:
    """One run: how far the clock went before it, what it sees, where, and whether to the end."""

    hours: int
    contents: dict[str, Any]
    complete: bool
    checks: Checks
    region: str


def _steps(least_hours: int) -> st.SearchStrategy[list[Step]]:
    versions = st.sampled_from([1, 2])
    step = st.builds(
        Step,
        st.integers(least_hours, 60),
        st.dictionaries(
            st.sampled_from("abc"), st.sampled_from([CLOSED, PUBLIC, {"n": 2}, DENIED]), max_size=3
        ),
        st.sampled_from([True, True, False]),
        st.fixed_dictionaries({PRIVATE[0]: versions}, optional={"aws.s3.bucket.named": versions}).map(
            lambda found: tuple(found.items())
        ),
        st.sampled_from([REGION, REGION, OTHER_REGION]),
    )
    return st.lists(step, min_size=1, max_size=9)


@pytest.fixture(scope="module")
def fresh(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    folder = tmp_path_factory.mktemp("histories")
    return lambda: Path(shutil.copytree(empty_store, Path(tempfile.mkdtemp(dir=folder)) / "store"))


@dataclass
class Told:
    """What was played: each run with its moment, its region, and what was known after it."""

    at: list[str]
    regions: list[str]
    known: list[State]
    complete: list[bool]

    def state(self, at: str) -> State:
        """What is known at a moment: of each region, by the last run in the log's order by then."""
        resources: dict[str, str] = {}
        findings: dict[tuple[str, str], str] = {}
        for region in {*self.regions}:
            runs = [n for n, when in enumerate(self.at) if self.regions[n] == region and when <= at]
            if runs:
                resources.update(self.known[runs[-1]][0])
                findings.update(self.known[runs[-1]][1])
        return resources, findings

    @property
    def moments(self) -> list[str]:
        """Every moment at which something may change, and those just before and after."""
        tick = dt.timedelta(milliseconds=1)
        return sorted(
            {rfc3339(dt.datetime.fromisoformat(at) + n * tick) for at in self.at for n in (-1, 0, 1)}
        )


def played(record: Record, clock: SetClock, history_: list[Step]) -> Told:
    """Play a history; what is known after a run is what the record says then, which other tests hold true."""
    play, told = Play(record), Told([], [], [], [])
    for step in history_:
        clock.now += step.hours * HOUR
        play.run(step.contents, complete=step.complete, checks=step.checks, region=step.region)
        told.at.append(rfc3339(clock.now))
        told.regions.append(step.region)
        told.complete.append(step.complete)
        mine = state(record, None, step.region)
        told.known.append(mine)
    return told


def state(record: Record, at: str | None, region: str = "") -> State:
    """What the record says, in one region or in all."""
    with record.engine.connect() as connection:
        sql = f"""{moment.last(at)} SELECT e.region, r.resource_id, i.{{column}} FROM last
            JOIN series e ON e.id = last.series_id JOIN resource r ON r.series_id = e.id
            JOIN {{table}} i ON i.resource_pk = r.id AND {moment.standing("i", at)}"""

        def read(table: str, columns: str) -> list[Any]:
            found = connection.execute(sa.text(sql.format(table=table, column=columns)), moment.bound(at))
            return [row for row in found if region in ("", row[0])]

        resources = {f"{row[0]}/{row[1]}": row[2].hex() for row in read("content", "hash")}
        findings = {(f"{row[0]}/{row[1]}", row[2]): row[3] for row in read("finding", "check_id, i.outcome")}
    return resources, findings


any_history = settings(max_examples=25, deadline=None)


@any_history
@given(steps=_steps(-30))
def test_at_every_moment_it_is_answered_what_was_known_then(
    fresh: Callable[[], Path], steps: list[Step]
) -> None:
    clock = SetClock()
    with Record.writer(fresh(), clock) as record:
        told = played(record, clock, steps)
        for at in told.moments:
            resources, findings = told.state(at)
            assert state(record, at) == (resources, findings)
            assert sorted(row[5] for row in query.resources(record, at)) == sorted(resources.values())
            assert len(list(query.findings(record, at))) == len(findings)
            assert sum(tally.number for tally in tallies(record, at)) == len(findings)
            latest = query.latest_collections(record, at)
            assert len(latest) == len(
                {r for r, when in zip(told.regions, told.at, strict=True) if when <= at}
            )
            assert bool(query.gaps(record, at)) == any(row.gaps for row in latest)
        end = max(told.at)
        assert state(record, end) == state(record, None)
        assert list(query.findings(record, end)) == list(query.findings(record))


@any_history
@given(steps=_steps(1))
def test_versions_tile_time_and_evidence_agrees_with_them(
    fresh: Callable[[], Path], steps: list[Step]
) -> None:
    clock = SetClock()
    with Record.writer(fresh(), clock) as record:
        told = played(record, clock, steps)
        for resource_id in {each for step in steps for each in step.contents}:
            for versions in history(record, resource_id):
                region = versions[0].document.region
                assert region == REGION  # documents say where they live, not where they were looked for
                for one, following in itertools.pairwise(versions):
                    assert one.closed is not None
                    assert one.first_seen <= one.last_seen < one.ended <= following.first_seen
                    assert (one.end == "changed") == (one.closed == following.opened)
                    assert following.returned == (one.end == "gone")
                    assert bool(following.changes) == (one.hash != following.hash)
                assert (versions[-1].end == "") == (versions[-1].closed is None) == (versions[-1].ended == "")
            every = [version for versions in history(record, resource_id) for version in versions]
            for at in told.at:
                holding = sorted(
                    v.hash for v in every if v.first_seen <= at and (not v.ended or at < v.ended)
                )
                suffix = f"/{resource_id}"
                known = sorted(key for name, key in told.state(at)[0].items() if name.endswith(suffix))
                assert holding == known
                current = [e.hash for e in evidence_at(record, resource_id, at) if e.current]
                assert sorted(current) == known


def evidence_at(record: Record, wanted: str, at: str) -> list[Any]:
    try:
        return evidence(record, wanted, at)
    except StoreError:
        return []


@any_history
@given(steps=_steps(-30), data=st.data())
def test_a_difference_applied_to_the_earlier_state_gives_the_later(
    fresh: Callable[[], Path], steps: list[Step], data: st.DataObject
) -> None:
    clock = SetClock()
    with Record.writer(fresh(), clock) as record:
        told = played(record, clock, steps)
        since, until = sorted(data.draw(st.tuples(*[st.sampled_from(told.moments)] * 2)))
        before, after = told.state(since), told.state(until)
        changed = list(resource_changes(record, since, until))
        assert sorted((row.resource_id, row.before, row.after) for row in changed) == sorted(
            (key.split("/")[1], before[0].get(key, ""), after[0].get(key, ""))
            for key in before[0].keys() | after[0].keys()
            if before[0].get(key) != after[0].get(key)
        )
        for row in changed:
            if row.change == "changed":
                assert document_changes(record, row.before, row.after)
        found = [
            (row.resource_id, row.check, row.before or "", row.after or "")
            for row in finding_changes(record, since, until)
        ]
        assert sorted(found) == sorted(
            (key[0].split("/")[1], key[1], before[1].get(key, ""), after[1].get(key, ""))
            for key in before[1].keys() | after[1].keys()
            if before[1].get(key) != after[1].get(key)
        )


@any_history
@given(steps=_steps(-30), data=st.data())
def test_coverage_is_what_looking_at_each_day_gives(
    fresh: Callable[[], Path], steps: list[Step], data: st.DataObject
) -> None:
    clock = SetClock()
    with Record.writer(fresh(), clock) as record:
        told = played(record, clock, steps)
        first = START.date() + dt.timedelta(days=data.draw(st.integers(-3, 12)))
        period = Period(first, first + dt.timedelta(days=data.draw(st.integers(0, 12))))
        assert totals(coverage(record, period)) == naive(told, period)


def totals(found: Coverage) -> dict[str, tuple[int, int, int]]:
    """Return check → days evidenced, failed and undecided, each as a set of days."""
    sums: dict[str, tuple[int, int, int]] = {}
    for days in found.checks:
        old = sums.get(days.check, (0, 0, 0))
        sums[days.check] = (old[0] | days.evidenced, old[1] | days.failed, old[2] | days.undecided)
    undecided: dict[str, int] = {}
    for gap in found.undecided:
        assert gap.reason
        undecided[gap.check] = undecided.get(gap.check, 0) | gap.days
    assert undecided == {check: days[2] for check, days in sums.items() if days[2]}
    return {check: days for check, days in sums.items() if any(days)}


def naive(told: Told, period: Period) -> dict[str, tuple[int, int, int]]:
    """The same, by looking at every moment of every day."""
    sums: dict[str, list[int]] = {}
    for number in range(period.days):
        day = period.first + dt.timedelta(days=number)
        one = Period(day, day)
        begin = rfc3339(dt.datetime.combine(day, dt.time(), dt.UTC))
        for at in [begin, *(at for at in told.at if begin < at <= one.end)]:
            for (_, check), outcome in told.state(at)[1].items():
                sums.setdefault(check, [0, 0, 0])[1] |= (outcome == Outcome.FAIL) << number
                sums.setdefault(check, [0, 0, 0])[2] |= (outcome == Outcome.UNKNOWN) << number
        for run, at in enumerate(told.at):
            # What the log shows to have been replaced before the period began is no evidence in it.
            replaced = any(
                told.regions[later] == told.regions[run] and told.at[later] <= period.before
                for later in range(run + 1, len(told.at))
            )
            if replaced:
                continue
            if told.complete[run] and begin <= at <= one.end:
                for (_, check), outcome in told.known[run][1].items():
                    decided = outcome in (Outcome.PASS, Outcome.FAIL)
                    sums.setdefault(check, [0, 0, 0])[0] |= decided << number
    return {check: (days[0], days[1], days[2]) for check, days in sums.items() if any(days)}


# What a property does not say as plainly.


def test_what_was_acknowledged_after_a_clock_was_set_back_replaces_what_was_before(
    fresh: Callable[[], Path],
) -> None:
    clock = SetClock()
    with Record.writer(fresh(), clock) as record:
        play = Play(record)
        play.run({"a": PUBLIC})
        clock.now = START + 10 * HOUR
        play.run({"a": CLOSED})
        clock.now = START + 5 * HOUR
        play.run({"a": {"n": 3}})
        answers = [evidence(record, "a", rfc3339(START + n * HOUR))[0].document for n in (4, 5, 10)]
    assert answers == [document("a", PUBLIC), document("a", {"n": 3}), document("a", {"n": 3})]


def test_evidence_of_what_was_gone_at_the_moment_says_so(play: Play, record: Record) -> None:
    for contents in ({"a": CLOSED}, {}, {"a": PUBLIC}):
        play.run(contents)
    moments = [row.finished for row in _collections(record)]
    found = [evidence(record, "a", at)[0] for at in moments]
    assert [(each.current, each.document.content["item"]) for each in found] == [
        (True, CLOSED),
        (False, CLOSED),
        (True, PUBLIC),
    ]


def test_a_history_tells_what_changed_went_and_came_back(play: Play, record: Record) -> None:
    for contents in ({"a": CLOSED}, {"a": CLOSED}, {"a": PUBLIC}, {}, {"a": PUBLIC}):
        play.run(contents)
    [versions] = history(record, "a")
    assert [(version.end, version.returned) for version in versions] == [
        ("changed", False),
        ("gone", False),
        ("", True),
    ]
    [change] = versions[1].changes or ()
    assert (change.path, change.before, change.after) == ("content.item.public", False, True)
    moments = [row.finished for row in _collections(record)]
    assert [(v.first_seen, v.last_seen, v.ended) for v in versions] == [
        (moments[0], moments[1], moments[2]),
        (moments[2], moments[2], moments[3]),
        (moments[4], moments[4], ""),
    ]


def test_a_history_of_nothing_is_an_error(play: Play, record: Record) -> None:
    play.run({"a": CLOSED})
    with pytest.raises(StoreError, match="no resource 'b'"):
        history(record, "b")
    with pytest.raises(StoreError, match="no resource 'a'"):
        evidence(record, "a", "2025-01-01T00:00:00.000Z")


def test_days_that_follow_one_another_are_one_stretch() -> None:
    period = Period(dt.date(2026, 1, 30), dt.date(2026, 2, 3))
    assert period.ranges(0b10110) == [
        (dt.date(2026, 1, 31), dt.date(2026, 2, 1)),
        (dt.date(2026, 2, 3), dt.date(2026, 2, 3)),
    ]
    assert period.ranges(0) == []


def test_what_a_difference_costs_does_not_grow_with_the_history_before_it(play: Play, record: Record) -> None:
    def cost() -> int:
        rows = _collections(record)
        since = rows[-2].finished
        return steps_taken(
            record,
            lambda: (list(finding_changes(record, since, None)), list(resource_changes(record, since, None))),
        )

    def change(times: int) -> None:
        for _ in range(times):
            play.run({f"bucket-{i}": {"n": play.runs if i < 20 else 0} for i in range(200)})

    change(4)
    early = cost()
    change(12)
    assert cost() < 1.2 * early


def _collections(record: Record) -> list[Any]:
    with record.engine.connect() as connection:
        return list(connection.execute(collection_rows().order_by(collection.c.id)).all())
