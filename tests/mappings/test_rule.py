"""What a rule depends on is worked out from its text, in every spelling that CEL allows."""

import datetime as dt
import sys
from typing import Any

import pytest

from mappings.rule import Expression, Rule, activation
from mappings.rule_errors import MissingValueError, RuleFailedError
from store.errors import DefinitionError

NOW = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def evaluate(source: str, resource: dict[str, Any] | None = None, **params: Any) -> bool:
    bound = activation(resource=resource, scope={"id": "1"}, params=params, now=NOW)
    return Rule.compile(source).evaluate(bound)


# Which keys of the document a rule reads.


@pytest.mark.parametrize(
    "source",
    [
        "resource.policy == null",
        "resource . policy == null",
        "resource\n  // a comment with resource.other in it\n  .policy == null",
        "resource['policy'] == null",
        'resource["policy"] == null',
        "resource[r'policy'] == null",
        "resource['''policy'''] == null",
        'resource[ """policy""" ] == null',
        ".resource.policy == null",
        "1 in .resource.policy",
        "!has(resource.policy)",
        "!has(.resource.policy)",
        "has(resource.policy.Statement)",
        "resource.?policy.hasValue()",
        "resource[?'policy'].hasValue()",
        "resource.?policy.?Statement.orValue([]).size() == 0",
        "resource.policy.?Statement.orValue([]).size() == 0",
        "resource.policy.Statement[0].Effect == 'Deny'",
        "resource.policy[0] == 1",
        "resource.policy.exists(s, s.Effect == 'Deny')",
        "cel.bind(p, resource.policy, p == null)",
        "[resource.policy].size() == 1",
        "{'resource.other': resource.policy}.size() == 1",
        "scope.id == '1' ? resource.policy == 1 : resource.policy == 2",
        "'resource.other' == resource.policy",
        '"\\"resource.other\\"" == resource.policy',
        "size(resource.policy) > 1",
        "resource.policy.resource.other == 1",
        "resource.policy.?resource.?other.hasValue()",
    ],
)
def test_a_rule_on_the_policy_depends_on_the_policy(source: str) -> None:
    assert Rule.compile(source).keys == frozenset({"policy"})


def test_a_rule_depends_on_all_keys_that_it_reads() -> None:
    rule = Rule.compile("resource.item.Public && (resource.policy != null || has(resource.acl))")
    assert rule.keys == frozenset({"item", "policy", "acl"})


def test_a_rule_that_reads_no_document_depends_on_none() -> None:
    assert Rule.compile("scope.id == params.resource && scope.resource == 1").keys == frozenset()


@pytest.mark.parametrize(
    "source",
    [
        "resource == {}",
        "size(resource) == 1",
        "resource.size() == 1",
        "resource.exists(key, key == 'policy')",
        "'policy' in resource",
        "(resource).policy == 1",
        "[resource].exists(r, r.policy == 1)",
        "cel.bind(r, resource, has(r.policy))",
        "resource[params.key] == 1",
        "resource['pol' + 'icy'] == 1",
        "resource['\\x70olicy'] == 1",
        "resource.`policy` == 1",
        "optional.of(resource).policy.hasValue()",
        "resource.item == 1 || resource == {}",
        "resource.policy.all(resource, resource.policy == 1)",
    ],
)
def test_a_rule_that_may_read_any_key_depends_on_the_whole_document(source: str) -> None:
    assert Rule.compile(source).keys is None


# Which values decided.


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("resource.item.Versioning.Status == 'Enabled'", [("item", "Versioning", "Status")]),
        ("resource.item['Versioning'].Status == 'x'", [("item", "Versioning", "Status")]),
        ("resource.item[r'a\\b'].Status == 'x'", [("item", "a\\b", "Status")]),
        ("resource.item.?Status.orValue('x') == 'x'", [("item", "Status")]),
        ("resource.item.Name.startsWith('x')", [("item", "Name")]),
        ("resource.item.Rules[0].Id == 'x'", [("item", "Rules")]),
        ("resource.b == 1 && resource.a == 1 && resource.b == 2", [("b",), ("a",)]),
        ("resource == {} || resource.a == 1", [("a",)]),
    ],
)
def test_paths_are_those_that_are_spelled_out(source: str, paths: list[tuple[str, ...]]) -> None:
    assert list(Rule.compile(source).paths) == paths


# Which members a rule over a whole scope may read.


@pytest.mark.parametrize(
    "access",
    [
        "t.status.IsLogging",
        "t['status'].IsLogging",
        't["status"].IsLogging',
        "t[r'status'].IsLogging",
        "t.?status.?IsLogging.orValue(false)",
        "t[?'status'].hasValue()",
        "has(t.status)",
        "'status' in t",
    ],
)
def test_a_member_is_seen_in_every_spelling(access: str) -> None:
    members = Rule.compile(f"resources['aws.cloudtrail.trail'].exists(t, {access})").members
    assert members is not None
    assert "status" in members
    assert "tags" not in members


@pytest.mark.parametrize("access", ["t[params.key]", "t['sta' + 'tus']", "t['\\x73tatus']", "t.`status`"])
def test_a_member_that_is_computed_may_be_any(access: str) -> None:
    assert Rule.compile(f"resources['aws.cloudtrail.trail'].exists(t, {access} == 1)").members is None


