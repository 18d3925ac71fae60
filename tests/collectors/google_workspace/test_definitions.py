"""Definitions and checks hold against what Google publishes."""

import json

import pytest

from annexa.lint import lint_checks
from collectors.definition import Call, ResourceType, load_resource_types
from collectors.ratelimit import load_limits
from collectors.rest.published import published
from mappings.check import load_checks
from mappings.controls import load_controls
from tests.collectors.google_workspace import mask
from tests.collectors.google_workspace.generate_fields import scopes
from tests.collectors.google_workspace.workspace import FOLDER

TYPES = load_resource_types([FOLDER])
CALLS = {json.dumps(call.model_dump(), sort_keys=True): call for t in TYPES.values() for call in t.calls()}
CHECKS = FOLDER.parents[1] / "mappings" / "checks" / "google_workspace"
_SILENT = {"cloudidentity:GET /v1/{+parent}/userinvitations"}
"""Calls of whose scopes the discovery documents say nothing."""


@pytest.mark.parametrize("definition", TYPES.values(), ids=list(TYPES))
def test_a_definition_names_nothing_that_google_does_not_publish(definition: ResourceType) -> None:
    assert published(FOLDER).definition_problems(definition) == []


@pytest.mark.parametrize("call", CALLS.values(), ids=lambda call: call.call.partition(" ")[2])
def test_a_call_asks_for_the_narrowest_scope_that_it_takes(call: Call) -> None:
    taken = scopes(call.call)
    (scope,) = call.permission
    if call.call in _SILENT:
        assert scope.endswith(".readonly")
        return
    assert scope in taken
    if not scope.endswith(".readonly"):
        assert not [each for each in taken if each.endswith(".readonly")]


def test_a_selection_of_fields_can_be_paged_and_says_its_kind() -> None:
    for call in CALLS.values():
        if "fields" not in call.with_:
            continue
        selected = mask.parse(call.with_["fields"])
        if "maxResults" in call.with_ or "pageSize" in call.with_:
            assert "nextPageToken" in selected, call.call
        if call.call.startswith("admin:"):
            assert "kind" in selected, call.call


def test_what_is_written_in_xml_otherwise_is_asked_for_in_json() -> None:
    asked = [call for call in CALLS.values() if call.service == "groupssettings"]
    assert asked
    assert all(call.with_["alt"] == "json" for call in asked)


def test_no_type_asks_for_all_that_is_known_of_a_person() -> None:
    of_people = [call for call in CALLS.values() if call.call.endswith("/v1/users")]
    assert of_people
    for call in of_people:
        assert call.with_["projection"] == "basic"
        kept = mask.parse(call.with_["fields"])["users"]
        assert not {"phones", "addresses", "relations", "customSchemas", "password"} & kept.keys()


def test_checks_say_what_their_examples_expect() -> None:
    checks = list(load_checks([CHECKS]).values())
    fields = {"google_workspace": published(FOLDER).document_problems}
    assert lint_checks(checks, TYPES, frozenset(load_controls()), fields) == []


def test_each_call_has_a_limit_with_its_source() -> None:
    limits = load_limits(FOLDER / "limits.toml")
    assert limits[-1].call == "*:*"
    assert all(limit.source.startswith("https://") for limit in limits)
