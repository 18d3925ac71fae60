"""What goes wrong between us and a REST API, as call errors that say whether asking again may help."""

import http.client
import re
import ssl
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from collectors.transport import CallError

_LONGEST_MESSAGE = 500
_RETRYABLE = frozenset({408, 429, 500, 502, 503, 504})
_LEFT_IN_WINDOW = ("x-ratelimit-remaining", "x-rate-limit-remaining")
_WINDOW_END = ("x-ratelimit-reset", "x-rate-limit-reset")
_HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<", re.IGNORECASE)


def connection_error(error: httpx.HTTPError) -> CallError:
    """Return the call error for a request that got no answer, or not all of it."""
    if isinstance(error, httpx.TimeoutException):
        return CallError("Timeout", f"no answer in time ({type(error).__name__})", retryable=True)
    if isinstance(error, httpx.RemoteProtocolError):
        if "without sending a response" in str(error):
            return CallError("ConnectionClosed", brief(str(error)), retryable=True)
        return CallError("MalformedAnswer", f"what came is no whole answer: {error}", retryable=True)
    if isinstance(error, httpx.DecodingError):
        return CallError("MalformedAnswer", f"the body cannot be unpacked: {error}", retryable=True)
    if any(isinstance(each, ssl.SSLError) for each in _causes(error)):
        return CallError("TlsFailed", brief(str(error)))
    return CallError("ConnectionFailed", brief(f"{type(error).__name__}: {error}"), retryable=True)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def refusal(
    status: int,
    headers: Mapping[str, str],
    content: bytes,
    said: tuple[str, str],
    now: datetime,
    throttling: frozenset[str] = frozenset(),
) -> CallError:
    """Return the call error for an answer with an error status.

    Args:
        said: code and message as the provider's error reader found them.
        now: for a ``Retry-After`` that is a date.
        throttling: codes that ask to go slower, whatever the status.
    """
    code, message = said
    if not message:
        phrase = http.client.responses.get(status, "an error")
        message = f"{phrase}, with a page of HTML" if _HTML.match(content) else phrase
    # GitHub's secondary limits are refusals that say when to come back.
    slower = status == 403 and (_used_up(headers) or "retry-after" in headers)
    throttled = status == 429 or code in throttling or slower
    return CallError(
        code or str(status),
        brief(message),
        retryable=throttled or status in _RETRYABLE,
        throttled=throttled,
        retry_after=retry_after(headers, now),
        status=status,
    )


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Return the seconds that the provider asks to wait; None where it does not say.

    Reads ``Retry-After`` (seconds or a date: RFC 9110 §10.2.3), ``x-ms-retry-after-ms``, and where the
    requests of a window are used up its end in seconds since 1970 (GitHub's and Okta's headers). Moments are
    those of the provider's clock, which the ``Date`` of its answer tells.
    """
    now = date(headers.get("date", "")) or now
    milliseconds = headers.get("x-ms-retry-after-ms", "")
    if milliseconds.isdecimal():
        return int(milliseconds) / 1000
    asked = headers.get("retry-after", "").strip()
    if asked.isdecimal():
        return float(asked)
    moment = date(asked)
    if moment is None and _used_up(headers):
        end = next((headers[name] for name in _WINDOW_END if headers.get(name, "").isdecimal()), "")
        moment = datetime.fromtimestamp(int(end), UTC) if end else None
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _used_up(headers: Mapping[str, str]) -> bool:
    return any(headers.get(name, "").strip() == "0" for name in _LEFT_IN_WINDOW)


def date(header: str) -> datetime | None:
    """Return the time of an HTTP date (RFC 9110 §5.6.7); None where it is none."""
    try:
        moment = parsedate_to_datetime(header) if header else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def nested_error(body: Any) -> tuple[str, str]:
    """Read ``{"error": {"code", "message"}}``, or the same without the outer object.

    The first is what Azure Resource Manager and OData answer with; some resource providers of Azure
    leave the outer object out.
    """
    if not isinstance(body, dict):
        return "", ""
    inner = body.get("error")
    error = inner if isinstance(inner, dict) else body
    code, message = error.get("code"), error.get("message")
    return (code if isinstance(code, str) else ""), (message if isinstance(message, str) else "")


def brief(message: str) -> str:
    """Return a message on one line, cut where it is long."""
    message = " ".join(message.split())
    return message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 1] + "…"
