"""Every type is read to its end, and the organisation of the tests answers as Okta publishes."""

import re
from typing import Any

import pytest

from annexa.plugin import Document, Report, Target, Tools
from collectors.definition import load_resource_types
from collectors.okta.collector import OktaCollector
from collectors.rest.operation import parse
from collectors.rest.published import published
from tests.collectors.okta import estate
from tests.collectors.okta.conftest import KEY, Okta
from tests.collectors.okta.org import ENVELOPES

FOLDER = OktaCollector.folder
TYPES = load_resource_types([FOLDER])
CALLS = {call.call for definition in TYPES.values() for call in definition.calls()}


def read(okta: Okta, kind: str) -> tuple[list[Document], Report]:
    collector = okta.collector(tools=Tools(redaction_key=KEY))
    scope = collector.discover().scopes[0]
    collection = collector.collect(scope, Target(kind, ""))
    return list(collection), collection.report


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_is_read_whole(okta: Okta, kind: str) -> None:
    documents, report = read(okta, kind)
    assert report.gaps == []
    assert report.complete
    assert documents
    assert all(document.id and document.name for document in documents)
    assert estate.SECRET not in str([document.payload() for document in documents])


@pytest.mark.parametrize("kind", TYPES)
def test_a_type_fits_what_okta_publishes(kind: str) -> None:
    assert OktaCollector.definition_problems(TYPES[kind]) == []


def answered(okta: Okta) -> list[tuple[str, dict[str, Any]]]:
    """Every answer that the organisation can give, as (path, body)."""
    lists = [(path.partition("?")[0], elements) for path, elements in okta.org.lists.items()]
    wrapped = [(path, {ENVELOPES.get(path, "items"): elements}) for path, elements in lists]
    return [*wrapped, *((path, body) for path, body in okta.org.objects.items())]


def test_every_answer_has_the_fields_that_okta_publishes(okta: Okta) -> None:
    known = published(FOLDER)
    patterns = [
        (re.compile(re.sub(r"\{\w+\}", "[^/]+", parse(call.partition(":")[2]).template)), call)
        for call in sorted({*CALLS, OktaCollector.tenant_call.call}, key=lambda call: ("{" in call, call))
    ]
    found, problems = 0, []
    for path, body in answered(okta):
        call = next(call for pattern, call in patterns if pattern.fullmatch(path))
        form = known.call(call)
        assert form is not None
        problems += list(known.forms.mismatches(path, form.form, body))
        found += 1
    assert found >= len(CALLS) - 5
    assert problems == []


def test_what_nobody_needs_of_a_person_is_not_asked_for(okta: Okta) -> None:
    read(okta, "okta.users.user")
    (asked,) = {each.query["fields"] for each in okta.server.asked if each.path == "/api/v1/users"}
    assert "profile:(" in asked
    assert not {"mobilePhone", "firstName", "streetAddress"} & set(re.findall(r"\w+", asked))


def test_deactivated_users_are_asked_for_by_themselves(okta: Okta) -> None:
    documents, _ = read(okta, "okta.users.deactivated")
    assert [each.content["item"]["status"] for each in documents] == ["DEPROVISIONED"]


def test_roles_are_asked_for_where_a_group_may_have_some(okta: Okta) -> None:
    documents, _ = read(okta, "okta.groups.group")
    content = {each.name: each.content for each in documents}
    assert content["Everyone"]["roles"] is None
    assert content["Everyone"]["members"] is None
    assert [each["type"] for each in content["Helpers"]["roles"]] == ["HELP_DESK_ADMIN"]
    assert [each["id"] for each in content["Helpers"]["members"]] == ["00u1", "00u2", "00u4"]
    assert content["Sales"]["roles"] == []


def test_a_user_without_an_address_is_read_like_any_other(okta: Okta) -> None:
    documents, _ = read(okta, "okta.users.user")
    robot = next(each for each in documents if each.name == "robot")
    assert robot.content["item"]["profile"]["email"] is None


def test_administrators_pages_are_followed_by_the_link_in_their_body(okta: Okta) -> None:
    documents, _ = read(okta, "okta.roles.administrator")
    assert [each.content["item"]["id"] for each in documents] == ["00u1", "00u2", "00u4"]
    assert len([each for each in okta.server.asked if each.path == "/api/v1/iam/assignees/users"]) == 2


def test_a_service_app_is_known_by_its_grant(okta: Okta) -> None:
    (document,), _ = read(okta, "okta.apps.service-app")
    assert document.content["item"]["authMethod"] == "private_key_jwt"
    assert [each["scopeId"] for each in document.content["grants"]] == ["okta.users.read"]


def test_what_holds_personal_data_exists() -> None:
    for definition in TYPES.values():
        keys = {"item", "name", "id", *definition.detail}
        assert {path.partition(".")[0].rstrip("@") for path in definition.personal} <= keys
    assert TYPES["okta.users.user"].personal


def test_single_users_of_an_app_are_asked_for_where_it_has_no_group(okta: Okta) -> None:
    documents, _ = read(okta, "okta.apps.assignments")
    found = {each.name: (each.content["groups"], each.content["users"]) for each in documents}
    assert found == {
        "Okta Admin Console": (["00g1"], None),
        "Acme": (["00g0"], None),
        "Reader": ([], []),
    }
