"""Judging: what was not read is never a pass and never a fail."""

import datetime as dt
from typing import Any

import pytest

from mappings.evaluate import judge, scope_view, view
from store.canonical import digest
from store.model import Outcome, Scope
from tests.mappings.conftest import HASH, KIND, NOW, SCOPE, check, document, judged, judged_whole

ENCRYPTED = check("resource.encryption != null")
TRAIL = "aws.cloudtrail.trail"
LOGGING = check(f"resources['{TRAIL}'].exists(t, t.item.MultiRegion && t.status.IsLogging)", whole=(TRAIL,))


def test_a_rule_that_holds_is_a_pass() -> None:
    assert judged(ENCRYPTED, {"encryption": {}}).outcome is Outcome.PASS


def test_a_rule_that_does_not_hold_is_a_fail() -> None:
    assert judged(ENCRYPTED, {"encryption": None}).outcome is Outcome.FAIL


def test_a_finding_names_check_document_and_resource() -> None:
    finding = judged(ENCRYPTED, {"encryption": {}})
    assert (finding.check, finding.check_digest) == (ENCRYPTED.id, ENCRYPTED.digest)
    assert (finding.resource_id, finding.document, finding.reason) == ("arn:aws:s3:::bucket", HASH, "")


def test_a_document_is_judged_by_every_check_in_order() -> None:
    checks = [
        check("true"),
        check("false"),
        check("params.days == 3", days=3),
        check("params.days == 3", days=4),
    ]
    found = judge(checks, document({}), HASH, SCOPE, NOW)
    assert [finding.outcome for finding in found] == [Outcome.PASS, Outcome.FAIL, Outcome.PASS, Outcome.FAIL]


# What a rule sees.


def test_a_rule_sees_the_document_and_its_id_name_and_region() -> None:
    rule = check(
        "resource.id == 'arn:aws:s3:::bucket' && resource.name == 'bucket' && resource.region == 'eu-west-1'"
        " && resource.item.On && scope.partition == 'aws' && now == timestamp('2026-01-01T00:00:00Z')"
    )
    assert judged(rule, {"item": {"On": True}}).outcome is Outcome.PASS
    assert view(document({"item": 1})).keys() == {"id", "name", "region", "item"}


def test_a_rule_sees_the_facts_of_the_scope() -> None:
    scope = Scope("aws", "1", "one", ("eu-west-1",), {"partition": "aws-cn"})
    facts = {"provider": "aws", "id": "1", "name": "one", "regions": ["eu-west-1"], "partition": "aws-cn"}
    assert scope_view(scope) == facts


def test_a_verdict_that_rests_on_the_clock_changes_with_it() -> None:
    rule = check("now < timestamp(resource.item.Expires)")
    content = {"item": {"Expires": "2026-06-01T00:00:00Z"}}
    assert judged(rule, content).outcome is Outcome.PASS
    assert judged(rule, content, now=dt.datetime(2026, 7, 1, tzinfo=dt.UTC)).outcome is Outcome.FAIL


# Not read.


def test_a_missing_key_is_unknown_and_named() -> None:
    finding = judged(check("resource.item.Versioning == 'on'"), {"item": {}})
    assert finding.outcome is Outcome.UNKNOWN
    assert "Versioning" in finding.reason


@pytest.mark.parametrize(
    "rule",
    [
        "resource.encryption != null",
        "has(resource.encryption)",
        "!has(resource.encryption)",
        "resource.?encryption.hasValue()",
        "resource.?encryption.?Rules.orValue([]).size() == 0",
        "!has(.resource.encryption)",
        "!('encryption' in resource)",
        "resource[?r'encryption'].orValue(null) == null",
        "cel.bind(r, resource, !has(r.encryption))",
        "resource.item.On || resource.encryption != null",
    ],
)
def test_a_gap_on_what_a_rule_reads_is_unknown_however_the_rule_asks(rule: str) -> None:
    finding = judged(check(rule), {"item": {"On": True}}, "encryption")
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.reason == "s3:Get_encryption could not be read: AccessDenied"


def test_a_gap_on_what_a_rule_does_not_read_does_not_matter() -> None:
    assert judged(ENCRYPTED, {"encryption": {}}, "policy").outcome is Outcome.PASS


def test_a_gap_on_the_item_itself_is_unknown() -> None:
    assert judged(check("resource.?item.?On.orValue(true)"), {}, "item").outcome is Outcome.UNKNOWN


def test_a_gap_on_what_decides_whether_the_check_applies_is_unknown() -> None:
    rule = check("true", applies="has(resource.website)")
    assert judged(rule, {}, "website").outcome is Outcome.UNKNOWN


def test_a_missing_key_in_what_decides_whether_the_check_applies_is_unknown() -> None:
    assert judged(check("true", applies="resource.item.On"), {"item": {}}).outcome is Outcome.UNKNOWN


# Not applicable.


def test_a_check_that_does_not_apply_says_so() -> None:
    rule = check("resource.encryption != null", applies="resource.item.On")
    assert judged(rule, {"item": {"On": False}, "encryption": None}).outcome is Outcome.NOT_APPLICABLE
    assert judged(rule, {"item": {"On": True}, "encryption": None}).outcome is Outcome.FAIL


def test_a_check_that_does_not_apply_does_not_mind_a_gap_on_the_rest() -> None:
    rule = check("resource.encryption != null", applies="resource.item.On")
    assert judged(rule, {"item": {"On": False}}, "encryption").outcome is Outcome.NOT_APPLICABLE


# The rule itself fails.


