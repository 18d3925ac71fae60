"""What the paths of definitions say: kinds of resources, the permission to read them, and mistakes."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

import mappings
from annexa.plugin import ResourceType, Tools
from collectors.azure.arm_path import ArmPath, arm_path
from collectors.azure.collector import AzureCollector
from collectors.azure.fields import form_of, forms
from collectors.azure.lint import document_forms
from collectors.azure.permissions import path_of, permissions
from collectors.azure.settings import AzureSettings
from collectors.ratelimit import RateLimiter, load_limits
from collectors.rest.forms import ANY
from collectors.rest.operation import parse
from mappings.check import load_checks
from tests.collectors.azure import estate
from tests.collectors.azure.generate_fields import generate

_LIST = "arm:GET /subscriptions/{subscriptionId}/providers/Microsoft.Sql/servers"


def definition(**more: Any) -> ResourceType:
    table: dict[str, Any] = {
        "type": "azure.sql.server",
        "title": "SQL server",
        "region": "global",
        "id": "{item.id}",
        "name": "{item.name}",
        "list": {
            "call": _LIST,
            "with": {"subscriptionId": "{account}", "api-version": "2021-11-01"},
            "items": "value",
        },
    }
    return ResourceType.model_validate({**table, **more})


def detail(call: str, **more: Any) -> ResourceType:
    return definition(
        detail={"x": {"call": call, "with": {"id": "{item.id}", "api-version": "2021-11-01"}, **more}}
    )


@pytest.mark.parametrize(
    ("path", "kind", "lists"),
    [
        ("/subscriptions", "Microsoft.Resources/subscriptions", True),
        ("/subscriptions/s", "Microsoft.Resources/subscriptions", False),
        ("/subscriptions/{s}/resourceGroups", "Microsoft.Resources/subscriptions/resourceGroups", True),
        ("/subscriptions/s/providers/Microsoft.Sql/servers", "Microsoft.Sql/servers", True),
        ("/subscriptions/s/resourceGroups/g/providers/A.B/c/d/e/f", "A.B/c/e", False),
        ("/subscriptions/s/providers/A.B/c/d/providers/E.F/g", "E.F/g", True),
        (
            "/providers/Microsoft.Management/managementGroups/g",
            "Microsoft.Management/managementGroups",
            False,
        ),
        ("{+id}", "A.B/c", False),
        ("{+id}/e", "A.B/c/e", True),
        ("{+id}/e/default", "A.B/c/e", False),
        ("{+id}/providers/E.F/g", "E.F/g", True),
    ],
)
def test_what_a_path_says(path: str, kind: str, lists: bool) -> None:
    assert arm_path(path, ("A.B", "c")) == ArmPath(tuple(kind.split("/")), lists)


@pytest.mark.parametrize(
    "path", ["", "/", "subscriptions", "/a//b", "/providers", "/s/{x}/{y}", "/providers/A.B"]
)
def test_a_path_that_says_nothing(path: str) -> None:
    assert arm_path(path) is None


@pytest.mark.parametrize(
    ("call", "more", "action"),
    [
        ("arm:GET {+id}/databases", {}, "Microsoft.Sql/servers/databases/read"),
        ("arm:GET {+id}/auditingSettings/default", {}, "Microsoft.Sql/servers/auditingSettings/read"),
        (
            "arm:GET {+id}/providers/Microsoft.Insights/diagnosticSettings",
            {},
            "Microsoft.Insights/diagnosticSettings/read",
        ),
        (
            "arm:GET {+id}/keys",
            {"permission": ["Microsoft.Sql/servers/keys/special"]},
            "Microsoft.Sql/servers/keys/special",
        ),
    ],
)
def test_the_permission_follows_from_the_path(call: str, more: dict[str, Any], action: str) -> None:
    granted = permissions([detail(call, **more)], AzureSettings())
    assert granted.grants == tuple(
        sorted(["Microsoft.Resources/subscriptions/read", "Microsoft.Sql/servers/read", action])
    )


def test_a_parent_s_kind_is_known_from_its_own_list() -> None:
    collector = AzureCollector({}, Tools(redaction_key=b"key"))
    assert "Microsoft.KeyVault/vaults/secrets/read" in collector.permissions(["azure.keyvault.secret"]).grants


def test_the_role_as_azure_takes_it() -> None:
    section = {"subscriptions": [estate.SUBSCRIPTION], "management_groups": ["corp"]}
    granted = AzureCollector(section, Tools(redaction_key=b"key")).permissions(["azure.sql.server"])
    (document,) = granted.documents
    role = json.loads(document)
    assert role["IsCustom"] is True
    assert role["Actions"] == list(granted.grants)
    assert "Microsoft.Management/managementGroups/descendants/read" in role["Actions"]
    assert role["DataActions"] == []
    assert role["AssignableScopes"] == [
        f"/subscriptions/{estate.SUBSCRIPTION}",
        "/providers/Microsoft.Management/managementGroups/corp",
    ]
    assert all(action.endswith("/read") for action in role["Actions"])


def test_every_definition_is_sound() -> None:
    types = AzureCollector({}, Tools(redaction_key=b"key")).resource_types()
    assert len(types) >= 35
    assert [problem for each in types.values() for problem in AzureCollector.definition_problems(each)] == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (detail("graph:GET {+id}/a"), "no service 'graph'"),
        (detail("arm:DELETE {+id}/a"), "not of the form"),
        (detail("arm:GET {+id}/a/{name}"), "'name'"),
        (detail("arm:GET {+id}/a", **{"with": {"id": "{item.id}"}}), "api-version"),
        (detail("arm:GET {+id}/a", **{"with": {"id": "{item.id}", "api-version": "latest"}}), "api-version"),
        (detail("arm:POST {+id}/listKeys"), "permission"),
        (detail("arm:GET {+id}/a", **{"with": {"id": "{x.id}", "api-version": "2021-11-01"}}), "permission"),
        (
            detail(
                "arm:GET {+id}/a", **{"with": {"id": "{item.id}", "api-version": "2021-11-01", "body": {}}}
            ),
            "only a POST",
        ),
        (
            definition(
                list={
                    "call": _LIST + "/{name}",
                    "with": {"subscriptionId": "{account}", "name": "n", "api-version": "2021-11-01"},
                    "items": "value",
                }
            ),
            "names one resource",
        ),
        (
            definition(
                list={
                    "call": _LIST,
                    "with": {"subscriptionId": "{account}", "api-version": "2021-11-01"},
                    "items": "items",
                }
            ),
            "lists, in 'value'",
        ),
    ],
)
def test_a_definition_that_is_wrong_is_named(wrong: ResourceType, words: str) -> None:
    assert words in " ".join(AzureCollector.definition_problems(wrong))


# Fields.


def test_every_type_that_a_field_names_is_there() -> None:
    published = json.loads((AzureCollector.folder / "fields.json").read_text(encoding="utf-8"))
    known = {ANY, "boolean", "integer", "number", "string", *published["types"]}
    named = {form.strip("[]{}") for fields in published["types"].values() for form in fields.values()}
    assert (named | set(published["kinds"].values())) - known == set()


def test_most_kinds_that_are_read_have_published_fields() -> None:
    types = AzureCollector({}, Tools(redaction_key=b"key")).resource_types()
    paths = {path_of(each, call, parse(call.operation)) for each in types.values() for call in each.calls()}
    unknown = {path.kind[-1] for path in paths if path is not None and form_of(path.kind) == ANY}
    assert unknown == {"policyExemptions", "securityContacts"}


def test_the_fields_are_those_of_the_libraries_that_they_are_made_from() -> None:
    pytest.importorskip("azure.mgmt.storage", reason="the management libraries are not installed")
    published = json.loads((AzureCollector.folder / "fields.json").read_text(encoding="utf-8"))
    assert generate() == published


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"id": "{item.ID}"}, "item.ID: no field 'ID'; there are"),
        ({"secret": ["item.properties.administratorPassword"]}, "no field 'administratorPassword'"),
        ({"volatile": ["item.name.first"]}, "'first' is asked of a string"),
        ({"home": "{item.properties.privateEndpointConnections.location}"}, "is asked of a list"),
    ],
)
def test_a_field_that_no_answer_has_is_named(more: dict[str, Any], words: str) -> None:
    assert words in " ".join(AzureCollector.definition_problems(definition(**more)))


@pytest.mark.parametrize("path", ["item.tags.owner", "item.tags.*", "item.properties.*.*.etag", "other.a"])
def test_a_field_that_may_be_there_is_not(path: str) -> None:
    assert AzureCollector.definition_problems(definition(secret=[path])) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"item": {"properties": {"minimalTlsVersion": 1.2}}}, "1.2, where the answer has a string"),
        ({"item": {"properties": {"minTls": "1.2"}}}, "no field 'minTls'"),
        ({"item": {"properties": "none"}}, "where the answer has an object"),
        ({"item": {"tags": {"a": 1}}}, "item.tags.a: 1, where the answer has a string"),
        ({"x": {"properties": {}}}, "where the answer has a list"),
        ({"x": [{"properties": {"start": "0.0.0.0"}}]}, "no field 'start'"),
        ({"y": 1}, "has no such call; it has item, x"),
    ],
)
def test_an_example_that_azure_cannot_give_is_named(document: dict[str, Any], words: str) -> None:
    one = detail("arm:GET {+id}/firewallRules", take="value")
    assert words in " ".join(AzureCollector.field_problems(one, document))


def test_an_example_that_azure_can_give_is_not() -> None:
    one = detail("arm:GET {+id}/firewallRules", take="value")
    document = {
        "id": "/subscriptions/s",
        "item": {"properties": {"minimalTlsVersion": "1.2", "publicNetworkAccess": None}, "tags": {"a": "b"}},
        "x": [{"properties": {"startIpAddress": "10.0.0.1"}}],
    }
    assert AzureCollector.field_problems(one, document) == []


def test_calls_keep_to_the_limits_of_what_they_ask() -> None:
    limiter = RateLimiter(load_limits(AzureCollector.folder / "limits.toml"))
    account = "arm:GET /subscriptions/{subscriptionId}/providers/Microsoft.Storage/storageAccounts"
    assert limiter.rate("", account) == 0.33
    services = ["blobServices/default", "fileServices/default", "blobServices/default/containers"]
    assert {limiter.rate("", f"arm:GET {{+id}}/{each}") for each in services} == {2.6}
    assert limiter.rate("", "arm:GET {+id}/auditingSettings/default") == 25


_SECRET = re.compile(
    r"(password|passphrase|secret|secretvalue|accesskey|storagekey|sharedkey|privatekey|customdata|userdata|"
    r"\.settings|protectedsettings|connectionstring)$",
    re.IGNORECASE,
)


def test_fields_that_are_called_like_secrets_are_never_kept() -> None:
    kept, covered = [], 0
    for kind, each in AzureCollector({}, Tools(redaction_key=b"key")).resource_types().items():
        for key, form in document_forms(each).items():
            for path in forms().leaves(form, key):
                if _SECRET.search(path):
                    covered += 1
                    if path not in each.secret:
                        kept.append(f"{kind} {path}")
    assert kept == []
    assert covered > 15


def test_references_of_checks_are_microsoft_s_and_equivalents_prowler_s() -> None:
    folder = Path(mappings.__file__).parent / "checks" / "azure"
    checks = load_checks([folder]).values()
    assert len(checks) >= 40
    references = [each for check in checks for each in check.references]
    assert [each for each in references if not each.startswith("https://learn.microsoft.com/azure/")] == []
    equivalents = [each for check in checks for each in check.equivalents]
    assert [each for each in equivalents if not each.startswith("prowler:")] == []
    assert len(equivalents) == len(set(equivalents))
