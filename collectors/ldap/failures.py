"""What goes wrong between us and a directory, as call errors that say whether asking again may help."""

import re
import ssl
from collections.abc import Mapping
from typing import Any

from ldap3.core.exceptions import (
    LDAPExceptionError,
    LDAPSessionTerminatedByServerError,
    LDAPStartTLSError,
)

from collectors.transport import CallError

CREDENTIAL_CODES = frozenset(
    {
        "NoCredentials",
        "invalidCredentials",
        "inappropriateAuthentication",
        "authMethodNotSupported",
        "strongerAuthRequired",
        "confidentialityRequired",
    }
)

_SUCCESS = 0
_REFERRAL = 10
_NO_OBJECT = 32
_NOT_SEEN = "there is no such place, or the account may not see it"
_RETRYABLE = frozenset({51, 52})  # busy, unavailable
_PARTIAL = {
    3: "the server's limit of time ended the search: raise it for the bind account",
    4: "the server gives this account no more entries: raise its size limit, for paged results too",
    11: "an administrative limit ended the search: raise it for the bind account, or index what is sought",
}
_LONGEST = 500
_OPENSSL = re.compile(r"\[(?:SSL|X509): \w+\] (.+?) \(_ssl\.c:\d+\)")

# https://learn.microsoft.com/en-us/troubleshoot/windows-server/active-directory/ldap-error-49
_AD_REASONS = {
    "525": "there is no such account",
    "52e": "the password is wrong",
    "530": "the account may not log on at this time",
    "531": "the account may not log on from this machine",
    "532": "the password has expired",
    "533": "the account is disabled",
    "701": "the account has expired",
    "773": "the password must be changed first",
    "775": "the account is locked",
}
_AD_DATA = re.compile(r"\bdata ([0-9a-f]{3}),")


def refusal(result: Mapping[str, Any], asked: str = "") -> CallError:
    """Return the call error for a result that is not success.

    Args:
        result: as ldap3 gives it: ``result`` (the code), ``description``, ``message``.
        asked: what was asked, for the message.
    """
    number = int(result.get("result", 80))
    code = str(result.get("description") or number)
    said = brief(str(result.get("message") or ""))
    if number == _REFERRAL:
        where = ", ".join(str(each) for each in result.get("referrals") or ()) or "another server"
        return CallError(
            "ReferralNotFollowed",
            brief(f"{asked or 'this'} is held by {where}, which is not asked: name it, or another base_dn"),
        )
    message = _PARTIAL.get(number, said or f"the server answers {code}, without a word more")
    if number == _NO_OBJECT:
        message = f"{_NOT_SEEN}: {said}" if said else _NOT_SEEN
    reason = _AD_DATA.search(said)
    if reason is not None and reason[1] in _AD_REASONS:
        message = _AD_REASONS[reason[1]]
    if asked:
        message = f"{message} ({asked})"
    return CallError(code, brief(message), retryable=number in _RETRYABLE, throttled=number in _RETRYABLE)


def connection_error(error: Exception) -> CallError:
    """Return the call error for a connection that could not be made, or broke."""
    words = brief(str(error)) or type(error).__name__
    if isinstance(error, LDAPSessionTerminatedByServerError):
        return CallError("MalformedAnswer", "the connection ended within the answer", retryable=True)
    if isinstance(error, TimeoutError) or "timed out" in words or "temporarily unavailable" in words:
        return CallError("Timeout", f"no answer in time ({words})", retryable=True)
    if (
        isinstance(error, ssl.SSLError | LDAPStartTLSError)
        or "wrap socket" in words
        or "certificate" in words
    ):
        return CallError("TlsFailed", _tls_words(words))
    if isinstance(error, OSError | LDAPExceptionError):
        return CallError("ConnectionFailed", words, retryable=True)
    return CallError("MalformedAnswer", f"what came is no answer of LDAP: {words}", retryable=True)


def _tls_words(words: str) -> str:
    """Return what OpenSSL says, out of what ldap3 wraps around it, and what to do."""
    reason = _OPENSSL.search(words)
    if "CERTIFICATE_VERIFY_FAILED" not in words:
        return reason[1] if reason is not None else words
    why = reason[1] if reason is not None else words
    return f"{why}: name the authority of the server's certificate in ca_file, and the server as it names it"


def brief(message: str) -> str:
    """Return a message on one line, without what is not text, cut where it is long."""
    message = " ".join("".join(each for each in message if each.isprintable() or each.isspace()).split())
    return message if len(message) <= _LONGEST else message[: _LONGEST - 1] + "…"
