"""The definitions and the fake against what Microsoft publishes and what Azure has really answered."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import httpx

from annexa.plugin import Engine, Identity, ResourceType, Scope, Target, Tools
from collectors.azure.answers import check
from collectors.azure.arm_path import ArmPath, arm_path
from collectors.azure.collector import AzureCollector
from collectors.azure.fields import form_of, forms
from collectors.azure.permissions import path_of
from collectors.definition import Call, ListCall
from collectors.rest.forms import ANY
from collectors.rest.operation import Ask, parse
from collectors.rest.paging import LinkInBody
from collectors.rest.service import Service
from collectors.rest.transport import RestTransport
from tests.collectors.azure import estate
from tests.collectors.azure.arm import Arm
from tests.collectors.azure.reference import (
    Recorded,
    examples,
    needs_examples,
    needs_recordings,
    recordings,
    same,
)

_TYPES = AzureCollector({}, Tools(redaction_key=b"key")).resource_types()
_FREE_FORM = {"tags", "settings", "parameters", "metadata"}
_IN_NO_EXAMPLE = {
    "etag",
    "properties.securityRules.etag",
    "properties.enablePurgeProtection",
    "properties.enableRbacAuthorization",
    "properties.minimalTlsVersion",
    "properties.platform",
    "properties.publicNetworkAccess",
    "properties.shareDeleteRetentionPolicy",
}
"""Fields that the reference describes, but that none of the examples has."""
_AGAINST_ITS_OWN_MODEL = {"network/ApplicationGateways_ListAll.json"}
"""Writes addresses as text, where the model of the same version has objects."""
_BEYOND_ITS_MODEL = {"security/Alerts_List.json"}
"""Has what an alert saw, of which the model says that it may be anything."""
_NOT_COVERED = "NotRecorded"


def calls() -> Iterator[tuple[ResourceType, Call]]:
    for definition in _TYPES.values():
        for call in definition.calls():
            yield definition, call


@needs_examples
def test_every_call_uses_a_published_version() -> None:
    """And the examples hold resources where the definition looks for them."""
    published: dict[Any, list[Any]] = {}
    for example in examples():
        published.setdefault(same(example.path), []).append(example)
    covered, wrong = 0, []
    for definition, call in calls():
        path = path_of(definition, call, parse(call.operation))
        assert path is not None, call.call
        found = published.get(same(path))
        if not found:
            continue
        covered += 1
        if call.with_["api-version"] not in {example.version for example in found}:
            wrong.append((definition.type, call.call, call.with_["api-version"], [e.version for e in found]))
        for example in found:
            if example.body == {}:
                continue  # made up by a generator that leaves out whatever is optional
            check(Ask(example.method, example.template, ()), example.body)
            if isinstance(call, ListCall):
                assert isinstance(example.body["value"], list), example.file
    assert wrong == []
    assert covered >= 40


@needs_examples
def test_the_fake_answers_with_published_fields() -> None:
    arm = Arm()
    estate.build(arm)
    published: dict[Any, list[Any]] = {}
    for example in examples():
        bodies = example.body.get("value", [example.body]) if isinstance(example.body, dict) else example.body
        published.setdefault(tuple(part.lower() for part in example.path.kind), []).extend(bodies)
    wrong, compared = [], 0
    for place, kind in arm.places.items():
        path = arm_path(place)
        assert path is not None, place
        known = published.get(tuple(part.lower() for part in path.kind))
        if not known or kind.content is None:
            continue
        for resource in kind.content if isinstance(kind.content, list) else [kind.content]:
            compared += 1
            wrong += [(place, field) for field in set(_unknown(resource, known)) - _IN_NO_EXAMPLE]
    assert wrong == []
    assert compared > 15


@needs_examples
def test_the_examples_have_no_field_that_the_lint_would_refuse() -> None:
    wrong, compared = [], 0
    for example in examples():
        form = form_of(example.path.kind)
        if form == ANY or example.body == {} or example.file in _AGAINST_ITS_OWN_MODEL | _BEYOND_ITS_MODEL:
            continue
        if example.method == "POST":
            continue  # a query may ask for sums, which have fields of their own
        for each in example.body["value"] if example.path.lists else [example.body]:
            compared += 1
            wrong += list(forms().mismatches(example.file, form, each))
    assert wrong == []
    assert compared > 80


def _unknown(value: Any, known: list[Any], prefix: str = "") -> Iterator[str]:
    """Yield the fields of a value that none of the known ones has."""
    for key, inner in value.items():
        found = [each[key] for each in known if isinstance(each, dict) and key in each]
        if not found:
            yield prefix + key
        elif key in _FREE_FORM:
            continue
        elif isinstance(inner, dict):
            yield from _unknown(inner, found, f"{prefix}{key}.")
        elif isinstance(inner, list):
            elements = [element for each in found if isinstance(each, list) for element in each]
            for element in inner:
                if isinstance(element, dict):
                    yield from _unknown(element, elements, f"{prefix}{key}.")


@needs_recordings
def test_recorded_answers_are_read() -> None:
    """Every recorded answer goes through every call that asks for its kind, and what it lists is kept."""
    kinds, covered = [], 0
    for definition, call in calls():
        path = path_of(definition, call, parse(call.operation))
        assert path is not None
        kinds.append((definition, call, same(path)))
    for one in recordings():
        for definition, call, kind in kinds:
            answers = same(one.path) == kind and _may_be(call, one)
            if one.status == 200 and answers and not _is_parent(definition, call):
                covered += 1
                _read(definition, call, one)
    assert covered > 60


def _is_parent(definition: ResourceType, call: Call) -> bool:
    return definition.list is not None and call is definition.list.over


def _may_be(call: Call, one: Recorded) -> bool:
    """Whether a call that names one resource of a kind, by a name in its path, names the recorded one."""
    name = parse(call.operation).template.rsplit("/", 1)[-1].lower()
    return one.path.lists or "{" in name or urlsplit(one.uri).path.lower().endswith(f"/{name}")


def _read(definition: ResourceType, call: Call, one: Recorded) -> None:
    client = httpx.Client(transport=httpx.MockTransport(_replay(one)))
    service = Service(
        "https://management.azure.com", None, LinkInBody("nextLink"), check=check, array="value"
    )
    engine = Engine(
        Scope("azure", "recorded", "recorded"),
        RestTransport({"arm": service}, client, lambda: datetime.now(UTC)),
        Tools(redaction_key=b"key"),
        Identity("azure", "0"),
        canonical_id=str.lower,
    )
    with engine.collect(definition, Target(definition.type, "")) as collection:
        documents = list(collection)
    gaps = [gap for gap in collection.report.gaps if gap.code != _NOT_COVERED]
    assert gaps == [], one.uri
    if isinstance(call, ListCall):
        listed = json.loads(one.content)["value"]
        assert [document.id for document in documents] == [each["id"].lower() for each in listed], one.uri
    else:
        (document,) = documents
        key = next(key for key, detail in definition.detail.items() if detail is call)
        assert document.content[key] is not None, one.uri


def _replay(one: Recorded) -> Callable[[httpx.Request], httpx.Response]:
    """Answer one path as recorded, lists above it with what the path leads through, and nothing else."""
    asked = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        path = arm_path(request.url.path)
        assert path is not None
        if same(path) == same(one.path) and (path.lists or asked == 0):
            asked += 1
            return httpx.Response(200, content=one.content if asked == 1 else b'{"value": []}')
        if path.lists:
            above = _above(one, path)
            return httpx.Response(
                200, json={"value": [{"id": above, "name": "above", "location": "westeurope"}]}
            )
        return httpx.Response(404, json={"error": {"code": _NOT_COVERED, "message": "not recorded"}})

    return answer


def _above(one: Recorded, path: ArmPath) -> str:
    """Return the id of the resource of this kind that a recorded path leads through, else of any."""
    kind = same(path)[0]
    segments = unquote(urlsplit(one.uri).path).split("/")
    for end in range(len(segments), 2, -1):
        prefix = "/".join(segments[:end])
        found = arm_path(prefix)
        if found is not None and same(found) == (kind, False):
            return prefix
    return "/subscriptions/s/resourceGroups/g/providers/Microsoft.Any/things/one"
