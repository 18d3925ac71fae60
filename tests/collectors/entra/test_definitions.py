"""The definitions, the fake and the permissions against what Microsoft publishes of Graph."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import mappings
from annexa.lint import lint_checks
from annexa.plugin import ResourceType, Tools
from collectors.definition import Call, ListCall
from collectors.entra.collector import EntraCollector
from collectors.entra.permissions import app_roles, lacking
from collectors.paths import steps
from collectors.ratelimit import RateLimiter, load_limits
from collectors.rest.published import published
from mappings.check import load_checks
from mappings.controls import load_controls
from tests.collectors.entra import estate
from tests.collectors.entra.conftest import Entra

_TYPES = EntraCollector({}, Tools(redaction_key=b"key")).resource_types()
_PUBLISHED = published(EntraCollector.folder)


def calls() -> Iterator[tuple[ResourceType, Call]]:
    for definition in _TYPES.values():
        for call in definition.calls():
            yield definition, call


def element(call: Call) -> str:
    """Return the form of one of the objects that a call answers with."""
    found = _PUBLISHED.call(call.call)
    assert found is not None, call.call
    listed = _PUBLISHED.forms.taken(found.form, "value") if found.form.startswith("list of ") else found.form
    return listed.strip("[]")


def test_there_is_a_type_for_each_kind_of_thing() -> None:
    assert len(_TYPES) >= 40


def test_every_definition_is_sound() -> None:
    assert [each for kind in _TYPES.values() for each in EntraCollector.definition_problems(kind)] == []


def test_every_field_that_is_selected_is_published() -> None:
    wrong = [
        f"{definition.type}: {problem}"
        for definition, call in calls()
        for name in str(call.with_.get("$select", "")).split(",")
        if name and (problem := _PUBLISHED.forms.missing(element(call), name))
    ]
    assert wrong == []


def test_every_relation_that_is_expanded_is_published() -> None:
    expanded = [(call, call.with_["$expand"]) for _, call in calls() if "$expand" in call.with_]
    assert expanded
    for call, expression in expanded:
        relation = expression.partition("(")[0]
        assert _PUBLISHED.forms.missing(element(call), relation) == ""


def test_no_page_is_longer_than_graph_allows() -> None:
    longest = {"/v1.0/users": 999, "/v1.0/identityProtection/riskyUsers": 500}
    for definition, call in calls():
        path = call.operation.partition(" ")[2]
        top = int(call.with_.get("$top", 0))
        assert top <= longest.get(path, 999), definition.type
        if "signInActivity" in call.with_.get("$select", ""):
            assert top <= 500


def test_sign_ins_and_leave_dates_do_not_cost_the_users() -> None:
    users = _TYPES["entra.user.user"].list
    assert users is not None
    assert "signInActivity" not in users.with_["$select"]
    assert "employeeLeaveDateTime" not in users.with_["$select"]
    assert users.permission == ("User.Read.All",)


def test_only_version_1_0_is_asked() -> None:
    assert {call.operation.split("/")[1] for _, call in calls()} == {"v1.0"}


def test_names_of_people_are_declared_personal() -> None:
    naming = ("userPrincipalName", "mail", "userDisplayName")
    for definition in _TYPES.values():
        if definition.list is None:
            continue
        form = element(definition.list)
        selected = str(definition.list.with_.get("$select", "")).split(",")
        for name in naming:
            has = name in selected if selected != [""] else not _PUBLISHED.forms.missing(form, name)
            if has:
                assert f"item.{name}" in definition.personal, definition.type


def test_every_personal_field_is_published() -> None:
    for definition in _TYPES.values():
        forms = {"item": element(definition.list)} if definition.list is not None else {}
        for path in definition.personal:
            head, *rest = steps(path)
            if head in forms:
                assert _PUBLISHED.forms.missing(forms[head], ".".join(rest)) == "", (definition.type, path)
            else:
                assert head == "name" or head in definition.detail


def test_every_permission_is_for_reading_and_has_an_id() -> None:
    granted = EntraCollector({}, Tools(redaction_key=b"key")).permissions(_TYPES)
    assert all(".Read." in grant for grant in granted.grants)
    assert set(granted.grants) == set(app_roles())
    assert all(
        re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each) for each in app_roles().values()
    )


def test_permissions_as_a_manifest_takes_them() -> None:
    granted = EntraCollector({}, Tools(redaction_key=b"key")).permissions(["entra.user.user"])
    assert granted.grants == ("Organization.Read.All", "User.Read.All")
    (document,) = granted.documents
    (required,) = json.loads(document)
    assert required["resourceAppId"] == estate.GRAPH
    assert {"id": "df021288-bdef-4463-88db-98f22de89214", "type": "Role"} in required["resourceAccess"]
    assert "User.Read.All" in granted.note


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        ((), ["Policy.Read.All", "User.Read.All"]),
        (("Policy.Read.All", "User.Read.All"), []),
        (("Policy.Read.All", "User.ReadWrite.All"), []),
        (("Policy.Read.All", "Directory.Read.All"), []),
        (("Directory.Read.All",), ["Policy.Read.All"]),
    ],
)
def test_a_wider_permission_stands_in_for_a_narrower_one(
    granted: tuple[str, ...], missing: list[str]
) -> None:
    assert lacking(("Policy.Read.All", "User.Read.All"), frozenset(granted)) == missing


def test_every_answer_of_the_fake_has_published_fields(entra: Entra, certified_client: httpx.Client) -> None:
    token = entra.collector()._tokens.authorization()
    for path in entra.graph.places:
        body = certified_client.get(f"{entra.server.url}{path}", headers={"Authorization": token}).json()
        body.pop("@odata.nextLink", None)
        found = _PUBLISHED.call(_template(path))
        assert found is not None, path
        assert list(_PUBLISHED.forms.mismatches(path, found.form, body)) == []


_NAMED = re.compile(r"/(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|corp\.contoso\.com)(?=/|$)")


def _template(path: str) -> str:
    path = _NAMED.sub("/{id}", path).replace(estate.GRAPH, "{appId}")
    return f"graph:GET {path}"


def test_checks_are_sound() -> None:
    checks = load_checks([Path(mappings.__file__).parent / "checks" / "entra"])
    found = list(checks.values())
    assert len(found) >= 120
    problems = lint_checks(
        found, _TYPES, frozenset(load_controls()), {"entra": EntraCollector.field_problems}
    )
    assert problems == []


def test_every_check_rests_on_a_type_that_is_read_and_most_types_have_one() -> None:
    checks = load_checks([Path(mappings.__file__).parent / "checks" / "entra"])
    judged = {kind for check in checks.values() for kind in check.types}
    assert judged <= _TYPES.keys()
    assert _TYPES.keys() - judged == {
        "entra.governance.catalog",
        "entra.policy.authentication-strength",
        "entra.policy.permission-grant",
    }


@pytest.mark.parametrize(
    ("call", "rate"),
    [
        ("graph:GET /v1.0/reports/authenticationMethods/userRegistrationDetails", 0.5),
        ("graph:GET /v1.0/identity/conditionalAccess/policies", 0.8),
        ("graph:GET /v1.0/identityProtection/riskyUsers", 0.8),
        ("graph:GET /v1.0/users", 200),
    ],
)
def test_calls_stay_below_the_published_limits(call: str, rate: float) -> None:
    limits = load_limits(EntraCollector.folder / "limits.toml")
    assert RateLimiter(limits).rate("", call) == rate
    assert all(limit.source.startswith("https://learn.microsoft.com/") for limit in limits)


def test_ten_seconds_take_no_more_units_than_the_smallest_tenants_have() -> None:
    limits = load_limits(EntraCollector.folder / "limits.toml")
    units = [limit for limit in limits if limit.bucket == "identity"]
    assert {limit.burst + 10 * limit.rate for limit in units} == {3_500}


def test_50_000_people_are_read_within_the_limits() -> None:
    limiter = RateLimiter(load_limits(EntraCollector.folder / "limits.toml"))
    seconds = 0.0
    for kind in _TYPES.values():
        if not kind.type.startswith("entra.user.") or kind.list is None:
            continue
        assert not kind.detail, "a call for each person"
        # The report of registrations takes no page size; by default Graph gives 100 on a page.
        pages = 50_000 / int(kind.list.with_.get("$top", 100))
        seconds += pages / limiter.rate("", kind.list.call)
    assert seconds < 1_200


def list_calls() -> Iterator[ListCall]:
    for _, call in calls():
        if isinstance(call, ListCall):
            yield call


def test_lists_look_where_graph_puts_elements() -> None:
    assert {call.items for call in list_calls()} == {"value"}


def test_a_mistake_in_a_definition_is_named() -> None:
    table: dict[str, Any] = {
        "type": "entra.x.y",
        "title": "X",
        "region": "global",
        "id": "{item.idd}",
        "name": "{item.id}",
        "list": {"call": "graph:GET /v1.0/users", "items": "value", "permission": ["User.Read.All"]},
    }
    (problem,) = EntraCollector.definition_problems(ResourceType.model_validate(table))
    assert "no field 'idd'" in problem
    table["list"] = {"call": "graph:GET /v1.0/user", "items": "value", "permission": ["User.Read.All"]}
    assert "no call" in EntraCollector.definition_problems(ResourceType.model_validate(table))[0]
