"""One POST over HTTP to a service that somebody configured: bounded in time and size, never redirected."""

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from typing import IO
from urllib.parse import urlsplit

_CHUNK = 64 * 1024


class UnreachableError(Exception):
    """There is no answer; the message says why, without the address."""


class TooLargeError(Exception):
    """The answer is longer than it may be."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, whatever the status.

    Attributes:
        content_type: without parameters, in lower case; empty if none was given.
    """

    status: int
    content_type: str
    body: bytes


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    # A redirected POST would become a GET of a place that nobody configured.
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def post(url: str, data: bytes, headers: Mapping[str, str], timeout: float, largest: int) -> Answer:
    """Send data and return the answer.

    Args:
        timeout: seconds, for all of it.
        largest: bytes that the answer may have.

    Raises:
        UnreachableError: there is no answer in time.
        TooLargeError: the answer is too large.
        ValueError: the address is not one of HTTP.
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the address of a service begins with http:// or https://, not {url!r}")
    call = urllib.request.Request(url, data=data, headers=dict(headers))
    until = time.monotonic() + timeout
    try:
        try:
            response = urllib.request.build_opener(_NoRedirects).open(call, timeout=timeout)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            body = _read(response, until, largest)
            return Answer(response.status, response.headers.get_content_type(), body)
    except (OSError, http.client.HTTPException) as error:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        raise UnreachableError(str(cause or type(cause).__name__)) from error


def host(url: str) -> str:
    """Return what messages call a service: its address may hold secrets."""
    return urlsplit(url).hostname or "?"


def _read(response: http.client.HTTPResponse, until: float, largest: int) -> bytes:
    # The time limit of a socket is for each read, and a trickle would never meet it.
    data = bytearray()
    while chunk := response.read1(_CHUNK):
        data += chunk
        if len(data) > largest:
            raise TooLargeError
        if time.monotonic() > until:
            raise TimeoutError("timed out")
    return bytes(data)
