"""What Google's answers say beside their content: errors, and what was left out.

Sources: https://cloud.google.com/apis/design/errors, https://google.aip.dev/193 (errors),
https://google.aip.dev/217 (unreachable resources).
"""

from collections.abc import Iterator
from typing import Any

from collectors.rest.operation import Ask
from collectors.transport import CallError

THROTTLING = frozenset(
    {"RATE_LIMIT_EXCEEDED", "RESOURCE_EXHAUSTED", "rateLimitExceeded", "userRateLimitExceeded"}
)
"""Codes that ask to go slower; older APIs send them with HTTP 403."""

_LEFT_OUT = ("unreachable", "unreachables", "missingZones", "failedLocations")
_INCOMPLETE = frozenset(
    {
        "LIST_OVERHEAD_QUOTA_EXCEED",
        "MAX_RESULTS_EXCEEDS_LIMIT",
        "PARTIAL_SUCCESS",
        "REGION_UNREACHABLE",
        "UNREACHABLE",
    }
)
"""Codes of warnings that say that elements may be missing; the others are about what was given."""
_MOST_NAMED = 5


def read_error(body: Any) -> tuple[str, str]:
    """Return the most telling code of an error, and its message.

    That is the reason of an ``ErrorInfo``, else the reason of the older form, else the status.
    """
    error = body.get("error") if isinstance(body, dict) else None
    if isinstance(error, str):  # the form of OAuth endpoints
        said = body.get("error_description")
        return error, said if isinstance(said, str) else ""
    if not isinstance(error, dict):
        return "", ""
    reasons = [
        *(
            each.get("reason")
            for each in _objects(error.get("details"))
            if "ErrorInfo" in str(each.get("@type"))
        ),
        *(each.get("reason") for each in _objects(error.get("errors"))),
        error.get("status"),
    ]
    message = error.get("message")
    code = next((reason for reason in reasons if isinstance(reason, str) and reason), "")
    return code, message if isinstance(message, str) else ""


def check(ask: Ask, body: dict[str, Any]) -> None:
    """Refuse an error that comes as a success; an empty object is an empty list.

    Raises:
        CallError: ``MalformedAnswer``.
    """
    del ask
    if body.get("error"):
        raise CallError("MalformedAnswer", "a successful answer that holds an error", retryable=True)


def left_out(body: dict[str, Any]) -> str:
    """Say what an answer admits to lack: places that could not be reached; "" if nothing."""
    named = [str(place) for key in _LEFT_OUT for place in _places(body.get(key))]
    named.extend(_warned(body))
    if not named:
        return ""
    more = ", …" if len(named) > _MOST_NAMED else ""
    return f"Google's answer is without what is in {', '.join(named[:_MOST_NAMED])}{more}"


def _warned(body: dict[str, Any]) -> Iterator[str]:
    warnings = [*_objects(body.get("warnings")), *_objects([body.get("warning")])]
    for warning in warnings:
        if warning.get("code") in _INCOMPLETE:
            yield str(warning.get("region") or warning.get("message") or "a place that it does not name")
    items = body.get("items")
    if isinstance(items, dict):  # an aggregated list: place → its elements, or a warning
        for place, content in items.items():
            said = content.get("warning") if isinstance(content, dict) else None
            if isinstance(said, dict) and said.get("code") in _INCOMPLETE:
                yield place


def _places(value: Any) -> list[Any]:
    # Whatever stands there says that something is missing.
    return value if isinstance(value, list) else [value] if value else []


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[dict[str, Any]]:
    return [each for each in _list(value) if isinstance(each, dict)]
