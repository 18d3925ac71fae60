"""The seam for what differs between providers that speak REST."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import httpx

from collectors.rest.batch import Batching
from collectors.rest.failures import nested_error
from collectors.rest.operation import Ask
from collectors.rest.paging import Pager
from collectors.transport import CallError


class TokenSource(Protocol):
    """Gives what goes into the ``Authorization`` header; called from many threads."""

    def authorization(self, refused: str = "") -> str:
        """Return the header's value.

        Args:
            refused: a value that the provider did not take any more; another one is fetched, unless
                that has happened meanwhile.

        Raises:
            CallError: there is none to be had; code ``NoCredentials`` or ``CredentialsFailed``.
        """
        ...


def _any_shape(ask: Ask, body: dict[str, Any]) -> None:
    del ask, body


def _as_it_is(body: dict[str, Any]) -> dict[str, Any]:
    return body


def _whole(body: dict[str, Any]) -> str:
    del body
    return ""


def _no_error(body: dict[str, Any], headers: Mapping[str, str], now: datetime) -> CallError | None:
    del body, headers, now
    return None


@dataclass(frozen=True)
class Service:
    """One API of a provider.

    Attributes:
        base_url: scheme and host, and a path prefix if there is one, without a slash at the end.
        tokens: None for an API that asks for no credentials.
        pager: reads where the next page is.
        read_error: takes the JSON of an error and returns its code and message, "" where unknown.
        check: refuses a successful body that cannot be the answer to what was asked, by raising
            :class:`collectors.transport.CallError`.
        array: the key under which an answer that is a JSON array is found; "" where none is an answer.
        request_id: the header with the provider's name of a request.
        headers: gives what each request carries besides its credentials.
        throttling: codes that ask to go slower, whatever the status.
        left_out: says what a successful answer admits to have left out; "" where it is whole.
        form: brings a successful body into the form that definitions name, where services write the same in
            several ways; may raise :class:`collectors.transport.CallError`.
        tokens_for: gives the tokens for one call, where calls of one API take different ones; ``tokens``
            are not asked then.
        batching: how it takes several requests at once, with ``tokens`` for all of them; None if it does not.
        hidden_error: reads the error that a successful status may hide (GraphQL), from the body, the headers
            and the time; None where there is none.
        auth: adds what each single request carries to prove itself, and sees its answer (DPoP); may raise
            :class:`collectors.transport.CallError`.
    """

    base_url: str
    tokens: TokenSource | None
    pager: Pager
    read_error: Callable[[Any], tuple[str, str]] = nested_error
    check: Callable[[Ask, dict[str, Any]], None] = _any_shape
    array: str = "items"
    request_id: str = "x-request-id"
    headers: Callable[[], Mapping[str, str]] = dict
    throttling: frozenset[str] = frozenset()
    left_out: Callable[[dict[str, Any]], str] = _whole
    form: Callable[[dict[str, Any]], dict[str, Any]] = _as_it_is
    tokens_for: Callable[[str], TokenSource] | None = None
    batching: Batching | None = None
    hidden_error: Callable[[dict[str, Any], Mapping[str, str], datetime], CallError | None] = _no_error
    auth: httpx.Auth = field(default_factory=httpx.Auth)
