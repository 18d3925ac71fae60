"""The name of a resource goes with its document: no proof needs it, and it may be a person's."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest

from store.evidence import evidence
from store.history import history
from store.instant import rfc3339
from store.prune import prune
from store.record import DATABASE, Record
from store.verify import verify
from tests.store.conftest import Play

NAMED = b"name of zebedee"


class _Clock:
    now = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)

    def __call__(self) -> dt.datetime:
        return self.now


class Stage:
    """A store whose resources have names that their ids are not."""

    def __init__(self, folder: Path, record: Record, clock: _Clock) -> None:
        self.folder = folder
        self.record = record
        self._clock = clock
        self._play = Play(record)

    def run(self, *resources: str, content: str = "x") -> None:
        self._clock.now += dt.timedelta(days=5)
        self._play.run(dict.fromkeys(resources, content), checks=())

    def prune(self) -> None:
        prune(self.record, rfc3339(self._clock.now - dt.timedelta(days=2)), "the policy", "Ann")

    def raw(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.folder.glob(f"{DATABASE}*"))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    clock = _Clock()
    with Record.writer(tmp_path / "store", clock) as record:
        yield Stage(tmp_path / "store", record, clock)


def test_no_byte_of_a_name_is_left(stage: Stage) -> None:
    stage.run("zebedee", "other")
    stage.run("other")
    stage.run("other")
    assert NAMED in stage.raw()
    stage.prune()
    assert NAMED not in stage.raw()
    assert b"name of other" in stage.raw()
    assert verify(stage.record).problems == []


def test_the_id_stands_for_the_name(stage: Stage) -> None:
    stage.run("zebedee")
    stage.run("other")
    stage.run("other")
    stage.prune()
    [found] = evidence(stage.record, "zebedee")
    assert found.document.name == "zebedee"
    assert found.pruned


def test_the_name_of_a_version_that_is_kept_stays(stage: Stage) -> None:
    stage.run("zebedee", content="first")
    stage.run("zebedee", content="second")
    stage.run("zebedee", content="second")
    stage.prune()
    [versions] = history(stage.record, "name of zebedee")
    assert [bool(version.pruned) for version in versions] == [True, False]
    assert NAMED in stage.raw()


def test_the_same_document_may_come_back_with_its_name(stage: Stage) -> None:
    stage.run("zebedee")
    stage.run("other")
    stage.run("other")
    stage.prune()
    stage.run("zebedee", "other")
    [found] = evidence(stage.record, "zebedee")
    assert found.document.name == "name of zebedee"
    assert verify(stage.record).problems == []
    stage.run("other")
    stage.run("other")
    stage.prune()
    assert NAMED not in stage.raw()
    assert verify(stage.record).problems == []
