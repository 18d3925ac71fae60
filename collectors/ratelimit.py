"""Token buckets that keep calls below a provider's published limits, and slow down when told to."""

import threading
import time
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase
from pathlib import Path

from pydantic import Field

from store.definition_file import parse, read_tables
from store.model import Strict


class Limit(Strict):
    """A published limit.

    Attributes:
        call: pattern over ``service:Operation``; the first limit that matches applies.
        rate: calls per second that may go on for ever, each of the cost 1.
        burst: calls that may be made at once after a pause, each of the cost 1.
        shared: all calls that match draw on one bucket, in whatever region, instead of one for each
            operation and region.
        bucket: limits of one name draw on one bucket, that of the first of them, in whatever region.
        cost: what a call takes out of the bucket, for providers that count some calls more than once.
        source: where the provider says so.
    """

    call: str = Field(pattern=r"^[^:]+:.+$")
    rate: float = Field(gt=0)
    burst: int = Field(ge=1)
    shared: bool = False
    bucket: str = ""
    cost: int = Field(default=1, ge=1)
    source: str = ""


DEFAULT_LIMIT = Limit(call="*:*", rate=50, burst=100)
"""Where nothing is published; throttling lowers it."""

_SLOWEST = 0.05
_RECOVERY = 0.02
_SAME_MOMENT = 0.5
"""Seconds within which calls that were under way together are told the same."""


def load_limits(path: Path) -> tuple[Limit, ...]:
    """Read the ``[[limit]]`` tables of a file.

    Raises:
        DefinitionError: naming file and key.
    """
    return tuple(
        parse(Limit, table, path, str(table.get("call", "?"))) for table in read_tables(path, "limit")
    )


class _Bucket:
    def __init__(self, limit: Limit, now: float) -> None:
        self.limit = limit
        self.rate = limit.rate
        self.tokens = float(limit.burst)
        self.at = now
        self.lowered: float | None = None

    def refill(self, now: float) -> None:
        self.tokens = min(float(self.limit.burst), self.tokens + max(0.0, now - self.at) * self.rate)
        self.at = max(now, self.at)


class RateLimiter:
    """One bucket for each region, service and operation of one scope, or for each shared limit.

    Args:
        limits: the first that matches a call applies, else ``DEFAULT_LIMIT``.
        now: monotonic seconds.
    """

    def __init__(self, limits: Iterable[Limit] = (), now: Callable[[], float] = time.monotonic) -> None:
        self._limits = tuple(limits)
        self._now = now
        self._buckets: dict[tuple[str, str], _Bucket] = {}
        self._costs: dict[tuple[str, str], int] = {}
        self._shared: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def reserve(self, region: str, call: str) -> float:
        """Take a token, and return the seconds to wait before the call may be made."""
        with self._lock:
            bucket = self._bucket(region, call)
            bucket.refill(self._now())
            bucket.tokens -= self._costs[region, call]
            return 0.0 if bucket.tokens >= 0 else -bucket.tokens / bucket.rate

    def throttled(self, region: str, call: str) -> None:
        """Halve the rate: the provider asked for it. Calls refused in one moment count once."""
        with self._lock:
            bucket, now = self._bucket(region, call), self._now()
            bucket.refill(now)
            if bucket.lowered is None or now - bucket.lowered >= _SAME_MOMENT:
                bucket.rate = max(bucket.limit.rate * _SLOWEST, bucket.rate / 2)
                bucket.lowered = now
            bucket.tokens = min(bucket.tokens, 0.0)

    def succeeded(self, region: str, call: str) -> None:
        """Let a lowered rate recover a little."""
        with self._lock:
            bucket = self._bucket(region, call)
            if bucket.rate < bucket.limit.rate:
                bucket.refill(self._now())
                bucket.rate = min(bucket.limit.rate, bucket.rate + bucket.limit.rate * _RECOVERY)

    def rate(self, region: str, call: str) -> float:
        """Return the present rate in calls per second."""
        with self._lock:
            return self._bucket(region, call).rate

    def _bucket(self, region: str, call: str) -> _Bucket:
        found = self._buckets.get((region, call))
        if found is None:
            limit = next((limit for limit in self._limits if fnmatchcase(call, limit.call)), DEFAULT_LIMIT)
            bucket = _Bucket(limit, self._now())
            if limit.shared or limit.bucket:
                bucket = self._shared.setdefault(limit.bucket or limit.call, bucket)
            self._costs[region, call] = limit.cost
            found = self._buckets[region, call] = bucket
        return found
