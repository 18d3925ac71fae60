"""Pages that are asked for by a cursor in the body, and refusals that are throttling."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from collectors.rest.failures import refusal
from collectors.rest.paging import BodyCursor, PageInfo
from collectors.transport import CallError

_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_RESPONSE = httpx.Response(200)


def page(**info: Any) -> dict[str, Any]:
    return {"data": {"organization": {"members": {"nodes": [], "pageInfo": info}}}}


def test_the_cursor_goes_into_the_body_and_leaves_the_rest() -> None:
    body = {"query": "…", "variables": {"org": "example"}}
    following = BodyCursor(("variables", "after"), "Mg==").within(body)
    assert following == {"query": "…", "variables": {"org": "example", "after": "Mg=="}}
    assert body["variables"] == {"org": "example"}


def test_a_body_without_variables_gets_them() -> None:
    assert BodyCursor(("variables", "after"), "1").within({}) == {"variables": {"after": "1"}}


def test_the_next_page_is_where_the_cursor_says() -> None:
    following = PageInfo().next_page(page(hasNextPage=True, endCursor="Mg=="), _RESPONSE)
    assert following == BodyCursor(("variables", "after"), "Mg==")


@pytest.mark.parametrize(
    "body", [page(hasNextPage=False, endCursor="Mg=="), {"data": {"organization": None}}, {}]
)
def test_the_last_page_leads_nowhere(body: dict[str, Any]) -> None:
    assert PageInfo().next_page(body, _RESPONSE) is None


@pytest.mark.parametrize(
    "body",
    [
        page(hasNextPage=True),
        page(hasNextPage=True, endCursor=""),
        page(hasNextPage="yes", endCursor="Mg=="),
        page(endCursor="Mg=="),
        {"data": [*page(hasNextPage=False)["data"].values(), *page(hasNextPage=False)["data"].values()]},
    ],
)
def test_pages_that_cannot_be_followed_are_no_end(body: dict[str, Any]) -> None:
    with pytest.raises(CallError, match="MalformedAnswer"):
        PageInfo().next_page(body, _RESPONSE)


@pytest.mark.parametrize(
    ("headers", "throttled"),
    [({"retry-after": "7"}, True), ({"x-ratelimit-remaining": "0"}, True), ({}, False)],
)
def test_a_refusal_that_says_when_to_come_back_is_throttling(
    headers: dict[str, str], throttled: bool
) -> None:
    error = refusal(403, headers, b"", ("", "no"), _NOW)
    assert (error.throttled, error.retryable) == (throttled, throttled)
