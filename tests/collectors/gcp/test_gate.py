"""The gate lets through what the discovery documents allow, and nothing else."""

import json
from typing import Any

import pytest

from annexa.demo.loopback import Answer, Asked
from tests.collectors.gcp.gate import Gate

BUCKETS = "/storage/storage/v1/b?project=p"


def problems(target: str, body: Any, verb: str = "GET", status: int = 200) -> list[str]:
    gate = Gate()
    asked = Asked(verb, target.partition("?")[0], target, {}, {}, b"")
    gate.note(asked, Answer(status, (), json.dumps(body).encode()))
    found = gate.problems()
    assert gate.passed == 1
    assert gate.problems() == [], "what was said is not said again"
    return found


@pytest.mark.parametrize(
    ("target", "body"),
    [
        (BUCKETS, {}),
        (BUCKETS, {"items": [{"name": "a", "projectNumber": "12", "versioning": {"enabled": True}}]}),
        (BUCKETS, {"items": [{"labels": {"any": "thing"}}]}),
        ("/compute/compute/v1/projects/p/global/firewalls", {"items": [{"priority": 1000}]}),
        ("/cloudasset/v1/projects/p/assets?assetTypes=a&assetTypes=b", {"readTime": "2026-01-01T00:00:00Z"}),
        ("/cloudresourcemanager/v3/projects/p?%24alt=json%3Benum-encoding%3Dint", {"projectId": "p"}),
    ],
)
def test_what_google_may_answer(target: str, body: Any) -> None:
    assert problems(target, body) == []


@pytest.mark.parametrize(
    ("target", "body", "words"),
    [
        ("/storage/storage/v9/b?project=p", {}, "no such method"),
        ("/storage/storage/v1/b", {}, "requires 'project'"),
        (f"{BUCKETS}&pageSize=5", {}, "no parameter 'pageSize'"),
        (BUCKETS, {"buckets": []}, "no field 'buckets'"),
        (BUCKETS, {"items": {}}, "is no list"),
        (BUCKETS, {"items": [{"name": 1}]}, "1 is no string"),
        (BUCKETS, {"items": [{"projectNumber": "one"}]}, "no whole number"),
        (BUCKETS, {"items": [{"versioning": {"enabled": "yes"}}]}, "'yes' is no boolean"),
        (BUCKETS, {"items": [{"versioning": "yes"}]}, "is no object"),
        (BUCKETS, {"items": [{"labels": {"any": 1}}]}, "1 is no string"),
        ("/compute/compute/v1/projects/p/global/firewalls", {"items": [{"priority": True}]}, "no integer"),
        ("/compute/compute/v1/projects/p/global/firewalls", {"items": [{"direction": "UP"}]}, "none of"),
    ],
)
def test_what_google_cannot_answer(target: str, body: Any, words: str) -> None:
    (problem,) = problems(target, body)
    assert words in problem


def test_of_an_error_only_the_question_is_looked_at() -> None:
    assert problems(BUCKETS, {"error": {"code": 403}}, status=403) == []


def test_a_method_has_its_verb() -> None:
    assert problems(BUCKETS, {}, verb="PUT") == [f"PUT {BUCKETS}: no such method"]
