"""What GitHub means by its answers."""

from typing import Any

THROTTLING = frozenset({"SecondaryRateLimit", "RateLimit"})
"""Codes that ask to go slower."""

_HINTS = (
    # begins so, in lower case → code, what more there is to say
    ("not found", "NotFound", "GitHub answers so too where the credential may not look"),
    (
        "resource not accessible by",
        "NotAccessible",
        "the credential lacks a permission: compare it with `annexa permissions github`",
    ),
    ("bad credentials", "BadCredentials", ""),
)


def read_error(body: Any) -> tuple[str, str]:
    """Return code and message of an error.

    GitHub's errors have no code, only words. Where these say what Annexa must know they become one; else the
    code is "" and the HTTP status stands for it.
    """
    message = body.get("message") if isinstance(body, dict) else None
    if not isinstance(message, str):
        return "", ""
    said = message.lower()
    # https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api
    if "secondary rate limit" in said or "abuse detection" in said:
        return "SecondaryRateLimit", message
    if "api rate limit exceeded" in said:
        return "RateLimit", message
    for beginning, code, hint in _HINTS:
        if said.startswith(beginning):
            return code, f"{message} ({hint})" if hint else message
    return "", _with_errors(message, body.get("errors"))


def _with_errors(message: str, errors: Any) -> str:
    details = [
        str(each.get("message") or each.get("code") or "") if isinstance(each, dict) else str(each)
        for each in (errors if isinstance(errors, list) else [])
    ]
    named = "; ".join(each for each in details if each)
    return f"{message}: {named}" if named else message
