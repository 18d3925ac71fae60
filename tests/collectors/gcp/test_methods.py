"""Which method of the discovery documents a call is, and which permission it takes."""

import copy
from typing import Any

import pytest

from annexa.plugin import ResourceType, Tools
from collectors.definition import Call
from collectors.gcp import fields, methods
from collectors.gcp.collector import GcpCollector
from collectors.gcp.methods import method_of, methods_of, permissions_of
from collectors.gcp.permissions import permissions
from collectors.gcp.settings import GcpSettings
from tests.collectors.gcp.generate_fields import Types, find_methods

TOPICS = "pubsub:GET /v1/{+project}/topics"
CALLS = (
    TOPICS,
    "pubsub:GET /v1/{+resource}:getIamPolicy",
    "compute:GET /compute/v1/projects/{project}/aggregated/instances",
    "storage:GET /storage/v1/b/{bucket}/iam",
    "sqladmin:GET /v1/projects/{project}/instances",
    "iam:GET /v1/{+name}/serviceAccounts",
    "iam:GET /v1/{+name}/keys",
    "iam:GET /v1/{+parent}/roles",
    "logging:GET /v2/{+parent}/sinks",
)


@pytest.fixture(autouse=True)
def documents(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is published of the calls of these tests, whatever the definitions call."""
    types = Types()
    made = {call: list(find_methods(call, types)) for call in CALLS}
    assert all(made.values())
    published = {"methods": made, "types": copy.deepcopy(types.found)}
    monkeypatch.setattr(fields, "published", lambda: published)
    monkeypatch.setattr(methods, "published", lambda: published)


def definition(call: str, scope: str = "", over: dict[str, Any] | None = None, **with_: str) -> ResourceType:
    listed: dict[str, Any] = {"call": call, "with": with_, "items": "x"}
    listed |= {"over": over} if over else {}
    table: dict[str, Any] = {"type": "gcp.a.b", "title": "A", "region": "global", "id": "{item.name}"}
    return ResourceType.model_validate({**table, "name": "{item.name}", "scope": scope, "list": listed})


def permission(one: ResourceType, call: Call | None = None) -> str:
    assert one.list is not None
    return " ".join(permissions_of(one, call or one.list))


@pytest.mark.parametrize(
    ("call", "with_", "taken"),
    [
        (TOPICS, {"project": "projects/{account}"}, "pubsub.topics.list"),
        (
            "compute:GET /compute/v1/projects/{project}/aggregated/instances",
            {"project": "{account}"},
            "compute.instances.list",
        ),
        ("storage:GET /storage/v1/b/{bucket}/iam", {"bucket": "a"}, "storage.buckets.getIamPolicy"),
        (
            "sqladmin:GET /v1/projects/{project}/instances",
            {"project": "{account}"},
            "cloudsql.instances.list",
        ),
        ("iam:GET /v1/{+name}/serviceAccounts", {"name": "projects/{account}"}, "iam.serviceAccounts.list"),
    ],
)
def test_the_permission_follows_from_the_method(call: str, with_: dict[str, Any], taken: str) -> None:
    assert permission(definition(call, **with_)) == taken


@pytest.mark.parametrize(
    ("parent", "collection"),
    [
        ("projects/{account}", "projects"),
        ("organizations/{account}", "organizations"),
        ("folders/1", "folders"),
    ],
)
def test_what_fills_a_variable_tells_methods_apart(parent: str, collection: str) -> None:
    one = definition("logging:GET /v2/{+parent}/sinks", parent=parent)
    assert one.list is not None
    assert len(methods_of(one.list)) > 2
    method = method_of(one, one.list)
    assert method is not None
    assert method.id == f"logging.{collection}.sinks.list"


def test_the_list_that_an_element_comes_from_tells_its_details_apart() -> None:
    one = definition(TOPICS, project="projects/{account}")
    detail = Call.model_validate(
        {"call": "pubsub:GET /v1/{+resource}:getIamPolicy", "with": {"resource": "{item.name}"}}
    )
    assert len(methods_of(detail)) > 2
    assert permission(one, detail) == "pubsub.topics.getIamPolicy"


def test_a_parent_s_list_tells_its_children_apart() -> None:
    parents = {
        "call": "iam:GET /v1/{+name}/serviceAccounts",
        "with": {"name": "projects/{account}"},
        "items": "accounts",
    }
    one = definition("iam:GET /v1/{+name}/keys", over=parents, name="{over.name}")
    assert one.list is not None
    method = method_of(one, one.list)
    assert method is not None
    assert method.id == "iam.projects.serviceAccounts.keys.list"


def test_the_kind_of_scope_tells_methods_apart() -> None:
    for scope, collection in (("", "projects"), ("organization", "organizations")):
        one = definition("iam:GET /v1/{+parent}/roles", scope, parent="{account}")
        assert one.list is not None
        method = method_of(one, one.list)
        assert method is not None
        assert method.id == f"iam.{collection}.roles.list"


def test_a_call_that_no_document_has_is_no_method() -> None:
    one = definition("pubsub:GET /v1/{+project}/subjects", project="projects/{account}")
    assert one.list is not None
    assert methods_of(one.list) == []
    assert method_of(one, one.list) is None
    assert permissions_of(one, one.list) == ()


def test_a_call_may_say_its_permission_itself() -> None:
    one = definition(TOPICS, project="projects/{account}")
    said = Call.model_validate({"call": TOPICS, "permission": ["pubsub.topics.get"]})
    assert permissions_of(one, said) == ("pubsub.topics.get",)


# The role.


def test_the_role_as_gcloud_takes_it() -> None:
    granted = permissions([definition(TOPICS, project="projects/{account}")], GcpSettings())
    (document,) = granted.documents
    lines = document.splitlines()
    assert lines[lines.index("includedPermissions:") + 1 :] == [f"- {each}" for each in granted.grants]
    assert "pubsub.topics.list" in granted.grants
    assert "cloudasset.assets.listResource" in granted.grants
    assert granted.suffix == ".yaml"
    assert "--organization=" in granted.note


def test_a_role_for_single_projects_has_nothing_of_organisations() -> None:
    settings = GcpSettings(projects=("payroll-prod",), inventory="off")
    types = [
        definition(TOPICS, project="projects/{account}"),
        definition("iam:GET /v1/{+parent}/roles", "organization", parent="organizations/{account}"),
    ]
    granted = permissions(types, settings)
    assert not [each for each in granted.grants if "organization" in each or "folder" in each]
    assert not [each for each in granted.grants if each.startswith("cloudasset.")]
    assert "pubsub.topics.list" in granted.grants
    assert "iam.roles.list" not in granted.grants
    assert "--project=" in granted.note


def test_reading_changes_nothing_and_reads_no_data() -> None:
    collector = GcpCollector({}, Tools(redaction_key=b"key"))
    verbs = {each.rpartition(".")[2] for each in collector.permissions(collector.resource_types()).grants}
    changing = ("create", "delete", "update", "set", "access", "sign", "export", "actas")
    assert [verb for verb in verbs if verb.lower().startswith(changing)] == []
