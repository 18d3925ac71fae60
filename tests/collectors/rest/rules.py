"""Which requests go wrong, and how, on a server that otherwise answers well."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from annexa.demo.loopback import Answer, Asked

Matcher = Callable[[Asked], bool]
Faulty = Callable[[Asked, Callable[[], Answer | None]], Answer | None]
"""Makes the answer, from the right one if it likes; None keeps the client waiting."""


@dataclass
class Rule:
    """Which requests go wrong, and how.

    Attributes:
        times: so many at most; None is for ever.
        after: so many matching requests pass first.
    """

    matches: Matcher
    fault: Faulty
    times: int | None = None
    after: int = 0
    seen: int = field(default=0, init=False)

    def takes(self, asked: Asked) -> bool:
        if not self.matches(asked):
            return False
        self.seen += 1
        return self.seen > self.after and (self.times is None or self.seen <= self.after + self.times)


class Rules(list[Rule]):
    """Rules in order: the first that takes a request decides."""

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def answer(self, asked: Asked, right: Callable[[], Answer | None]) -> Answer | None:
        """Answer by the rule that takes the request, or rightly."""
        with self._lock:
            rule = next((each for each in self if each.takes(asked)), None)
        return rule.fault(asked, right) if rule else right()


def at(path: str) -> Matcher:
    """Requests whose path ends so, in any case; of every page."""
    return lambda asked: asked.path.lower().endswith(path.lower())


def send(status: int, body: bytes, content_type: str = "application/json") -> Faulty:
    """Every time the same bytes."""
    return lambda asked, right: Answer(status, (("Content-Type", content_type),), body)


def hold(asked: Asked, right: Callable[[], Answer | None]) -> None:
    """No answer."""


def truncate(asked: Asked, right: Callable[[], Answer | None]) -> Answer:
    """The right answer as far as its middle, with a length that fits, and as a success."""
    answer = right()
    assert answer is not None
    return replace(answer, status=200, body=answer.body[: len(answer.body) // 2])


def mistype(asked: Asked, right: Callable[[], Answer | None]) -> Answer:
    """A list where there should be an object, and an object where there should be a list."""
    answer = right()
    assert answer is not None
    wrong: object = {"message": "Sign in"} if isinstance(json.loads(answer.body), list) else ["Sign in"]
    return replace(answer, status=200, body=json.dumps(wrong).encode())


def break_off(asked: Asked, right: Callable[[], Answer | None]) -> Answer:
    """The right answer as far as its middle; then the connection ends."""
    answer = right()
    assert answer is not None
    return Answer(answer.status, answer.headers, answer.body, cut=len(answer.body) // 2)
