"""What held in a period: all that was known at some moment of it, and nothing else, for any history."""

import datetime as dt
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from store import query
from store.between import HeldFinding, findings_between, gaps_between, resources_between
from store.coverage import Period
from store.model import Gap, Outcome
from store.query import FindingRow
from store.record import Record
from tests.store.conftest import DENIED, PRIVATE, Play
from tests.store.test_history import CLOSED, PUBLIC, SetClock, Step, played

_steps = st.lists(
    st.builds(
        Step,
        st.integers(1, 30),
        st.dictionaries(st.sampled_from("abc"), st.sampled_from([CLOSED, PUBLIC, DENIED]), max_size=3),
        st.sampled_from([True, True, False]),
        st.sampled_from([1, 2]).map(lambda version: ((PRIVATE[0], version),)),
        st.sampled_from(["eu-west-1", "us-east-1"]),
    ),
    min_size=1,
    max_size=9,
)
_days = st.tuples(st.integers(0, 8), st.integers(0, 3)).map(
    lambda found: Period(
        dt.date(2026, 1, 1) + dt.timedelta(days=found[0]),
        dt.date(2026, 1, 1) + dt.timedelta(days=sum(found)),
    )
)
_any_history = settings(max_examples=25, deadline=None)


@pytest.fixture(scope="module")
def fresh(empty_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    folder = tmp_path_factory.mktemp("periods")
    return lambda: Path(shutil.copytree(empty_store, Path(tempfile.mkdtemp(dir=folder)) / "store"))


def _first(period: Period) -> str:
    return f"{period.first}T00:00:00.000Z"


def _identity(row: FindingRow) -> tuple[Any, ...]:
    return row.check, row.check_digest, row.outcome, row.document, row.region, row.resource_id, row.first_seen


@_any_history
@given(steps=_steps, period=_days)
def test_a_finding_held_if_it_stood_at_some_moment_of_the_period(
    fresh: Callable[[], Path], steps: list[Step], period: Period
) -> None:
    clock = SetClock()
    with Record.writer(fresh(), clock) as record:
        told = played(record, clock, steps)
        moments = sorted({_first(period), *(at for at in told.at if _first(period) <= at <= period.end)})
        known: dict[tuple[Any, ...], FindingRow] = {}
        for at in moments:
            known.update({_identity(row): row for row in query.findings(record, at)})
        found: dict[tuple[Any, ...], HeldFinding] = {}
        for held in findings_between(record, period):
            assert held.ended == "" or held.first_seen < held.ended <= period.end
            found[_identity(held)] = held
        assert found.keys() == known.keys()
        for key, row in known.items():
            assert (found[key].last_seen, found[key].entry) == (row.last_seen, row.entry)
            assert (found[key].observed, found[key].resource_name) == (row.observed, row.resource_name)
        standing = {_identity(row) for row in query.findings(record, period.end)}
        assert {key for key, row in found.items() if not row.ended} == standing


@_any_history
@given(steps=_steps, period=_days)
def test_a_version_of_a_resource_held_if_it_was_known_at_some_moment(
    fresh: Callable[[], Path], steps: list[Step], period: Period
) -> None:
    clock = SetClock()
    with Record.writer(fresh(), clock) as record:
        told = played(record, clock, steps)
        moments = {_first(period), *(at for at in told.at if _first(period) <= at <= period.end)}
        known = {row[1:] for at in moments for row in query.resources(record, at)}
        found = [
            (row.resource_id, row.resource_name, row.scope, row.region, row.document)
            for row in resources_between(record, period)
        ]
        assert set(found) == known


def _hours(clock: SetClock, number: float) -> None:
    clock.now += dt.timedelta(hours=number)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def play(folder: Path, clock: SetClock) -> Any:
    with Record.writer(folder, clock) as record:
        yield Play(record)


JANUARY = Period(dt.date(2026, 1, 1), dt.date(2026, 1, 31))


def test_a_finding_says_when_it_ended_and_which_entry_confirmed_it_last(play: Play, clock: SetClock) -> None:
    play.run({"a": PUBLIC})
    _hours(clock, 24)
    confirmed = play.run({"a": PUBLIC})
    _hours(clock, 24)
    play.run({"a": CLOSED})
    failed, passed = findings_between(play.record, JANUARY)
    assert (failed.outcome, passed.outcome) == (Outcome.FAIL, Outcome.PASS)
    assert failed.first_seen.startswith("2026-01-01")
    assert failed.last_seen.startswith("2026-01-02")
    assert failed.ended == passed.first_seen
    assert passed.ended == ""
    (entry,) = [row.seq for row in _collections(play.record) if row.finished == failed.last_seen]
    assert failed.entry == entry
    assert confirmed.resources == 1


def _collections(record: Record) -> list[Any]:
    with record.engine.connect() as connection:
        return list(connection.execute(sa.text("SELECT seq, finished FROM collection")).all())


def test_what_was_over_before_the_period_or_came_after_it_is_left_out(play: Play, clock: SetClock) -> None:
    play.run({"a": PUBLIC})
    _hours(clock, 24)
    play.run({"a": CLOSED})
    _hours(clock, 48)
    play.run({"a": PUBLIC})
    (only,) = findings_between(play.record, Period(dt.date(2026, 1, 3), dt.date(2026, 1, 3)))
    assert only.outcome is Outcome.PASS
    assert list(findings_between(play.record, Period(dt.date(2025, 1, 1), dt.date(2025, 1, 2)))) == []


def test_what_retention_let_go_is_said_to_be_gone(play: Play, clock: SetClock) -> None:
    play.run({"a": PUBLIC})
    _hours(clock, 24)
    play.run({"a": CLOSED})
    with play.record.engine.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE finding SET observed = NULL, reason = NULL, decided = zeroblob(32) "
                "WHERE closed IS NOT NULL"
            )
        )
    pruned, kept = findings_between(play.record, JANUARY)
    assert (pruned.outcome, pruned.observed, pruned.pruned) == (Outcome.FAIL, None, True)
    assert kept.observed == {"item": CLOSED}
    (then,) = query.findings(play.record, "2026-01-01T23:59:59.999Z")
    assert (then.outcome, then.observed, then.pruned) == (Outcome.FAIL, None, True)


