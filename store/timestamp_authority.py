"""Asking a timestamp authority over HTTP (RFC 3161 §3.4)."""

import http.client
import time
import urllib.error
import urllib.request
from email.message import Message
from typing import IO
from urllib.parse import urlsplit

from rfc3161_client import HashAlgorithm, TimeStampRequest, TimestampRequestBuilder

from store.timestamping import Reason, TimestampError, decode

LARGEST_ANSWER = 1_000_000
_TRY_LATER = {408, 425, 429}
_CHUNK = 64 * 1024


def request(url: str, data: bytes, timeout: float) -> bytes:
    """Ask an authority to timestamp data, with a nonce, and with its certificate in the answer.

    Only the data's SHA-256 is sent. The answer is checked to be one to this request; whether the
    authority is to be trusted is for :func:`store.timestamping.verify` to say.

    Args:
        timeout: seconds, for all of it.

    Returns:
        the token.

    Raises:
        TimestampError: there is no answer, or not the one that was asked for.
        ValueError: the address is not one of HTTP.
    """
    if not data:
        raise ValueError("there is nothing to timestamp")
    query = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    token = _post(url, query, timeout)
    if decode(token, data).tst_info.nonce != query.nonce:
        raise TimestampError(Reason.NONCE, f"{_host(url)} answered another request: the nonce is not ours")
    return token


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    # A redirected POST would become a GET of a place that nobody configured.
    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> None:
        return None


def _post(url: str, query: TimeStampRequest, timeout: float) -> bytes:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"the address of a timestamp authority begins with http:// or https://, not {url!r}")
    call = urllib.request.Request(
        url,
        data=query.as_bytes(),
        headers={"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"},
    )
    until = time.monotonic() + timeout
    try:
        with urllib.request.build_opener(_NoRedirects).open(call, timeout=timeout) as response:
            return _read(response, until)
    except urllib.error.HTTPError as error:
        with error:
            later = error.code >= 500 or error.code in _TRY_LATER
            raise TimestampError(
                Reason.UNREACHABLE if later else Reason.REJECTED,
                f"the timestamp authority {_host(url)} answered with HTTP status {error.code}",
            ) from None
    except (OSError, http.client.HTTPException) as error:
        cause = error.reason if isinstance(error, urllib.error.URLError) else error
        raise TimestampError(
            Reason.UNREACHABLE,
            f"the timestamp authority {_host(url)} does not answer: {cause or type(cause).__name__}",
        ) from error


def _read(response: http.client.HTTPResponse, until: float) -> bytes:
    # The time limit of a socket is for each read, and a trickle would never meet it.
    data = bytearray()
    while chunk := response.read1(_CHUNK):
        data += chunk
        if len(data) > LARGEST_ANSWER:
            raise TimestampError(Reason.MALFORMED, "the timestamp authority's answer is too large to be one")
        if time.monotonic() > until:
            raise TimeoutError("timed out")
    return bytes(data)


def _host(url: str) -> str:
    return urlsplit(url).hostname or "?"
