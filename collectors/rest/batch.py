"""Several requests in one: JSON batching, as OData 4.01 defines it and Microsoft Graph speaks it.

Requests that threads make at about the same time go as one. Each has an answer of its own, which is taken
as if it had been asked for alone; what happens to the batch as a whole never counts as an answer to one of
them. See https://learn.microsoft.com/graph/json-batching.
"""

import json
import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from collectors.transport import CallError


@dataclass(frozen=True)
class Batching:
    """How one API takes several requests at once.

    Attributes:
        path: where batches are sent.
        root: what addresses within a batch leave out.
        calls: those that are worth it: what is asked of one resource after another.
        most: requests in a batch.
        linger: seconds that a request waits for company.
    """

    path: str
    root: str
    calls: frozenset[str]
    most: int = 20
    linger: float = 0.01

    def takes(self, call: str, target: str) -> bool:
        """Say whether a call goes by batch, and to this address."""
        return call in self.calls and target.startswith(f"{self.root}/")


@dataclass(frozen=True, slots=True)
class Part:
    """The answer to one request of a batch.

    Attributes:
        headers: its own, by lower-case name.
        content: JSON; empty where there is no body.
        of_batch: headers of the whole.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes
    of_batch: Mapping[str, str]


Post = Callable[[Any], tuple[Mapping[str, str], Any]]
"""Sends a batch; returns the headers and the JSON of its answer.

Raises:
    CallError: there is no usable answer.
"""


class Batcher:
    """Gathers requests of many threads into batches.

    Args:
        headers: gives what each request carries besides its credentials.
        slots: bounds the batches under way; a batch takes in requests for as long as it waits for one.
    """

    def __init__(
        self,
        batching: Batching,
        post: Post,
        headers: Callable[[], Mapping[str, str]],
        slots: AbstractContextManager[Any],
    ) -> None:
        self._batching = batching
        self._post = post
        self._headers = headers
        self._slots = slots
        self._changed = threading.Condition()
        self._open: _Batch | None = None
        self._alone: set[str] = set()
        self._refused = False

    def get(self, target: str) -> Part | None:
        """Ask for one address, in company.

        Args:
            target: path and query.

        Returns:
            its answer; None if it is to be asked for alone: nobody came along, batches are not taken here, or
            the last one that it was in came to nothing.

        Raises:
            CallError: the batch as a whole had no usable answer, which may be tried again.
        """
        with self._changed:
            if self._refused or target in self._alone:
                self._alone.discard(target)
                return None
            batch, leads, number = self._join(target)
            if leads:
                self._changed.wait_for(lambda: batch.full, self._batching.linger)
        if leads:
            self._send(batch)
        else:
            batch.done.wait()
        if batch.error is not None:
            # Not the same object for many threads: each of them adds its own traceback.
            raise replace(batch.error) from batch.error
        return batch.parts[number] if batch.parts else None

    def _join(self, target: str) -> "tuple[_Batch, bool, int]":
        leads = self._open is None
        batch = self._open = self._open or _Batch()
        batch.targets.append(target)
        if len(batch.targets) == self._batching.most:
            batch.full = True
            self._open = None
            self._changed.notify_all()
        return batch, leads, len(batch.targets) - 1

    def _send(self, batch: "_Batch") -> None:
        try:
            with self._slots:
                with self._changed:
                    if self._open is batch:
                        self._open = None
                if len(batch.targets) > 1:
                    headers, body = self._post(self._asked(batch.targets))
                    batch.parts = parts(body, len(batch.targets), headers)
        except CallError as error:
            self._failed(batch, error)
        except BaseException:
            # Whoever waits must not wait for ever, whatever is wrong here.
            batch.error = CallError("InternalError", "the batch was given up")
            raise
        finally:
            batch.done.set()

    def _failed(self, batch: "_Batch", error: CallError) -> None:
        with self._changed:
            if error.retryable:
                self._alone.update(batch.targets)
                batch.error = _of_the_whole(error)
            else:
                # Each says for itself why it may not be asked for.
                self._refused = True

    def _asked(self, targets: list[str]) -> dict[str, Any]:
        headers = dict(self._headers())
        more = {"headers": headers} if headers else {}
        root = len(self._batching.root)
        return {
            "requests": [
                {"id": str(number), "method": "GET", "url": target[root:], **more}
                for number, target in enumerate(targets)
            ]
        }


@dataclass
class _Batch:
    targets: list[str] = field(default_factory=list)
    full: bool = False
    parts: list[Part] = field(default_factory=list)
    error: CallError | None = None
    done: threading.Event = field(default_factory=threading.Event)


def parts(body: Any, number: int, of_batch: Mapping[str, str]) -> list[Part]:
    """Return the answers of a batch in the order of its requests, whose ids count from 0.

    Raises:
        CallError: ``MalformedAnswer``, if there is not exactly one for each.
    """
    answers = body.get("responses") if isinstance(body, dict) else None
    if not isinstance(answers, list):
        raise _malformed("the answer to a batch has no list of responses")
    found: dict[str, Part] = {}
    for answer in answers:
        name = answer.get("id") if isinstance(answer, dict) else None
        if not isinstance(name, str) or name in found:
            raise _malformed("a response of a batch has no id, or that of another")
        found[name] = _part(answer, of_batch)
    wanted = [str(each) for each in range(number)]
    if found.keys() != set(wanted):
        raise _malformed(f"a batch of {number} requests has {len(found)} responses, or with other ids")
    return [found[name] for name in wanted]


def _part(answer: dict[str, Any], of_batch: Mapping[str, str]) -> Part:
    status, headers, body = answer.get("status"), answer.get("headers") or {}, answer.get("body")
    if not isinstance(status, int) or not 200 <= status < 600:
        raise _malformed("a response of a batch has no status")
    if not isinstance(headers, dict) or not all(isinstance(each, str | int) for each in headers.values()):
        raise _malformed("the headers of a response of a batch are no texts")
    named = {name.lower(): str(value) for name, value in headers.items()}
    return Part(status, named, b"" if body is None else _written(body), of_batch)


def _written(body: Any) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # halves of surrogate pairs
        return json.dumps(body).encode("ascii")


def _of_the_whole(error: CallError) -> CallError:
    # The provider's code is about the batch: as that of a request it could be taken for "there is none".
    code = error.code if error.status is None else "BatchFailed"
    return replace(error, code=code, message=f"a batch of requests came to nothing: {error.message}")


def _malformed(what: str) -> CallError:
    return CallError("MalformedAnswer", what, retryable=True)
