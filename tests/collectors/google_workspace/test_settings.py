"""Settings: names, fields, values and defaults are those that Google documents.

``settings.json`` holds what the definitions and checks use of Google's pages: type → field → kind or
values, and the values that fields have where no policy says anything. Where Google gives other values than
it documents, both are there (https://github.com/cisagov/ScubaGoggles reads them of tenants). Sources:
https://cloud.google.com/identity/docs/concepts/supported-policy-api-settings (fields),
https://cloud.google.com/identity/docs/concepts/policy-api-concepts#default_field_values (defaults; without
that of super administrators' recovery, of which https://support.google.com/a/answer/9436964 says otherwise).
"""

import datetime as dt
import json
import re
from pathlib import Path
from typing import Any

import pytest

from mappings.rule import Expression, activation
from store.definition_file import read_tables
from tests.collectors.google_workspace.test_definitions import CHECKS, TYPES

_SETTINGS = json.loads((Path(__file__).parent / "settings.json").read_bytes())
DOCUMENTED, DEFAULTS = _SETTINGS["fields"], _SETTINGS["defaults"]
FOLLOWING = {
    table["id"]: table
    for path in sorted(CHECKS.glob("settings_*.toml"))
    for table in read_tables(path, "check")
    if table.get("pattern") == "google_workspace.setting"
}
# Other pages of Google's say these: nobody has to use 2-step verification, and 8 characters will do.
_TOLD_ELSEWHERE = {
    "google_workspace.settings.security.two-step-enforced": "fail",
    "google_workspace.settings.security.password-length": "fail",
}
_TYPE = re.compile(r"policies\[\?setting\.type=='settings/(.+)'\]")


def _setting(resource: str, key: str) -> str:
    found = _TYPE.fullmatch(TYPES[resource].detail[key].take)
    assert found, (resource, key)
    return found[1]


def _is(kind: Any, value: Any) -> bool:
    if isinstance(kind, list):
        return value in kind
    if kind == "duration":
        return bool(re.fullmatch(r"\d+[smh]", value))
    if kind == "timestamp":
        return dt.datetime.fromisoformat(value).tzinfo is not None
    return type(value) is {"boolean": bool, "integer": int, "list": list, "string": str}[kind]


def test_every_setting_that_is_read_is_documented() -> None:
    read = [
        found[1]
        for definition in TYPES.values()
        for detail in definition.detail.values()
        if (found := _TYPE.fullmatch(detail.take))
    ]
    assert len(read) > 40
    assert [each for each in read if each not in DOCUMENTED] == []


def test_the_rules_over_settings_follow_the_pattern() -> None:
    assert len(FOLLOWING) > 50


@pytest.mark.parametrize("check", FOLLOWING.values(), ids=list(FOLLOWING))
def test_a_rule_reads_a_documented_field_and_is_tried_with_documented_values(check: dict[str, Any]) -> None:
    given = check["with"]
    kind = DOCUMENTED[_setting(check["resource"], given["policies"])][given["field"]]
    assert _is(kind, given["safe"])
    assert _is(kind, given["unsafe"])


@pytest.mark.parametrize("check", FOLLOWING.values(), ids=list(FOLLOWING))
def test_the_values_that_a_rule_names_are_documented(check: dict[str, Any]) -> None:
    given = check["with"]
    documented = DOCUMENTED[_setting(check["resource"], given["policies"])]
    values = {value for kind in documented.values() if isinstance(kind, list) for value in kind}
    named = {*re.findall(r"'([A-Z_]+)'", given["holds"]), *check.get("params", {}).get("accepted", ())}
    assert named <= values


@pytest.mark.parametrize("check", FOLLOWING.values(), ids=list(FOLLOWING))
def test_where_nothing_was_set_only_what_google_documents_decides(check: dict[str, Any]) -> None:
    given = check["with"]
    defaults = DEFAULTS.get(_setting(check["resource"], given["policies"]), {})
    if given["field"] not in defaults:
        assert given["default"] == _TOLD_ELSEWHERE.get(check["id"], "unknown")
        return
    policy = {"setting": {"value": {given["field"]: defaults[given["field"]]}}}
    value = f"p.setting.value.{given['field']}"
    rule = Expression.compile(f"cel.bind(p, resource, cel.bind(value, {value}, {given['holds']}))")
    params = check.get("params", {})
    bound = activation(resource=policy, scope={}, params=params, now=dt.datetime.now(dt.UTC))
    assert rule.value(bound) is (given["default"] == "pass")
