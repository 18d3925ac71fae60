"""GitHub's GraphQL API: where it is, and what its answers mean.

Its errors come with HTTP 200, and often beside a part of the data. A part is never taken for the answer.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from collectors.github.answers import THROTTLING, read_error
from collectors.rest.failures import refusal
from collectors.rest.operation import Ask
from collectors.transport import CallError

_TRANSIENT = "something went wrong while executing your query"
_REMEDIES = {
    "FORBIDDEN": "the credential lacks a permission: compare it with `annexa permissions github`",
    "INSUFFICIENT_SCOPES": "add the scope to the token: `annexa permissions github` names all",
    "NOT_FOUND": "GitHub answers so too where the credential may not look",
}
_CODES = {"FORBIDDEN": "NotAccessible", "INSUFFICIENT_SCOPES": "InsufficientScopes", "NOT_FOUND": "NotFound"}


def base_url(rest: str) -> str:
    """Return where GraphQL is asked, from where REST is.

    GitHub Enterprise Server has the one at ``/api/v3`` and the other at ``/api/graphql``; elsewhere both are
    on one level.
    """
    return rest.removesuffix("/v3") if rest.endswith("/api/v3") else rest


def hidden_error(body: dict[str, Any], headers: Mapping[str, str], now: datetime) -> CallError | None:
    """Return the error within a successful answer; None where there is none.

    A used-up limit is an error with HTTP 200 and ``x-ratelimit-remaining: 0``; what a secondary limit asks
    for is in ``Retry-After``.
    """
    errors = body.get("errors")
    if not errors:
        return None
    first = next((each for each in errors if isinstance(each, dict)), {}) if isinstance(errors, list) else {}
    code, message = _said(first)
    error = refusal(200, headers, b"", (code, message), now, THROTTLING)
    error.retryable = error.retryable or message.lower().startswith(_TRANSIENT)
    return error


def _said(error: Mapping[str, Any]) -> tuple[str, str]:
    code, message = read_error(error)
    if code:
        return code, message
    kind = error.get("type")
    kind = kind if isinstance(kind, str) else ""
    if kind in ("RATE_LIMITED", "RATE_LIMIT"):
        return "RateLimit", message or "the limit is used up"
    remedy = _REMEDIES.get(kind)
    said = message or "an error without a message"
    return _CODES.get(kind, kind or "GraphqlError"), f"{said} ({remedy})" if remedy else said


def check(asked: Ask, body: dict[str, Any]) -> None:
    """Refuse a success that cannot be the answer, or in which null does not prove that there is nothing.

    Raises:
        CallError: ``NotFound``, ``NotShown`` or ``MalformedAnswer``.
    """
    del asked
    data = body.get("data")
    if not isinstance(data, dict):
        raise CallError("MalformedAnswer", "the answer has neither data nor errors", retryable=True)
    for kind in ("organization", "enterprise"):
        if kind in data and not isinstance(data[kind], dict):
            raise CallError("NotFound", f"GitHub shows the credential no such {kind}")
    _check_organization(data.get("organization") or {})
    _check_enterprise(data.get("enterprise") or {})
    if any(not isinstance(each.get("nodes"), list) for each in _connections(data)):
        raise CallError("MalformedAnswer", "a list has no elements", retryable=True)


def _check_organization(organization: Mapping[str, Any]) -> None:
    if organization.get("samlIdentityProvider", "") is None and not organization.get("viewerCanAdminister"):
        raise CallError(
            "NotShown",
            "GitHub names no single sign-on of the organisation, which it shows only to owners, and to Apps "
            "that may read members: a token of an owner proves it where there is none; else leave this out "
            "with collect.skip",
        )


def _check_enterprise(enterprise: Mapping[str, Any]) -> None:
    if enterprise.get("ownerInfo", "") is None:
        raise CallError(
            "NotShown",
            "GitHub shows single sign-on of an enterprise to its owners only, by a classic token with the "
            "scope read:enterprise: use one, or leave github.enterprise empty",
        )


def left_out(body: dict[str, Any]) -> str:
    """Say how many elements of the list are null, which are such that GitHub could not give."""
    lost = sum(each.get("nodes", []).count(None) for each in _connections(body.get("data")))
    return f"GitHub left {lost} elements of the list empty" if lost else ""


def _connections(value: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(value, dict):
        if "pageInfo" in value:
            yield value
            return
        for inner in value.values():
            yield from _connections(inner)
