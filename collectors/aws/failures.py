"""What botocore raises, as call errors that say whether asking again may help."""

from typing import Any

from botocore import exceptions
from botocore.parsers import ResponseParserError
from botocore.retries.standard import ThrottledRetryableChecker

from collectors.transport import CallError

_CHECKER: Any = ThrottledRetryableChecker

_THROTTLED = frozenset(_CHECKER._THROTTLED_ERROR_CODES) | {
    "SlowDown",
    "TooManyRequests",
    "RequestThrottledException",
    "ThrottlingError",
    "429",
}
_TRANSIENT = frozenset({"RequestTimeout", "RequestTimeoutException", "InternalError", "InternalFailure"})
_LONGEST_MESSAGE = 500

CREDENTIAL_CODES = frozenset(
    {
        "NoCredentials",
        "CredentialsFailed",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "SignatureDoesNotMatch",
        "InvalidSignatureException",
        "AuthFailure",
        "InvalidAccessKeyId",
        "MissingAuthenticationToken",
        "IncompleteSignature",
    }
)
"""Codes that say that the credentials themselves are no good."""

_BY_TYPE: tuple[tuple[type[Exception], str, bool], ...] = (
    (exceptions.ReadTimeoutError, "Timeout", True),
    (exceptions.ConnectTimeoutError, "Timeout", True),
    (exceptions.EndpointConnectionError, "ConnectionFailed", True),
    (exceptions.SSLError, "TlsFailed", False),
    (exceptions.ProxyConnectionError, "ConnectionFailed", True),
    (exceptions.ConnectionClosedError, "ConnectionClosed", True),
    (exceptions.IncompleteReadError, "MalformedAnswer", True),
    (exceptions.ResponseStreamingError, "MalformedAnswer", True),
    (ResponseParserError, "MalformedAnswer", True),
    (exceptions.ChecksumError, "MalformedAnswer", True),
    (exceptions.FlexibleChecksumError, "MalformedAnswer", True),
    (exceptions.NoCredentialsError, "NoCredentials", False),
    (exceptions.PartialCredentialsError, "NoCredentials", False),
    (exceptions.CredentialRetrievalError, "CredentialsFailed", False),
    (exceptions.TokenRetrievalError, "CredentialsFailed", False),
    (exceptions.SSOError, "CredentialsFailed", False),
    (exceptions.LoginError, "CredentialsFailed", False),
    (exceptions.NoAuthTokenError, "NoCredentials", False),
    (exceptions.MetadataRetrievalError, "CredentialsFailed", True),
    (exceptions.ParamValidationError, "InvalidParameters", False),
    (exceptions.UnknownServiceError, "UnknownOperation", False),
    (exceptions.HTTPClientError, "ConnectionFailed", True),
    (exceptions.BotoCoreError, "ClientFailed", False),
    # botocore's parsers walk into an answer of the wrong shape without looking.
    (AttributeError, "MalformedAnswer", True),
    (LookupError, "MalformedAnswer", True),
    (TypeError, "MalformedAnswer", True),
    (ValueError, "MalformedAnswer", True),
)

FAILURES: tuple[type[Exception], ...] = (exceptions.ClientError, *(kind for kind, _, _ in _BY_TYPE))
"""Everything that :func:`call_error` can tell apart."""


def call_error(error: Exception) -> CallError:
    """Return the call error that stands for what botocore raised."""
    if isinstance(error, exceptions.ClientError):
        return _refused(error)
    for kind, code, retryable in _BY_TYPE:
        if isinstance(error, kind):
            return CallError(code, _brief(f"{type(error).__name__}: {error}"), retryable=retryable)
    return CallError("InternalError", _brief(f"{type(error).__name__}: {error}"))


def _refused(error: Any) -> CallError:
    response = error.response
    said = response.get("Error", {})
    metadata = response.get("ResponseMetadata", {})
    status = metadata.get("HTTPStatusCode")
    code = str(said.get("Code") or status or "Unknown")
    message = _brief(str(said.get("Message") or said.get("message") or ""))
    if error.operation_name.startswith("AssumeRole"):
        # Renewing credentials is part of any call; its codes must not be taken for that call's.
        return CallError("CredentialsFailed", f"{error.operation_name}: {code}: {message}", status=status)
    throttled = code in _THROTTLED or status == 429
    server = isinstance(status, int) and status >= 500 and status != 501
    return CallError(
        code,
        message,
        retryable=code not in CREDENTIAL_CODES and (throttled or server or code in _TRANSIENT),
        throttled=throttled,
        retry_after=_seconds(metadata.get("HTTPHeaders", {}).get("retry-after")),
        status=status,
    )


def _seconds(header: str | None) -> float | None:
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None  # a date; the back-off does without


def _brief(message: str) -> str:
    message = " ".join(message.split())
    return message if len(message) <= _LONGEST_MESSAGE else message[: _LONGEST_MESSAGE - 1] + "…"
