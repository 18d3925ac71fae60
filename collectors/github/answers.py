"""What GitHub means by its answers, and which of them can be none."""

import re
from collections.abc import Iterable
from typing import Any

from collectors.definition import Call, ListCall
from collectors.rest.known_answers import KnownAnswers, path_pattern
from collectors.rest.operation import Ask
from collectors.rest.published import Published
from collectors.transport import CallError

ARRAY = "items"
"""Under which an answer is found that is a bare list."""

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
    (
        "resource protected by organization saml enforcement",
        "SamlEnforced",
        'authorise the token for the organisation: "Configure SSO" beside it in the settings of its owner',
    ),
    ("bad credentials", "BadCredentials", ""),
)
_FIELD = re.compile(r"\w+")


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


class AnswerCheck:
    """Refuses a success that cannot be the answer, so that it does not look like an empty list.

    Args:
        published: what is known of the calls.
        calls: the calls of REST that are made.
    """

    def __init__(self, published: Published, calls: Iterable[Call]) -> None:
        every = list(calls)
        self._known = KnownAnswers(published, (call.call for call in every))
        self._lists = [
            (path_pattern(call.operation), call.items)
            for call in every
            if isinstance(call, ListCall) and _FIELD.fullmatch(call.items)
        ]

    def __call__(self, asked: Ask, body: dict[str, Any]) -> None:
        """Look at one answer.

        Raises:
            CallError: ``MalformedAnswer``.
        """
        self._known(asked, body)
        named = next((items for pattern, items in self._lists if pattern.fullmatch(asked.path)), "")
        key = named or (ARRAY if ARRAY in body else "")
        elements = body.get(key) if key else []
        if not isinstance(elements, list) or not all(isinstance(each, dict) for each in elements):
            raise CallError("MalformedAnswer", "the list is none, or holds what is no object", retryable=True)
