"""What the definitions of GCP say holds against the discovery documents, and mistakes in them are named."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import mappings
from annexa.plugin import ResourceType, Tools
from collectors.gcp.collector import GcpCollector
from collectors.gcp.fields import forms, published
from collectors.gcp.lint import document_forms
from collectors.ratelimit import RateLimiter, load_limits
from collectors.rest.forms import ANY
from mappings.check import load_checks
from tests.collectors.gcp.gate import has_documents
from tests.collectors.gcp.generate_fields import generate

TYPES = GcpCollector({}, Tools(redaction_key=b"key")).resource_types()
BUCKETS = "storage:GET /storage/v1/b"
POLICY = "storage:GET /storage/v1/b/{bucket}/iam"


_DENIED = {
    "401",
    "403",
    "ACCESS_TOKEN_EXPIRED",
    "API_DISABLED",
    "CONSUMER_INVALID",
    "IAM_PERMISSION_DENIED",
    "PERMISSION_DENIED",
    "RATE_LIMIT_EXCEEDED",
    "RESOURCE_EXHAUSTED",
    "SERVICE_DISABLED",
    "UNAUTHENTICATED",
    "UNAVAILABLE",
    "accessNotConfigured",
    "authError",
    "forbidden",
    "insufficientPermissions",
    "rateLimitExceeded",
    "required",
}


def definition(**more: Any) -> ResourceType:
    table: dict[str, Any] = {
        "type": "gcp.storage.bucket",
        "title": "Bucket",
        "region": "global",
        "id": "//storage.googleapis.com/{item.name}",
        "name": "{item.name}",
        "inventory": "storage.googleapis.com/Bucket",
        "list": {"call": BUCKETS, "with": {"project": "{account}"}, "items": "items"},
    }
    return ResourceType.model_validate({**table, **more})


def listed(call: str = BUCKETS, items: str = "items", **with_: Any) -> ResourceType:
    return definition(list={"call": call, "with": with_, "items": items})


def detail(call: str = POLICY, **more: Any) -> ResourceType:
    return definition(detail={"x": {"call": call, "with": {"bucket": "{item.name}"}, **more}})


# All of them.


def test_every_definition_is_sound() -> None:
    assert len(TYPES) >= 45
    assert [problem for each in TYPES.values() for problem in GcpCollector.definition_problems(each)] == []


def test_every_type_has_a_title_of_its_own() -> None:
    titles = Counter(each.title for each in TYPES.values())
    assert [title for title, times in titles.items() if times > 1 or not title] == []


def test_no_two_types_have_one_id() -> None:
    """Of what there is one for each scope; the others differ by what their lists give."""
    single = Counter((each.scope, each.id) for each in TYPES.values() if each.list is None)
    assert [each for each, times in single.items() if times > 1] == []


def test_every_call_is_one_of_the_discovery_documents() -> None:
    called = {call.call for each in TYPES.values() for call in each.calls()}
    assert called <= published()["methods"].keys()


def test_no_code_that_may_mean_denied_means_that_there_is_none() -> None:
    """Unless words in the message tell the two apart."""
    bare = [
        (each.type, call.call, code)
        for each in TYPES.values()
        for call in each.calls()
        for code in call.absent
        if code in _DENIED
    ]
    assert bare == []


@pytest.mark.skipif(not has_documents(), reason="google-api-python-client is not installed")
def test_the_fields_are_those_of_the_documents_that_they_are_made_from() -> None:
    own = Path(GcpCollector.folder / "fields.json").read_text(encoding="utf-8")
    made, unknown = generate()
    assert unknown == []
    assert made == json.loads(own)


def test_every_type_that_a_field_names_is_there() -> None:
    known = {ANY, "boolean", "integer", "number", "string", *published()["types"]}
    named = {form.strip("[]{}") for fields in published()["types"].values() for form in fields.values()}
    assert named - known == set()


# What is in initializeParams is taken and never given.
_SECRET = re.compile(
    r"^(?!.*\.initializeParams\.).*(password|passphrase|rawkey|rsaencryptedkey|privatekey|privatekeydata|clientkey|sharedsecret|plaintext|keystring|"
    r"authstring|userdata|environmentvariables\.\*|envvariables\.\*|\.env\.\*\.value|(?<!include)httpheaders\.\*|"
    r"headers\.\*\.value|config\.metadata\.\*|setup\.metadata\.\*|metadata\.items\.\*\.value)$",
    re.IGNORECASE,
)


def test_fields_that_are_called_like_secrets_are_never_kept() -> None:
    kept, covered = [], 0
    for kind, each in TYPES.items():
        dropped = [*each.secret, *each.volatile]
        for key, form in document_forms(each).items():
            for path in forms().leaves(form, key):
                if _SECRET.match(path):
                    covered += 1
                    if not any(_covers(pattern, path) for pattern in dropped):
                        kept.append(f"{kind} {path}")
    assert kept == []
    assert covered > 30


def _covers(pattern: str, path: str) -> bool:
    """Say whether what a definition drops holds a path."""
    steps, wanted = re.sub(r"\[[^]]*\]", "", pattern).split("."), path.split(".")
    fits = all(step in ("*", own) for step, own in zip(steps, wanted, strict=False))
    return len(steps) <= len(wanted) and fits


_OF_DATABASES = {"https://www.postgresql.org/support/versioning/", "https://www.mysql.com/support/"}
"""How long a version lives is not for Google to say."""


def test_references_of_checks_are_google_s() -> None:
    checks = load_checks([Path(mappings.__file__).parent / "checks" / "gcp"]).values()
    assert len(checks) >= 100
    references = {each for check in checks for each in check.references} - _OF_DATABASES
    assert [each for each in references if not each.startswith("https://cloud.google.com/")] == []


# Mistakes.


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (definition(scope="folder"), "scope is 'folder'"),
        (definition(inventory="Bucket"), "no asset type"),
        (detail(inventory="RESOURCE"), "it may be IAM_POLICY"),
        (detail("storage:DELETE /storage/v1/b/{bucket}"), "not of the form"),
        (detail("storage:GET /storage/v1/b/{bucket}/nothing"), "no method that the discovery documents have"),
        (definition(detail={"x": {"call": POLICY}}), "requires the parameter 'bucket'"),
        (listed(), "requires the parameter 'project'"),
        (listed(project="{account}", pageSize="5"), "has no parameter 'pageSize'"),
        (listed(project="{account}", body={}), "only a POST has"),
        (listed(items="buckets", project="{account}"), "no field 'buckets'"),
        (listed(items="kind[]", project="{account}"), "is asked of a string"),
        (definition(id="//storage.googleapis.com/{item.Name}"), "no field 'Name'"),
        (definition(id="//storage.googleapis.com/{over.name}"), "names {over}"),
        (definition(secret=["item.labels.owner.first"]), "is asked of a string"),
    ],
)
def test_a_definition_that_is_wrong_is_named(wrong: ResourceType, words: str) -> None:
    assert words in " ".join(GcpCollector.definition_problems(wrong))


@pytest.mark.parametrize("right", [definition(), detail(), detail(inventory="IAM_POLICY")])
def test_a_definition_that_is_right_is_not(right: ResourceType) -> None:
    assert GcpCollector.definition_problems(right) == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"item": {"location": 1}}, "1, where the answer has a string"),
        ({"item": {"Location": "EU"}}, "no field 'Location'"),
        ({"item": {"versioning": True}}, "where the answer has an object"),
        ({"item": {"labels": {"a": 1}}}, "item.labels.a: 1, where the answer has a string"),
        ({"x": {"bindings": {}}}, "where the answer has a list"),
        ({"y": 1}, "has no such call; it has item, x"),
    ],
)
def test_an_example_that_google_cannot_give_is_named(document: dict[str, Any], words: str) -> None:
    assert words in " ".join(GcpCollector.field_problems(detail(), document))


def test_an_example_that_google_can_give_is_not() -> None:
    document = {
        "id": "//storage.googleapis.com/a",
        "item": {"name": "a", "versioning": {"enabled": True}, "labels": {"a": "b"}},
        "x": {"bindings": [{"role": "roles/viewer", "members": ["allUsers"]}]},
    }
    assert GcpCollector.field_problems(detail(), document) == []


# Limits.


def test_calls_keep_to_the_limits_of_what_they_ask() -> None:
    limiter = RateLimiter(load_limits(GcpCollector.folder / "limits.toml"))
    assert limiter.rate("", "sqladmin:GET /v1/projects/{project}/instances") == 3
    assert limiter.rate("", BUCKETS) == 10
