"""The seam between the engine and a provider's SDK: one call in, one page out.

A transport knows nothing of documents, definitions or retries, so that it can be replaced
without touching any of them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Request:
    """One page of one call.

    Attributes:
        call: ``service:Operation``.
        parameters: as the operation takes them, without page tokens.
        region: where to send it, or "".
        token: what the previous page's :attr:`Answer.next_token` was; None for the first page.
    """

    call: str
    parameters: dict[str, Any]
    region: str
    token: Any = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    Attributes:
        body: the answer as the SDK gives it, without page tokens.
        next_token: opaque; None on the last page. Tokens compare equal when they are the same.
        received: when the answer was here.
        provider_time: the provider's own clock, from the answer's ``Date``.
        request_id: what the provider calls this request, or "".
        endpoint: scheme and host that answered, or "".
        left_out: what the provider says is missing from this page (a region that it could not reach, say);
            "" where it is whole.
        batched: it came together with the answers to other requests.
    """

    body: dict[str, Any]
    next_token: Any
    received: datetime
    provider_time: datetime | None = None
    request_id: str = ""
    endpoint: str = ""
    left_out: str = ""
    batched: bool = False


@dataclass
class CallError(Exception):
    """A call that gave no usable answer.

    Attributes:
        code: the provider's error code, or one of ours: ``Timeout``, ``ConnectionFailed``,
            ``MalformedAnswer``, ``NoCredentials``, ``Cancelled``, …
        message: the provider's words.
        retryable: whether asking again may help.
        throttled: the provider asked to go slower.
        retry_after: seconds to wait at least, where the provider said so.
        status: the HTTP status, where there was one.
    """

    code: str
    message: str
    retryable: bool = field(default=False, kw_only=True)
    throttled: bool = field(default=False, kw_only=True)
    retry_after: float | None = field(default=None, kw_only=True)
    status: int | None = field(default=None, kw_only=True)

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"


class Transport(Protocol):
    """Sends calls for one scope; called from many threads."""

    def send(self, request: Request) -> Answer:
        """Send one request, once.

        Raises:
            CallError: there is no usable answer.
        """
        ...