def _gap(resource: str = "") -> Gap:
    return Gap("s3:ListBuckets", "AccessDenied", "no", "2026-01-01T00:00:00.000Z", resource)


def test_a_gap_lasts_while_one_collection_after_another_meets_it(play: Play, clock: SetClock) -> None:
    for gaps in ([_gap("a"), _gap("b")], [_gap("b")], [], [_gap("b")]):
        play.run({}, gaps=tuple(gaps))
        _hours(clock, 24)
    found = [
        (
            held.gap.resource_id,
            held.first_seen[8:10],
            held.last_seen[8:10],
            held.ended[8:10],
            held.collections,
        )
        for held in gaps_between(play.record, JANUARY)
    ]
    assert found == [("a", "01", "01", "02", 1), ("b", "01", "02", "03", 2), ("b", "04", "04", "", 1)]


def test_a_gap_that_stood_before_the_period_began_is_one_of_it(play: Play, clock: SetClock) -> None:
    play.run({}, gaps=(_gap("a"),))
    _hours(clock, 48)
    play.run({})
    second = Period(dt.date(2026, 1, 2), dt.date(2026, 1, 2))
    (held,) = gaps_between(play.record, second)
    assert (held.first_seen[8:10], held.ended, held.collections) == ("01", "", 0)
    third = Period(dt.date(2026, 1, 3), dt.date(2026, 1, 4))
    (held,) = gaps_between(play.record, third)
    assert held.ended.startswith("2026-01-03")


def test_gaps_whose_report_was_let_go_are_still_said_to_have_been(play: Play) -> None:
    play.run({}, gaps=(_gap("a"), _gap("b")))
    with play.record.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM blob WHERE hash IN (SELECT report FROM collection_state)"))
    (held,) = gaps_between(play.record, JANUARY)
    assert held.gap.code == query.PRUNED
    assert "2 gaps" in held.gap.message
