"""Within a run one commit in a quarter of a second waits for the disk; outside of runs, each does."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from store.database import engine_for
from store.group_commit import INTERVAL_S, GroupCommit

NORMAL, FULL = 1, 2


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = engine_for(tmp_path / "a.db")
    yield engine
    engine.dispose()


def waits(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.exec_driver_sql("pragma synchronous").scalar_one())


def test_outside_of_a_run_every_commit_waits(engine: sa.Engine) -> None:
    with GroupCommit(engine).acknowledging():
        assert waits(engine) == FULL
    assert waits(engine) == FULL


def test_within_a_run_a_commit_waits_once_an_interval_has_passed(engine: sa.Engine) -> None:
    clock = Clock()
    commits = GroupCommit(engine, clock)
    seen = []
    with commits.run():
        for _ in range(5):
            clock.now += INTERVAL_S / 2
            with commits.acknowledging():
                seen.append(waits(engine))
            assert waits(engine) == NORMAL
    assert seen == [NORMAL, FULL, NORMAL, FULL, NORMAL]


def test_after_a_run_every_commit_waits_again_also_if_it_failed(engine: sa.Engine) -> None:
    with pytest.raises(ZeroDivisionError), GroupCommit(engine).run():
        raise ZeroDivisionError
    assert waits(engine) == FULL
