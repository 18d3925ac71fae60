"""A clock that has jumped back writes nothing, until somebody answers for it."""

import datetime as dt
from pathlib import Path

import orjson
import pytest

from store.errors import StoreError
from store.record import DATABASE, Record
from store.verify import verify
from tests.independent_verifier import Verifier
from tests.store.conftest import Play

NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
MINUTE = dt.timedelta(minutes=1)
CLOSED = {"public": False}
WHY = ("the host booted with a dead battery", "Ann")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store with one run, made by a clock that stood at noon, and another that was killed."""
    with Record.writer(tmp_path / "store", lambda: NOON) as record:
        play = Play(record)
        play.run({"a": CLOSED})
        play.begin()
    return tmp_path / "store"


def entries(store: Path, kind: str) -> list[dict[str, str]]:
    with Record.open(store) as record, record.engine.connect() as connection:
        query = "SELECT dictionary_id, entry FROM log WHERE kind = ? ORDER BY seq"
        rows = connection.exec_driver_sql(query, (kind,)).all()
        return [orjson.loads(record.blobs.decompress(connection, *row)) for row in rows]


def test_a_clock_that_has_jumped_back_is_refused_and_nothing_is_written(store: Path) -> None:
    before = (store / DATABASE).read_bytes()
    with (
        pytest.raises(
            StoreError, match=r"says 2026-01-01T11:57:00.000Z.*goes up to 2026-01-01T12:00:00.000Z"
        ),
        Record.writer(store, lambda: NOON - 3 * MINUTE),
    ):
        pass
    assert (store / DATABASE).read_bytes() == before
    with Record.open(store) as record:
        assert verify(record).ok


def test_the_refusal_says_what_to_do(store: Path) -> None:
    with pytest.raises(StoreError) as caught, Record.writer(store, lambda: NOON - 3 * MINUTE):
        pass
    assert "annexa checkpoint accept-clock" in caught.value.hint


@pytest.mark.parametrize("moved", [-2 * MINUTE, -MINUTE, MINUTE, 10_000 * MINUTE])
def test_a_small_step_back_and_any_step_ahead_are_as_usual(store: Path, moved: dt.timedelta) -> None:
    with Record.writer(store, lambda: NOON + moved) as record:
        Play(record, runs=2).run({"a": CLOSED})
        assert verify(record).ok


def test_a_collection_counts_whose_run_was_killed(store: Path) -> None:
    with Record.writer(store, lambda: NOON) as record:
        play = Play(record, runs=2)
        uid, run_id, keys = play.begin()
        record.clock = lambda: NOON + 60 * MINUTE
        play.collect(uid, run_id, keys, {"a": CLOSED})
    with pytest.raises(StoreError, match="goes up to 2026-01-01T13:00"), Record.writer(store, lambda: NOON):
        pass


def test_a_clock_is_accepted_with_a_trace_and_times_begin_anew(store: Path) -> None:
    hour_ago = NOON - 60 * MINUTE
    with Record.writer(store, lambda: hour_ago, accept_clock=WHY) as record:
        assert verify(record).ok
    [entry] = entries(store, "clock")
    assert entry == {
        "v": 1,
        "kind": "clock",
        "at": "2026-01-01T11:00:00.000Z",
        "before": "2026-01-01T12:00:00.000Z",
        "reason": WHY[0],
        "by": WHY[1],
    }
    with Record.writer(store, lambda: hour_ago) as record:
        Play(record, runs=2).run({"a": CLOSED})
        assert verify(record).ok
    assert Verifier(store).run() == []
    with (
        pytest.raises(StoreError, match="goes up to 2026-01-01T11"),
        Record.writer(store, lambda: hour_ago - 3 * MINUTE),
    ):
        pass


def test_the_killed_run_is_marked_after_the_clock_was_accepted(store: Path) -> None:
    with Record.writer(store, lambda: NOON - 60 * MINUTE, accept_clock=WHY):
        pass
    with Record.open(store) as record, record.engine.connect() as connection:
        kinds = connection.exec_driver_sql("SELECT kind FROM log ORDER BY seq DESC LIMIT 2").scalars().all()
    assert kinds == ["run", "clock"]


def test_a_clock_that_is_not_behind_needs_nobody_to_accept_it(store: Path) -> None:
    before = (store / DATABASE).read_bytes()
    with (
        pytest.raises(StoreError, match="is not behind"),
        Record.writer(store, lambda: NOON, accept_clock=WHY),
    ):
        pass
    assert (store / DATABASE).read_bytes() == before
