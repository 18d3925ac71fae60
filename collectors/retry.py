"""Asking again: full-jitter exponential back-off that honours what the provider says."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from collectors.ratelimit import RateLimiter
from collectors.transport import CallError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how patiently.

    Attributes:
        attempts: tries in all; a throttled call gets ``throttled_factor`` times as many.
        base: seconds; the wait before try n is random between 0 and base × 2^(n-1).
        cap: the longest of these waits, in seconds.
        longest_retry_after: a provider that asks for a longer wait, in seconds, gets no other try.
    """

    attempts: int = 5
    throttled_factor: int = 2
    base: float = 0.5
    cap: float = 20.0
    longest_retry_after: float = 120.0


_HOPELESS_AFTER = 3


class Retrier:
    """Makes calls of one scope, again where that may help, never faster than the limiter allows.

    An operation that failed to the last try several times in a row, and never gave an answer
    between, is tried only once from then on: an endpoint that does not know it must not cost a
    back-off for every resource.

    Args:
        sleep: waits so many seconds; returns True if the run was cancelled meanwhile.
        random: gives a number from 0 to 1.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        limiter: RateLimiter,
        sleep: Callable[[float], bool],
        random: Callable[[], float] = random.random,
    ) -> None:
        self._policy = policy
        self._limiter = limiter
        self._sleep = sleep
        self._random = random
        self._exhausted: dict[str, int] = {}
        self._lock = threading.Lock()

    def run(self, region: str, call: str, attempt: Callable[[], T]) -> T:
        """Run ``attempt`` until it succeeds, fails for good, or the tries are used up.

        Raises:
            CallError: of the last try; code ``Cancelled`` if the run was cancelled.
        """
        hopeless = self._exhausted.get(call, 0) >= _HOPELESS_AFTER
        tried = 0
        while True:
            self._wait(self._limiter.reserve(region, call))
            try:
                result = attempt()
            except CallError as error:
                tried += 1
                if error.throttled:
                    self._limiter.throttled(region, call)
                if not self._may_retry(error, tried, hopeless):
                    self._note_failure(call, error)
                    raise
                self._wait(self._delay(error, tried))
            else:
                self._limiter.succeeded(region, call)
                self._exhausted.pop(call, None)
                return result

    def _may_retry(self, error: CallError, tried: int, hopeless: bool) -> bool:
        if (error.retry_after or 0.0) > self._policy.longest_retry_after:
            return False
        if error.throttled:
            return tried < self._policy.attempts * self._policy.throttled_factor
        return error.retryable and not hopeless and tried < self._policy.attempts

    def _delay(self, error: CallError, tried: int) -> float:
        jittered = self._random() * min(self._policy.cap, self._policy.base * 2.0 ** (tried - 1))
        return max(jittered, error.retry_after or 0.0)

    def _note_failure(self, call: str, error: CallError) -> None:
        if error.retryable and not error.throttled:
            with self._lock:
                self._exhausted[call] = self._exhausted.get(call, 0) + 1

    def _wait(self, seconds: float) -> None:
        # Waiting 0 seconds still asks whether the run was cancelled.
        if self._sleep(seconds):
            raise CallError("Cancelled", "the run was stopped")
