"""One streamed collection: documents while it is read, the report when it has ended."""

from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from store.errors import AnnexaError
from store.instant import rfc3339
from store.model import Document, Gap, Report

Produce = Callable[[Report], Iterator[Document]]
"""Yields documents and fills the report it is given; sets ``complete`` only at the true end."""


class Collection(AbstractContextManager["Collection"]):
    """Iterate it once for its documents; then ``report`` says how it went.

    It may be left before its end: ``close`` (or leaving the ``with`` block) stops the reading,
    and the report then says that it is incomplete. Whatever goes wrong while reading becomes a
    gap of the report; iterating never raises for it.

    Args:
        produce: yields the documents, and fills the report. Called when iteration begins.
        clock: returns the time, with a time zone.
    """

    def __init__(self, produce: Produce, clock: Callable[[], datetime] | None = None) -> None:
        self.report = Report()
        self._clock = clock or (lambda: datetime.now(UTC))
        self._documents = self._read(produce)

    def __iter__(self) -> Iterator[Document]:
        return self._documents

    def close(self) -> None:
        """Stop reading. Does nothing where the end was reached."""
        if not self.report.started:  # a generator that never ran runs no clean-up either
            self.report.started = self.report.finished = rfc3339(self._clock())
            self._record_stop()
        self._documents.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, produce: Produce) -> Generator[Document, None, None]:
        report = self.report
        report.started = rfc3339(self._clock())
        try:
            yield from produce(report)
        except GeneratorExit:
            self._record_stop()
            raise
        except AnnexaError as error:
            self._record(type(error).__name__, str(error))
        except Exception as error:  # noqa: BLE001 - a fault in one collector must not end the run
            self._record("InternalError", f"{type(error).__name__}: {error}")
        finally:
            report.finished = rfc3339(self._clock())

    def _record_stop(self) -> None:
        self._record("StoppedEarly", "the reader stopped before the end")

    def _record(self, code: str, message: str) -> None:
        self.report.complete = False
        self.report.gaps.append(Gap(call="", code=code, message=message, at=rfc3339(self._clock())))
