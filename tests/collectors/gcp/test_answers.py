"""What Google's answers say beside their content: errors of both forms, and what was left out."""

import json
from typing import Any

import pytest

from annexa.demo.google import reply
from collectors.gcp.answers import THROTTLING, check, left_out, read_error
from collectors.rest.operation import Ask
from collectors.transport import CallError

OLDER = {"errors": [{"reason": "notFound", "domain": "global", "message": "No such bucket."}]}
INFO = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "SERVICE_DISABLED"}
HELP = {"@type": "type.googleapis.com/google.rpc.Help", "links": [{"url": "https://cloud.google.com"}]}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": 404, "message": "Gone.", "status": "NOT_FOUND"}, "NOT_FOUND"),
        ({"code": 404, "message": "Gone.", **OLDER}, "notFound"),
        ({"code": 404, "message": "Gone.", "status": "NOT_FOUND", **OLDER}, "notFound"),
        (
            {"code": 403, "message": "Gone.", "status": "PERMISSION_DENIED", "details": [HELP]},
            "PERMISSION_DENIED",
        ),
        (
            {"code": 403, "message": "Gone.", "status": "PERMISSION_DENIED", "details": [HELP, INFO]},
            "SERVICE_DISABLED",
        ),
        ({"code": 403, "message": "Gone.", **OLDER, "details": [INFO]}, "SERVICE_DISABLED"),
        ({"code": 500, "message": "Gone."}, ""),
    ],
)
def test_the_most_telling_code_of_an_error(error: dict[str, Any], code: str) -> None:
    assert read_error({"error": error}) == (code, "Gone.")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"error": "invalid_grant", "error_description": "Bad."}, ("invalid_grant", "Bad.")),
        ({"error": "invalid_grant"}, ("invalid_grant", "")),
        ({"error": {"details": "x", "errors": ["x"], "message": 1, "status": 2}}, ("", "")),
        ({"error": None}, ("", "")),
        ({}, ("", "")),
        ([], ("", "")),
        (None, ("", "")),
    ],
)
def test_an_error_in_another_form(body: Any, said: tuple[str, str]) -> None:
    assert read_error(body) == said


@pytest.mark.parametrize("service", ["storage", "iam"])
def test_too_many_requests_are_throttling_in_both_forms(service: str) -> None:
    body = json.loads(reply.rate_limited(service, "1", 1).body)
    assert read_error(body)[0] in THROTTLING


def test_a_success_that_holds_an_error_is_none() -> None:
    with pytest.raises(CallError) as caught:
        check(Ask("GET", "/", ()), {"error": {"code": 500}})
    assert caught.value.code == "MalformedAnswer"
    assert caught.value.retryable


@pytest.mark.parametrize("body", [{}, {"items": []}, {"error": None}, {"error": {}}])
def test_a_success_without_one_may_be_empty(body: dict[str, Any]) -> None:
    check(Ask("GET", "/", ()), body)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"unreachable": ["locations/a"]}, ["locations/a"]),
        ({"unreachables": ["regions/a", "regions/b"]}, ["regions/a", "regions/b"]),
        ({"unreachable": "locations/a"}, ["locations/a"]),
        ({"missingZones": ["a-b"]}, ["a-b"]),
        ({"failedLocations": ["projects/p/locations/us-east1-b"]}, ["us-east1-b"]),
        ({"warning": {"code": "PARTIAL_SUCCESS", "message": "shard 7"}}, ["shard 7"]),
        ({"warning": {"code": "LIST_OVERHEAD_QUOTA_EXCEED", "message": "filtered"}}, ["filtered"]),
        ({"warnings": [{"code": "MAX_RESULTS_EXCEEDS_LIMIT", "message": "more"}]}, ["more"]),
        ({"warning": {"code": "UNREACHABLE", "message": "zone a"}}, ["zone a"]),
        ({"warnings": [{"code": "REGION_UNREACHABLE", "region": "europe-north1"}]}, ["europe-north1"]),
        ({"warnings": [{"code": "UNREACHABLE"}]}, ["a place that it does not name"]),
        ({"items": {"zones/a": {"warning": {"code": "UNREACHABLE"}}, "zones/b": {}}}, ["zones/a"]),
        ({"unreachable": [f"l{number}" for number in range(7)]}, ["l0", "l4, …"]),
    ],
)
def test_what_an_answer_admits_to_lack(body: dict[str, Any], named: list[str]) -> None:
    said = left_out(body)
    assert all(each in said for each in named)
    assert "l5" not in said


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"unreachable": []},
        {"unreachable": None},
        {"items": [{"warning": {"code": "UNREACHABLE"}}]},
        {"items": {"zones/a": {"warning": {"code": "NO_RESULTS_ON_PAGE"}}}},
        {"items": {"zones/a": {"warning": "none"}, "zones/b": None}},
        {"warning": {"code": "NO_RESULTS_ON_PAGE"}},
        {"warnings": "none"},
    ],
)
def test_an_answer_that_lacks_nothing(body: dict[str, Any]) -> None:
    assert left_out(body) == ""
