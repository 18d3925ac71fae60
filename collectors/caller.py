"""Making the calls of one scope: all pages, bounded, retried, noted in the ledger."""

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from collectors.definition import Call
from collectors.ledger import Ledger
from collectors.plain import normalise_keeping_bytes
from collectors.retry import Retrier
from collectors.transport import Answer, CallError, Request, Transport

MOST_PAGES = 10_000
"""A list that does not end by then is taken for one that never will."""


class AbsentError(CallError):
    """The provider said that there is nothing, with a code that the definition lists as such."""


class Caller:
    """Sends the calls of one scope.

    Args:
        concurrency: calls in flight at once.
        clock: returns the time, with a time zone.
        most_pages: pages after which a call is given up, as a gap.
    """

    def __init__(
        self,
        transport: Transport,
        retrier: Retrier,
        concurrency: int,
        clock: Callable[[], datetime],
        most_pages: int = MOST_PAGES,
    ) -> None:
        self._transport = transport
        self._retrier = retrier
        self._slots = threading.BoundedSemaphore(concurrency)
        self._clock = clock
        self._most_pages = most_pages

    def pages(
        self, call: Call, parameters: dict[str, Any], region: str, ledger: Ledger
    ) -> Iterator[dict[str, Any]]:
        """Yield the body of every page, as plain JSON with bytes still bytes.

        Args:
            call: as its definition writes it.
            parameters: the same with its templates filled in.

        Raises:
            AbsentError: there is nothing.
            CallError: a page could not be read; code ``RepeatedToken`` or ``TooManyPages`` if the
                pages do not end; ``LeftOut``, after the last page, if the provider left something out.
        """
        ledger.asked(call.call, call.with_, self._clock())
        request = Request(call.call, parameters, region)
        seen: set[str] = set()
        left_out = ""
        try:
            for _ in range(self._most_pages):
                answer = self._answer(request)
                body = _plain(answer)
                ledger.answered(call.call, call.with_, answer)
                left_out = left_out or answer.left_out
                yield body
                if answer.next_token is None:
                    if left_out:
                        raise CallError("LeftOut", left_out)
                    return
                token = repr(answer.next_token)
                if token in seen:
                    raise CallError("RepeatedToken", "the same page token came twice, so the list never ends")
                seen.add(token)
                request = replace(request, token=answer.next_token)
            raise CallError("TooManyPages", f"the list goes on after {self._most_pages} pages")
        except CallError as error:
            # Nothing on a later page would contradict the pages before it.
            if request.token is None and means_absent(error, call.absent):
                ledger.absent(call.call, call.with_)
                raise AbsentError(error.code, error.message, status=error.status) from error
            ledger.failed(call.call, call.with_)
            raise

    def whole(self, call: Call, parameters: dict[str, Any], region: str, ledger: Ledger) -> dict[str, Any]:
        """Return all pages as one body: lists joined, of other values the last page's.

        Raises:
            AbsentError: there is nothing.
            CallError: as for :meth:`pages`; some pages without the others are no answer.
        """
        merged: dict[str, Any] = {}
        for page in self.pages(call, parameters, region, ledger):
            merged = _merge(merged, page) if merged else page
        return merged

    def _answer(self, request: Request) -> Answer:
        return self._retrier.run(request.region, request.call, lambda: self._send(request))

    def _send(self, request: Request) -> Answer:
        with self._slots:
            return self._transport.send(request)


def _plain(answer: Answer) -> dict[str, Any]:
    try:
        body: dict[str, Any] = normalise_keeping_bytes(answer.body)
    except (TypeError, ValueError) as error:
        raise CallError("MalformedAnswer", str(error)) from error
    return body


def means_absent(error: CallError, absent: Iterable[str]) -> bool:
    """Say whether an error is one of those that prove that there is nothing.

    Args:
        absent: ``Code``, or ``Code: words`` that the message must also hold, in any case.
    """
    for entry in absent:
        code, _, words = entry.partition(":")
        if error.code == code.strip() and words.strip().lower() in error.message.lower():
            return True
    return False


def _merge(earlier: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    merged = dict(earlier)
    for key, value in later.items():
        before = merged.get(key)
        if isinstance(before, list) and isinstance(value, list):
            merged[key] = before + value
        elif isinstance(before, dict) and isinstance(value, dict):
            merged[key] = _merge(before, value)
        else:
            merged[key] = value
    return merged
