"""What a call asks for, once its parameters are known."""

from typing import Any

import pytest

from annexa.plugin import CallError
from collectors.rest.operation import Ask, ask, parse


def asked(operation: str, **parameters: Any) -> Ask:
    return ask(parse(operation), parameters)


def test_what_the_path_names_goes_there_and_the_rest_into_the_query() -> None:
    found = asked("GET /s/{id}/things", id="a b", filter="x eq 'y'", top=5, all=True)
    assert found.path == "/s/a%20b/things"
    assert found.query == (("filter", "x eq 'y'"), ("top", "5"), ("all", "true"))
    assert found.body is None


def test_a_list_in_the_query_is_repeated() -> None:
    assert asked("GET /s", kind=["a", "b"]).query == (("kind", "a"), ("kind", "b"))


def test_the_body_of_a_post() -> None:
    found = asked("POST /query", body={"ask": [1]}, version="1")
    assert (found.method, found.body, found.query) == ("POST", {"ask": [1]}, (("version", "1"),))


@pytest.mark.parametrize(
    "operation", ["PUT /a", "DELETE /a", "GET a", "GET", "get /a", "GET /a b", "GET //{"]
)
def test_nothing_but_reading_can_be_said(operation: str) -> None:
    with pytest.raises(ValueError, match=r"form|brace"):
        parse(operation)


@pytest.mark.parametrize(
    "value",
    [
        "/a/../../secrets",
        "/a/%2e%2E/b",
        "/a/./b",
        "//evil.example/a",
        "https://evil.example/a",
        "/a?api-version=1",
        "/a#b",
        "",
        None,
        ["/a"],
        {"id": "/a"},
    ],
)
def test_an_identifier_names_a_resource_and_no_other_request(value: Any) -> None:
    with pytest.raises(CallError) as caught:
        asked("GET {+id}", id=value)
    assert caught.value.code == "InvalidParameters"
    assert not caught.value.retryable


def test_a_parameter_without_a_text_form_is_refused() -> None:
    with pytest.raises(CallError, match="'filter'"):
        asked("GET /a", filter={"x": 1})
