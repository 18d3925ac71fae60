"""Reading many collections at once: all that is there, in small batches, no faster than it is taken."""

import threading
import time
from collections import Counter
from collections.abc import Iterator

from annexa.plugin import Collection, Discovery, Document, Report, Scope, Target
from scheduler.plan import Job, plan
from scheduler.readers import Batch, read
from tests.scheduler.memory_collector import (
    MemoryCollector,
    Reader,
    complete,
    document,
    documents,
    gap,
    incomplete,
    raising,
    scope,
)

_PATIENCE_S = 10.0
_BOOK, _MAP = "memory.shelf.book", "memory.shelf.map"


def _jobs(collector: MemoryCollector) -> list[Job]:
    return plan([collector], {"memory": Discovery(collector.scopes)}, {})


def _read(collector: MemoryCollector, workers: int = 4) -> list[Batch]:
    return list(read(_jobs(collector), workers, threading.Event()))


def _ends(batches: list[Batch]) -> dict[tuple[str, str], Report]:
    return {
        (batch.job.scope.id, batch.job.target.resource_type): batch.report
        for batch in batches
        if batch.report is not None
    }


def test_every_document_arrives_and_every_job_ends_once() -> None:
    collector = MemoryCollector()
    collector.scopes = tuple(scope(f"scope-{index}") for index in range(5))
    collector.types = (_BOOK, _MAP)
    for each in collector.scopes:
        collector.readers[each.id, _BOOK] = complete(documents(250))

    batches = _read(collector)

    arrived = Counter(batch.job.scope.id for batch in batches for _ in batch.documents)
    assert arrived == {each.id: 250 for each in collector.scopes}
    assert sum(batch.report is not None for batch in batches) == 10
    assert all(report.complete for report in _ends(batches).values())


def test_documents_of_a_job_arrive_in_order_and_before_its_end() -> None:
    collector = MemoryCollector()
    collector.readers["one", _BOOK] = complete(documents(350))

    batches = _read(collector)

    names = [each.name for batch in batches for each in batch.documents]
    assert names == [each.name for each in documents(350)]
    assert [batch.report is not None for batch in batches] == [False] * (len(batches) - 1) + [True]
    assert max(len(batch.documents) for batch in batches) <= 100


def test_a_job_without_documents_ends_as_well() -> None:
    (batch,) = _read(MemoryCollector())
    assert batch.documents == ()
    assert batch.report is not None
    assert batch.report.complete


def test_without_jobs_nothing_is_read() -> None:
    assert list(read([], 4, threading.Event())) == []


def test_a_collection_that_breaks_is_incomplete_and_the_others_are_not() -> None:
    collector = MemoryCollector()
    collector.types = (_BOOK, _MAP)
    collector.readers["one", _BOOK] = raising(documents(3), ZeroDivisionError("by zero"))
    collector.readers["one", _MAP] = complete(documents(2, _MAP))

    batches = _read(collector)

    ends = _ends(batches)
    assert not ends["one", _BOOK].complete
    assert [each.code for each in ends["one", _BOOK].gaps] == ["InternalError"]
    assert "ZeroDivisionError: by zero" in ends["one", _BOOK].gaps[0].message
    assert ends["one", _MAP].complete
    assert sum(len(batch.documents) for batch in batches) == 5


class _NoCollection(MemoryCollector):
    """Breaks where the contract says that nothing may break."""

    def collect(self, scope: Scope, target: Target) -> Collection:
        raise KeyError("a fault of the plugin")


def test_a_collector_that_cannot_even_begin_gives_an_incomplete_collection() -> None:
    (batch,) = _read(_NoCollection())

    assert batch.report is not None
    assert not batch.report.complete
    assert batch.report.started
    assert [(each.code, "a fault of the plugin" in each.message) for each in batch.report.gaps] == [
        ("InternalError", True)
    ]