@pytest.mark.parametrize("rule", ["resource.item.startsWith('x')", "1 / 0 == 1", "resource.item"])
def test_a_rule_that_fails_is_an_error_and_not_a_verdict(rule: str) -> None:
    finding = judged(check(rule), {"item": 1})
    assert finding.outcome is Outcome.ERROR
    assert finding.reason.startswith("the rule failed: ")


def test_a_failure_in_what_decides_whether_the_check_applies_is_an_error() -> None:
    assert judged(check("true", applies="resource.item > 'x'"), {"item": 1}).outcome is Outcome.ERROR


# What decided.


def test_the_values_that_decided_are_observed() -> None:
    rule = check("resource.item.Days < 90 && resource.policy == null", applies="resource.item.On")
    finding = judged(rule, {"item": {"Days": 3, "On": True, "Other": 1}, "policy": None})
    assert finding.observed == {"item.On": True, "item.Days": 3, "policy": None}


def test_a_value_that_is_not_there_is_observed_as_null() -> None:
    assert judged(check("has(resource.item.a.b)"), {"item": {}}).observed == {"item.a.b": None}


def test_a_small_value_is_observed_as_it_is() -> None:
    value: dict[str, Any] = {"Statement": [{"Effect": "Deny"}]}
    assert judged(check("resource.policy != null"), {"policy": value}).observed == {"policy": value}


@pytest.mark.parametrize("value", [["x" * 10] * 100, {"a": "x" * 600}, "x" * 600])
def test_a_large_value_is_observed_by_its_hash_and_size(value: Any) -> None:
    observed = judged(check("resource.policy != null"), {"policy": value}).observed["policy"]
    assert observed["sha256"] == digest(value)
    assert observed["bytes"] > 512


# A scope as a whole.


def trail(logging: bool | None, *gaps: str, name: str = "trail") -> Any:
    content: dict[str, Any] = {"item": {"MultiRegion": True}}
    if logging is not None:
        content["status"] = {"IsLogging": logging}
    return document(content, *gaps, name=name, kind=TRAIL)


def test_one_that_does_it_is_a_pass() -> None:
    assert judged_whole(LOGGING, {TRAIL: [trail(False), trail(True)]}).outcome is Outcome.PASS


def test_none_that_does_it_is_a_fail() -> None:
    assert judged_whole(LOGGING, {TRAIL: [trail(False)]}).outcome is Outcome.FAIL


@pytest.mark.parametrize("documents", [{}, {TRAIL: []}])
def test_none_at_all_is_a_fail_if_the_list_is_complete(documents: dict[str, Any]) -> None:
    assert judged_whole(LOGGING, documents).outcome is Outcome.FAIL


def test_none_at_all_is_unknown_if_the_list_is_incomplete() -> None:
    finding = judged_whole(LOGGING, {}, {TRAIL: "denied"})
    assert (finding.outcome, finding.reason) == (Outcome.UNKNOWN, "denied")


def test_an_incomplete_list_is_unknown_whatever_was_seen_of_it() -> None:
    assert judged_whole(LOGGING, {TRAIL: [trail(True)]}, {TRAIL: "denied"}).outcome is Outcome.UNKNOWN


def test_an_incomplete_list_of_a_type_that_is_not_read_does_not_matter() -> None:
    assert judged_whole(LOGGING, {TRAIL: [trail(True)]}, {KIND: "denied"}).outcome is Outcome.PASS


def test_a_gap_on_a_member_that_the_rule_reads_is_unknown_and_names_the_resource() -> None:
    finding = judged_whole(LOGGING, {TRAIL: [trail(False), trail(None, "status", name="second")]})
    assert finding.outcome is Outcome.UNKNOWN
    assert finding.reason == "s3:Get_status could not be read for second: AccessDenied"


def test_a_gap_on_a_member_that_the_rule_does_not_read_does_not_matter() -> None:
    assert judged_whole(LOGGING, {TRAIL: [trail(True, "tags")]}).outcome is Outcome.PASS


@pytest.mark.parametrize(
    "access", ["has(t.status)", "t.?status.hasValue()", "t[params.key] == 1", "t.?`status`.hasValue()"]
)
def test_a_gap_on_a_member_is_unknown_however_the_rule_asks(access: str) -> None:
    rule = check(f"resources['{TRAIL}'].exists(t, {access})", whole=(TRAIL,), key="status")
    assert judged_whole(rule, {TRAIL: [trail(None, "status")]}).outcome is Outcome.UNKNOWN


def test_a_missing_member_is_unknown() -> None:
    assert judged_whole(LOGGING, {TRAIL: [trail(None)]}).outcome is Outcome.UNKNOWN


def test_a_scope_check_may_not_apply() -> None:
    rule = check("false", applies=f"resources['{TRAIL}'].size() > 0", whole=(TRAIL,))
    assert judged_whole(rule, {}).outcome is Outcome.NOT_APPLICABLE


def test_several_types_are_judged_together() -> None:
    rule = check(f"resources['{TRAIL}'].size() > resources['{KIND}'].size()", whole=(TRAIL, KIND))
    finding = judged_whole(rule, {TRAIL: [trail(True)]})
    assert finding.outcome is Outcome.PASS
    assert finding.observed == {f"{TRAIL}.count": 1, f"{KIND}.count": 0}


def test_a_finding_on_a_scope_names_no_resource() -> None:
    finding = judged_whole(LOGGING, {TRAIL: [trail(True)]})
    assert (finding.resource_id, finding.document) == ("", "")


def test_a_rule_that_looks_at_too_many_elements_is_unknown_and_ends_no_run() -> None:
    source = "resource.members.map(m, resource.members.all(o, o >= 0)).size() > 0"
    finding = judged(check(source), {"members": list(range(200))})
    assert finding.outcome is Outcome.UNKNOWN
    assert "more elements than may be looked at" in finding.reason
