"""Reading many collections at once, handed over in small batches through one bounded queue."""

import queue
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from scheduler.plan import Job
from store.instant import rfc3339, utc_now
from store.model import Document, Gap, Report

_BATCH = 100
_WAIT_S = 0.2


@dataclass(frozen=True, slots=True)
class Batch:
    """Some documents of a job; ``report`` is there when the job has ended."""

    job: Job
    documents: tuple[Document, ...]
    report: Report | None = None


class _Pending:
    """The jobs that nobody reads yet. The next one is of the scope that has the fewest under way.

    So a scope that answers slowly does not end up with every worker while others wait.
    """

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._lock = threading.Lock()
        self._under_way: Counter[str] = Counter()
        self._waiting: dict[str, deque[Job]] = defaultdict(deque)
        for job in jobs:
            self._waiting[job.scope.key].append(job)

    def take(self) -> Job | None:
        """Return the next job, or None if none is left."""
        with self._lock:
            if not self._waiting:
                return None
            key = min(self._waiting, key=self._under_way.__getitem__)
            job = self._waiting[key].popleft()
            # To the end of the row, so that scopes with as many under way take turns.
            left = self._waiting.pop(key)
            if left:
                self._waiting[key] = left
            self._under_way[key] += 1
            return job

    def done(self, job: Job) -> None:
        """Note that a job is no longer under way."""
        with self._lock:
            self._under_way[job.scope.key] -= 1


def read(jobs: Sequence[Job], workers: int, cancelled: threading.Event) -> Iterator[Batch]:
    """Read jobs in ``workers`` threads and yield what they give, as it comes.

    The queue between is bounded, so memory does not grow with what there is to read. When
    ``cancelled`` is set no further job begins, and those under way stop at their next document;
    such jobs yield no report.
    """
    pending = _Pending(jobs)
    ready: queue.Queue[Batch | BaseException | None] = queue.Queue(maxsize=2 * workers)
    count = max(1, min(workers, len(jobs)))

    def work() -> None:
        try:
            while not cancelled.is_set():
                job = pending.take()
                if job is None:
                    break
                _read_one(job, ready, cancelled)
                pending.done(job)
        except BaseException as error:  # noqa: BLE001 - the consumer raises it
            ready.put(error)
        finally:
            ready.put(None)

    threads = [threading.Thread(target=work, name=f"reader-{i}", daemon=True) for i in range(count)]
    for thread in threads:
        thread.start()
    running = count
    try:
        while running:
            item = ready.get()
            if item is None:
                running -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item
    finally:
        if running:
            cancelled.set()
            _drain(ready, threads)


def _read_one(
    job: Job, ready: "queue.Queue[Batch | BaseException | None]", cancelled: threading.Event
) -> None:
    batch: list[Document] = []
    try:
        with job.collector.collect(job.scope, job.target) as collection:
            for document in collection:
                batch.append(document)
                if len(batch) >= _BATCH:
                    ready.put(Batch(job, tuple(batch)))
                    batch = []
                if cancelled.is_set():
                    return
            report = collection.report
    except Exception as error:  # noqa: BLE001 - a fault in one plugin must not end the run
        report = _broken(error)
    if not cancelled.is_set():
        ready.put(Batch(job, tuple(batch), report))


def _broken(error: Exception) -> Report:
    at = rfc3339(utc_now())
    gap = Gap(call="", code="InternalError", message=f"{type(error).__name__}: {error}", at=at)
    return Report(gaps=[gap], started=at, finished=at)


def _drain(ready: "queue.Queue[Batch | BaseException | None]", threads: Sequence[threading.Thread]) -> None:
    while any(thread.is_alive() for thread in threads):
        try:
            ready.get(timeout=_WAIT_S)
        except queue.Empty:
            continue
