"""What was asked while one collection was read: the provenance that an auditor accepts it by."""

import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from collectors.transport import Answer
from store.instant import rfc3339


@dataclass(slots=True)
class CallTally:
    """One call as its definition writes it, over all resources.

    Attributes:
        parameters: with templates as written.
        pages: answers read.
        items: resources listed, for list calls.
        count: times the call was made, not counting further pages and tries.
        absent: how many of these the provider answered with "there is none".
        failed: how many of these gave no answer, or not all of it.
        batched: how many of the pages came in batches, with answers to other requests.
    """

    call: str
    parameters: dict[str, Any]
    pages: int = 0
    items: int = 0
    count: int = 0
    absent: int = 0
    failed: int = 0
    batched: int = 0

    def told(self) -> dict[str, Any]:
        """Return it as plain JSON; of batches only where there were any."""
        return {key: value for key, value in asdict(self).items() if value or key != "batched"}


class Ledger:
    """Counts the calls of one collection; written to from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._tallies: dict[tuple[str, str], CallTally] = {}
        self._endpoints: set[str] = set()
        self._first_request: datetime | None = None
        self._last_receipt: datetime | None = None
        self._provider_time: datetime | None = None
        self._captured: datetime | None = None
        self._skew: float | None = None
        self._calls = 0

    @property
    def calls(self) -> int:
        """Calls made so far."""
        return self._calls

    def asked(self, call: str, parameters: Mapping[str, Any], at: datetime) -> None:
        """Note that a call is made, at ``at``."""
        with self._lock:
            self._calls += 1
            self._tally(call, parameters).count += 1
            if self._first_request is None or at < self._first_request:
                self._first_request = at

    def answered(self, call: str, parameters: Mapping[str, Any], answer: Answer) -> None:
        """Note one page."""
        with self._lock:
            tally = self._tally(call, parameters)
            tally.pages += 1
            tally.batched += answer.batched
            if answer.endpoint:
                self._endpoints.add(answer.endpoint)
            if self._last_receipt is None or answer.received >= self._last_receipt:
                self._last_receipt = answer.received
                self._provider_time = answer.provider_time or self._provider_time
            if answer.provider_time is not None and self._skew is None:
                self._skew = (answer.provider_time - answer.received).total_seconds()

    def absent(self, call: str, parameters: Mapping[str, Any]) -> None:
        """Note that the provider said that there is nothing."""
        with self._lock:
            self._tally(call, parameters).absent += 1

    def failed(self, call: str, parameters: Mapping[str, Any]) -> None:
        """Note that a call that was made gave no answer, or not all of its pages."""
        with self._lock:
            self._tally(call, parameters).failed += 1

    def captured(self, moment: datetime) -> None:
        """Note of which moment an inventory tells, where that is not the moment of its answer."""
        with self._lock:
            if self._captured is None or moment < self._captured:
                self._captured = moment

    def include(self, other: "Ledger") -> None:
        """Take over what another ledger noted, for answers that serve several collections."""
        with other._lock:
            theirs = [CallTally(**asdict(tally)) for tally in other._tallies.values()]
        self.draw(other, theirs)

    def draw(self, other: "Ledger", tallies: Iterable[CallTally]) -> None:
        """Take over endpoints and times of another ledger, and of its calls what these tallies say."""
        with other._lock:
            endpoints, skew, captured = set(other._endpoints), other._skew, other._captured
            first, last, provider_time = other._first_request, other._last_receipt, other._provider_time
        if captured is not None:
            self.captured(captured)
        with self._lock:
            for tally in tallies:
                mine = self._tally(tally.call, tally.parameters)
                mine.pages += tally.pages
                mine.items += tally.items
                mine.count += tally.count
                mine.absent += tally.absent
                mine.failed += tally.failed
                mine.batched += tally.batched
            self._endpoints |= endpoints
            if first is not None and (self._first_request is None or first < self._first_request):
                self._first_request = first
            if last is not None and (self._last_receipt is None or last > self._last_receipt):
                self._last_receipt, self._provider_time = last, provider_time
            if self._skew is None:
                self._skew = skew

    def listed(self, call: str, parameters: Mapping[str, Any], items: int) -> None:
        """Note how many resources a page held."""
        with self._lock:
            self._tally(call, parameters).items += items

    def provenance(self) -> dict[str, Any]:
        """Return calls, endpoints and times as plain JSON.

        ``provider_time`` is the provider's clock at the last answer, or the moment of which an inventory
        told. ``skew_s`` is the provider's clock minus ours, in seconds, at the first answer; the
        provider's clock has a resolution of one second.
        """
        with self._lock:
            return {
                "calls": [tally.told() for tally in self._tallies.values()],
                "endpoints": sorted(self._endpoints),
                "first_request": _written(self._first_request),
                "last_receipt": _written(self._last_receipt),
                "provider_time": _written(self._captured or self._provider_time),
                "skew_s": None if self._skew is None else round(self._skew, 3),
            }

    def _tally(self, call: str, parameters: Mapping[str, Any]) -> CallTally:
        key = (call, repr(parameters))
        if key not in self._tallies:
            self._tallies[key] = CallTally(call, dict(parameters))
        return self._tallies[key]


def _written(moment: datetime | None) -> str | None:
    return None if moment is None else rfc3339(moment)
