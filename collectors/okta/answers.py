"""What is Okta's own in answers: errors, pages, and what cannot be the answer to a call."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from collectors.rest.known_answers import KnownAnswers
from collectors.rest.operation import Ask
from collectors.rest.paging import LinkHeader, NextPage
from collectors.rest.published import Published
from collectors.transport import CallError

THROTTLING = frozenset({"E0000047"})
"""API calls exceeded a rate limit; Okta's error codes are in its reference under "Error codes"."""

_REMEDIES = {
    "E0000006": "the administrator role or the scope that the call takes is not granted",
    "E0000015": "the organisation has no such feature; buy or turn it on, or leave the type out with "
    "[collect] skip",
    "invalid_dpop_proof": "the clock of this machine must be right, and org_url the address that Okta itself "
    "is asked at, not a proxy's",
    "E0000038": "the feature may not be used in this organisation; leave the type out with [collect] skip",
}
_CAUSES = 3

_BY_LAST_ID = frozenset({"/api/v1/users", "/api/v1/groups"})
"""Lists whose cursor is the id of the last element that was given."""


def read_error(body: Any) -> tuple[str, str]:
    """Return code and message of an error of the management API, or of its OAuth servers.

    The first is ``{"errorCode", "errorSummary", "errorCauses": [{"errorSummary"}]}``, the second
    ``{"error", "error_description"}`` (RFC 6749 §5.2).
    """
    if not isinstance(body, dict):
        return "", ""
    code = _text(body.get("errorCode")) or _text(body.get("error"))
    said = [_text(body.get("errorSummary")) or _text(body.get("error_description"))]
    causes = body.get("errorCauses")
    if isinstance(causes, list):
        said += [_text(each.get("errorSummary")) for each in causes[:_CAUSES] if isinstance(each, dict)]
    message = "; ".join(each for each in said if each)
    remedy = _REMEDIES.get(code)
    return code, f"{message} ({remedy})" if remedy else message


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class OktaPager:
    """A ``Link`` header, or for administrators and their roles ``_links.next`` in the body.

    Okta has been seen to leave the header out although there was more. A full page of people or groups
    without it is therefore no end: what comes after its last element is asked for.
    """

    @property
    def keys(self) -> frozenset[str]:
        return frozenset()

    def next_page(self, body: Mapping[str, Any], response: httpx.Response) -> NextPage | None:
        found = LinkHeader().next_page(body, response)
        if found is not None:
            return found
        links = body.get("_links")
        link = links.get("next") if isinstance(links, dict) else None
        if link is None:
            return _after_a_full_page(body.get("items"), response.request.url)
        href = link.get("href") if isinstance(link, dict) else None
        if not isinstance(href, str) or not href:
            raise CallError("MalformedAnswer", "the address of the next page is none")
        return href


def _after_a_full_page(items: Any, asked: httpx.URL) -> NextPage | None:
    limit = asked.params.get("limit", "")
    if asked.path not in _BY_LAST_ID or not isinstance(items, list) or not limit.isdecimal():
        return None
    last = items[-1].get("id") if items and isinstance(items[-1], dict) else None
    full = len(items) >= int(limit) and isinstance(last, str) and last != asked.params.get("after")
    return (("after", str(last)),) if full else None


class AnswerCheck:
    """Refuses a success that cannot be the answer, so that it does not look like an empty list.

    Args:
        published: what is known of the calls.
        calls: the calls, as definitions write them.
    """

    def __init__(self, published: Published, calls: Iterable[str]) -> None:
        self._known = KnownAnswers(published, calls)

    def __call__(self, ask: Ask, body: dict[str, Any]) -> None:
        """Look at one answer.

        Raises:
            CallError: ``MalformedAnswer``.
        """
        if "errorCode" in body:
            code, message = read_error(body)
            raise CallError("MalformedAnswer", f"an error came as a success: {code}: {message}")
        self._known(ask, body)
        if not all(isinstance(each, dict) for each in body.get("items", ())):
            raise CallError("MalformedAnswer", "the list holds what is no object", retryable=True)
