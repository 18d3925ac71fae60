"""Asking a timestamp authority over HTTP (RFC 3161 §3.4)."""

from rfc3161_client import HashAlgorithm, TimestampRequestBuilder

from store.http_post import TooLargeError, UnreachableError, host, post
from store.timestamping import Reason, TimestampError, decode

LARGEST_ANSWER = 1_000_000
_TRY_LATER = {408, 425, 429}
_HEADERS = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}


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
    token = _post(url, query.as_bytes(), timeout)
    if decode(token, data).tst_info.nonce != query.nonce:
        raise TimestampError(Reason.NONCE, f"{host(url)} answered another request: the nonce is not ours")
    return token


def _post(url: str, query: bytes, timeout: float) -> bytes:
    try:
        answer = post(url, query, _HEADERS, timeout, LARGEST_ANSWER)
    except UnreachableError as error:
        raise TimestampError(
            Reason.UNREACHABLE, f"the timestamp authority {host(url)} does not answer: {error}"
        ) from error
    except TooLargeError as error:
        raise TimestampError(
            Reason.MALFORMED, "the timestamp authority's answer is too large to be one"
        ) from error
    if not 200 <= answer.status < 300:
        later = answer.status >= 500 or answer.status in _TRY_LATER
        raise TimestampError(
            Reason.UNREACHABLE if later else Reason.REJECTED,
            f"the timestamp authority {host(url)} answered with HTTP status {answer.status}",
        )
    return answer.body
