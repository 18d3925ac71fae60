"""Retries: full jitter, patience with throttling, no back-off for what will never work."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from collectors.ratelimit import DEFAULT_LIMIT, Limit, RateLimiter, load_limits
from collectors.retry import Retrier, RetryPolicy
from collectors.transport import CallError
from store.errors import DefinitionError

CALL = "s3:ListBuckets"


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []
        self.cancelled = False

    def sleep(self, seconds: float) -> bool:
        if seconds:
            self.slept.append(seconds)
        self.now += seconds
        return self.cancelled


def failing(*errors: CallError) -> Callable[[], str]:
    left = list(errors)

    def attempt() -> str:
        if left:
            raise left.pop(0)
        return "answer"

    return attempt


def retrier(clock: Clock, limiter: RateLimiter | None = None, **policy: float) -> Retrier:
    made = RetryPolicy(**policy)  # type: ignore[arg-type]
    return Retrier(made, limiter or RateLimiter(now=lambda: clock.now), clock.sleep, random=lambda: 1.0)


def transient() -> CallError:
    return CallError("500", "oops", retryable=True)


def throttled(retry_after: float | None = None) -> CallError:
    return CallError("Throttling", "slow", retryable=True, throttled=True, retry_after=retry_after)


def test_backs_off_exponentially_up_to_the_cap() -> None:
    clock = Clock()
    assert retrier(clock, attempts=9).run("r", CALL, failing(*[transient()] * 8)) == "answer"
    assert clock.slept == [0.5, 1, 2, 4, 8, 16, 20, 20]


def test_jitter_is_full() -> None:
    clock = Clock()
    lucky = Retrier(RetryPolicy(), RateLimiter(now=lambda: clock.now), clock.sleep, random=lambda: 0.0)
    assert lucky.run("r", CALL, failing(transient(), transient())) == "answer"
    assert clock.slept == []


def test_gives_up_after_its_attempts() -> None:
    tries = 0

    def attempt() -> None:
        nonlocal tries
        tries += 1
        raise transient()

    with pytest.raises(CallError, match="oops"):
        retrier(Clock()).run("r", CALL, attempt)
    assert tries == 5


def test_never_retries_what_cannot_pass() -> None:
    clock = Clock()
    with pytest.raises(CallError, match="AccessDenied"):
        retrier(clock).run("r", CALL, failing(CallError("AccessDenied", "no")))
    assert clock.slept == []


def test_throttling_gets_more_attempts_and_waits_as_asked() -> None:
    clock = Clock()
    assert retrier(clock, cap=0.1).run("r", CALL, failing(*[throttled(3)] * 9)) == "answer"
    assert [wait for wait in clock.slept if wait == 3] == [3] * 9
    with pytest.raises(CallError, match="Throttling"):
        retrier(Clock()).run("r", CALL, failing(*[throttled()] * 10))


def test_does_not_wait_for_ever_because_it_is_asked_to() -> None:
    clock = Clock()
    with pytest.raises(CallError):
        retrier(clock).run("r", CALL, failing(throttled(3600)))
    assert clock.slept == []


def test_an_operation_that_never_works_is_soon_tried_once() -> None:
    clock = Clock()
    made = retrier(clock, attempts=3)
    tries = 0

    def attempt() -> None:
        nonlocal tries
        tries += 1
        raise transient()

    for _ in range(5):
        with pytest.raises(CallError):
            made.run("r", CALL, attempt)
    assert tries == 3 * 3 + 2
    assert made.run("r", CALL, failing()) == "answer"
    with pytest.raises(CallError):
        made.run("r", CALL, attempt)
    assert tries == 3 * 3 + 2 + 3


def test_can_be_interrupted() -> None:
    clock = Clock()
    clock.cancelled = True
    with pytest.raises(CallError, match="Cancelled"):
        retrier(clock).run("r", CALL, failing())
    event = threading.Event()
    event.set()
    with pytest.raises(CallError, match="Cancelled"):
        Retrier(RetryPolicy(), RateLimiter(), event.wait).run("r", CALL, failing())


def test_bucket_lets_a_burst_through_and_then_the_rate() -> None:
    clock = Clock()
    limiter = RateLimiter([Limit(call="s3:*", rate=10, burst=3)], now=lambda: clock.now)
    assert [limiter.reserve("r", CALL) for _ in range(5)] == [0, 0, 0, pytest.approx(0.1), pytest.approx(0.2)]
    assert limiter.reserve("other", CALL) == 0
    assert limiter.reserve("r", "s3:Other") == 0
    clock.now = 10
    assert limiter.reserve("r", CALL) == 0


def test_throttling_halves_the_rate_and_success_brings_it_back() -> None:
    clock = Clock()
    limiter = RateLimiter([Limit(call="*:*", rate=10, burst=10)], now=lambda: clock.now)
    limiter.throttled("r", CALL)
    assert limiter.rate("r", CALL) == 5
    assert limiter.reserve("r", CALL) == pytest.approx(0.2)
    for _ in range(20):
        clock.now += 1
        limiter.throttled("r", CALL)
    assert limiter.rate("r", CALL) == 0.5
    for _ in range(60):
        limiter.succeeded("r", CALL)
    assert limiter.rate("r", CALL) == 10


def test_first_matching_limit_applies() -> None:
    limits = [Limit(call="lambda:GetFunction", rate=100, burst=1), Limit(call="lambda:*", rate=15, burst=1)]
    limiter = RateLimiter(limits)
    assert limiter.rate("r", "lambda:GetFunction") == 100
    assert limiter.rate("r", "lambda:GetPolicy") == 15
    assert limiter.rate("r", "sns:ListTopics") == DEFAULT_LIMIT.rate


def test_limits_are_read_from_toml(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text('[[limit]]\ncall = "a:B"\nrate = 2\nburst = 1\n')
    assert load_limits(path) == (Limit(call="a:B", rate=2, burst=1),)
    path.write_text('[[limit]]\ncall = "a:B"\nrate = -1\nburst = 1\n')
    with pytest.raises(DefinitionError, match="rate"):
        load_limits(path)


def test_calls_that_share_a_limit_draw_on_one_bucket() -> None:
    clock = Clock()
    shared = Limit(call="arm:*", rate=10, burst=2, shared=True)
    limiter = RateLimiter([Limit(call="arm:GET /own", rate=10, burst=1), shared], now=lambda: clock.now)
    waits = [limiter.reserve(region, f"arm:GET /{n}") for n, region in enumerate(["", "west", "north", ""])]
    assert waits == [0, 0, pytest.approx(0.1), pytest.approx(0.2)]
    assert limiter.reserve("", "arm:GET /own") == 0
    limiter.throttled("west", "arm:GET /1")
    assert limiter.rate("north", "arm:GET /2") == 5


def test_calls_that_are_refused_in_one_moment_halve_the_rate_once() -> None:
    clock = Clock()
    limiter = RateLimiter([Limit(call="*:*", rate=10, burst=10)], now=lambda: clock.now)
    for _ in range(16):
        limiter.throttled("r", CALL)
    assert limiter.rate("r", CALL) == 5
    clock.now = 1
    limiter.throttled("r", CALL)
    assert limiter.rate("r", CALL) == 2.5


def test_a_call_that_counts_more_takes_more_out_of_the_bucket_that_limits_share() -> None:
    clock = Clock()
    dear = Limit(call="graph:GET /dear", rate=10, burst=10, bucket="units", cost=8)
    cheap = Limit(call="graph:*", rate=10, burst=10, bucket="units")
    limiter = RateLimiter([dear, cheap], now=lambda: clock.now)
    assert limiter.reserve("", "graph:GET /dear") == 0
    assert [limiter.reserve("", f"graph:GET /{n}") for n in range(3)] == [0, 0, pytest.approx(0.1)]
    assert limiter.reserve("", "graph:GET /dear") == pytest.approx(0.9)