def test_what_a_collector_says_of_its_gaps_arrives() -> None:
    collector = MemoryCollector()
    collector.readers["one", _BOOK] = incomplete(documents(1), gap(code="Throttled"))

    report = _ends(_read(collector))["one", _BOOK]

    assert not report.complete
    assert [each.code for each in report.gaps] == ["Throttled"]


def test_a_slow_scope_does_not_hold_up_the_others() -> None:
    collector = MemoryCollector()
    collector.scopes = (scope("slow"), scope("quick"))
    collector.types = tuple(f"memory.shelf.kind-{index}" for index in range(6))
    may_go_on = threading.Event()
    for kind in collector.types:
        collector.readers["slow", kind] = _waiting(may_go_on)
        collector.readers["quick", kind] = complete(documents(1, kind))

    ended = []
    for batch in read(_jobs(collector), 2, threading.Event()):
        if batch.report is not None:
            ended.append(batch.job.scope.id)
        if ended.count("quick") == 6:
            may_go_on.set()

    assert ended == ["quick"] * 6 + ["slow"] * 6


def test_workers_that_are_free_help_the_only_scope_left() -> None:
    collector = MemoryCollector()
    collector.types = ("memory.shelf.one", "memory.shelf.two", "memory.shelf.three")
    together = threading.Barrier(3)

    def read_together(report: Report) -> Iterator[Document]:
        together.wait(_PATIENCE_S)
        yield document("a")
        report.complete = True

    for kind in collector.types:
        collector.readers["one", kind] = read_together

    assert all(report.complete for report in _ends(_read(collector, workers=3)).values())


def test_reading_goes_no_faster_than_what_is_read_is_taken() -> None:
    collector = MemoryCollector()
    produced = _Counted(1_000_000)
    collector.readers["one", _BOOK] = produced

    cancelled = threading.Event()
    batches = read(_jobs(collector), 2, cancelled)
    next(batches)
    begun = produced.when_still()

    assert begun < 2_000
    next(batches)
    assert begun < produced.when_still() < begun + 1_000
    cancelled.set()
    assert sum(len(batch.documents) for batch in batches) < 2_000


def test_a_cancelled_reading_begins_nothing_more_and_ends_without_reports() -> None:
    collector = MemoryCollector()
    collector.types = tuple(f"memory.shelf.kind-{index}" for index in range(20))
    cancelled = threading.Event()

    def endless(report: Report) -> Iterator[Document]:
        del report
        while True:
            yield document("again")

    for kind in collector.types:
        collector.readers["one", kind] = endless

    batches = []
    for batch in read(_jobs(collector), 2, cancelled):
        batches.append(batch)
        cancelled.set()

    assert len(collector.asked) == 2
    assert all(batch.report is None for batch in batches)


def test_leaving_early_stops_the_threads() -> None:
    collector = MemoryCollector()
    collector.types = tuple(f"memory.shelf.kind-{index}" for index in range(4))
    for kind in collector.types:
        collector.readers["one", kind] = _Counted(1_000_000)

    batches = read(_jobs(collector), 4, threading.Event())
    next(batches)
    assert _reading()
    batches.close()  # type: ignore[attr-defined]

    assert not _reading()


def _reading() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("reader-")]


def _waiting(may_go_on: threading.Event) -> Reader:
    def read_when_allowed(report: Report) -> Iterator[Document]:
        assert may_go_on.wait(_PATIENCE_S), "the quick scope waits for the slow one"
        yield document("a")
        report.complete = True

    return read_when_allowed


class _Counted:
    """A reader that counts what it gives."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._given = 0

    def __call__(self, report: Report) -> Iterator[Document]:
        for each in range(self._number):
            self._given = each + 1
            yield document("a")
        report.complete = True

    def when_still(self) -> int:
        """How many were given, once no more are asked for."""
        deadline = time.monotonic() + _PATIENCE_S
        given = -1
        while given != self._given and time.monotonic() < deadline:
            given = self._given
            time.sleep(0.2)
        return given