@pytest.mark.parametrize(
    "access", ["t.rules[0].on", "[1, 2][0] == t.rules", "t.rules.all(r, r in ['a', t.b])"]
)
def test_a_number_as_index_and_a_list_are_no_computed_members(access: str) -> None:
    members = Rule.compile(f"resources['a.b'].exists(t, {access})").members
    assert members is not None
    assert "rules" in members


# The clock.


@pytest.mark.parametrize(
    "source",
    [
        "now > timestamp(resource.item.Expires)",
        "timestamp(resource.item.Expires)<now",
        ".now > timestamp('2020-01-01T00:00:00Z')",
        "(now - timestamp(resource.item.Created)).getHours() > 1",
        "cel.bind(then, now, then > timestamp('2020-01-01T00:00:00Z'))",
    ],
)
def test_a_rule_with_the_clock_is_known_to_use_it(source: str) -> None:
    assert Rule.compile(source).uses_now


@pytest.mark.parametrize(
    "source",
    ["resource.now == 1", "resource.?now.hasValue()", "'now' == scope.id", "scope.nowadays == 1 // now"],
)
def test_a_rule_without_the_clock_is_known_not_to(source: str) -> None:
    assert not Rule.compile(source).uses_now


# What does not compile.


def test_a_syntax_error_is_named_with_its_place_and_the_rule() -> None:
    with pytest.raises(
        DefinitionError, match=r"does not compile: <input>:1:\d+: Syntax error.*resource\.a =="
    ):
        Rule.compile("resource.a ==")


def test_an_unknown_variable_is_named() -> None:
    with pytest.raises(DefinitionError, match="undeclared reference to 'bucket"):
        Rule.compile("bucket.a == 1")


def test_an_unknown_function_is_named() -> None:
    with pytest.raises(DefinitionError, match="undeclared reference to 'shout'"):
        Rule.compile("shout(resource.a)")


@pytest.mark.parametrize(
    ("source", "kind"), [("1 + 1", "INT"), ("'a'", "STRING"), ("[true]", "LIST<BOOL>"), ("now", "TIMESTAMP")]
)
def test_a_rule_that_cannot_give_a_boolean_is_refused(source: str, kind: str) -> None:
    with pytest.raises(DefinitionError, match=f"gives {kind}, not a boolean"):
        Rule.compile(source)


# What a rule gives.


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_the_result(value: bool) -> None:
    assert evaluate("resource.a", {"a": value}) is value


def test_parameters_scope_and_clock_are_bound() -> None:
    assert evaluate("params.days == 3 && scope.id == '1' && now == timestamp('2026-01-01T00:00:00Z')", days=3)


@pytest.mark.parametrize(
    "source",
    [
        "resource.b == 1",
        "resource.a.b.c == 1",
        "resource['b'] == 1",
        "params.days > 1",
        "resource.a.exists(x, resource.b)",
    ],
)
def test_a_missing_key_is_told_apart(source: str) -> None:
    with pytest.raises(MissingValueError):
        evaluate(source, {"a": {"x": 1}})


@pytest.mark.parametrize("source", ["resource.a", "resource.a ? 1 : 2", "dyn(null)"])
def test_a_result_that_is_no_boolean_is_a_failure_of_the_rule(source: str) -> None:
    try:
        rule = Rule.compile(source)
    except DefinitionError:
        return
    bound = activation(resource={"a": "yes"}, scope={}, params={}, now=NOW)
    with pytest.raises(RuleFailedError):
        rule.evaluate(bound)


@pytest.mark.parametrize(
    "source",
    ["resource.a.startsWith('x')", "resource.a / 0 == 1", "timestamp(resource.b) < now", "resource.a > 'x'"],
)
def test_any_other_failure_is_the_rules_own(source: str) -> None:
    with pytest.raises(RuleFailedError):
        evaluate(source, {"a": 1, "b": "yesterday"})


@pytest.mark.parametrize(
    "source", ["has(resource.b)", "resource.?b.hasValue()", "resource.?b.?c.orValue(false)"]
)
def test_absence_can_be_asked_for(source: str) -> None:
    assert evaluate(source, {"a": 1}) is False


# What an expression gives.


def value(source: str, **resource: Any) -> Any:
    bound = activation(resource=resource, scope={"id": "1"}, params={}, now=NOW)
    return Expression.compile(source).value(bound)


@pytest.mark.parametrize(
    "found",
    [None, True, 7, 0.5, "text", [], {}, [None, 1, ["a", None]], {"a": None, "b": [{"c": False}]}],
)
def test_an_expression_gives_what_the_document_holds(found: Any) -> None:
    assert value("resource.found", found=found) == found


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None needs no references since Python 3.12")
@pytest.mark.parametrize("found", [None, [None], {"a": None}, [{"a": [None]}]])
def test_nulls_take_no_references_from_the_interpreter(found: Any) -> None:
    before = sys.getrefcount(None)
    for _ in range(10_000):
        value("resource.found", found=found)
    assert sys.getrefcount(None) > before - 5_000


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="None needs no references since Python 3.12")
def test_rules_that_give_null_take_no_references_either() -> None:
    before = sys.getrefcount(None)
    for _ in range(10_000):
        with pytest.raises(RuleFailedError):
            evaluate("resource.found", {"found": None})
    assert sys.getrefcount(None) > before - 5_000
