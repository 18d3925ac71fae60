"""Checks as data: what the loader reads, and what it refuses."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from mappings.check import Check, load_checks
from store.canonical import digest
from store.errors import DefinitionError
from store.model import Outcome, Severity
from tests.mappings.conftest import check

CHECK = """
[[check]]
id = "aws.s3.bucket.private"
title = "Buckets are private"
resource = "aws.s3.bucket"
passes = "resource.item.Days < params.days && params.strict"
params = { days = 90, strict = true, names = ["a"] }
severity = "high"
controls = { "8.3" = "shows that access is restricted" }
remediation = "Take the grants away."
limits = "Sees no objects."
references = ["https://example.org"]

[[check.example]]
expect = "pass"
document = { item = { Days = 1 } }
"""


def load(folder: Path, text: str, name: str = "s3.toml") -> dict[str, Check]:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return load_checks([folder])


@pytest.fixture
def private(tmp_path: Path) -> Check:
    return load(tmp_path, CHECK)["aws.s3.bucket.private"]


def test_a_check_is_read_with_all_that_it_says(private: Check) -> None:
    assert (private.title, private.severity) == ("Buckets are private", Severity.HIGH)
    assert (private.types, private.provider) == (("aws.s3.bucket",), "aws")
    assert private.controls == {"8.3": "shows that access is restricted"}
    assert [example.expect for example in private.example] == [Outcome.PASS]


def test_files_are_found_at_any_depth_and_in_several_folders(tmp_path: Path) -> None:
    load(tmp_path / "one", CHECK, "aws/deep/s3.toml")
    load(tmp_path / "other", CHECK.replace("private", "mine"))
    found = load_checks([tmp_path / "one", tmp_path / "other"])
    assert list(found) == ["aws.s3.bucket.private", "aws.s3.bucket.mine"]


def test_a_file_with_other_tables_only_has_no_checks(tmp_path: Path) -> None:
    assert load(tmp_path, '[[resource]]\ntype = "x"\n') == {}


# What is refused.


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('severity = "high"', 'severity = "grave"', "severity: Input should be 'critical'"),
        ('severity = "high"', "", "severity: Field required"),
        ('title = "Buckets are private"', "", "title: Field required"),
        ('limits = "Sees no objects."', 'limits = ""', "limits: String should have at least 5"),
        (
            'remediation = "Take the grants away."',
            'remediation = "Fix"',
            "remediation: String should have at least",
        ),
        ('references = ["https://example.org"]', "references = []", "references: .*at least 1 item"),
        (
            'controls = { "8.3" = "shows that access is restricted" }',
            "controls = {}",
            "controls: .*at least 1 item",
        ),
        ('title = "Buckets are private"', 'titel = "Buckets are private"', "titel: unknown key"),
        ('expect = "pass"', 'expect = "passed"', "example.0.expect: Input should be 'pass'"),
        ('expect = "pass"', 'expect = "pass"\ngap = ["item"]', "example.0.gap: unknown key"),
        ('resource = "aws.s3.bucket"', "", "needs either 'resource' .* or 'resources'"),
        (
            'resource = "aws.s3.bucket"',
            'resource = "aws.s3.bucket"\nresources = ["aws.s3.bucket"]',
            "needs either 'resource' .* or 'resources'",
        ),
    ],
)
def test_a_wrong_key_is_named_with_file_and_check(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in CHECK
    with pytest.raises(DefinitionError, match=rf"s3\.toml: aws\.s3\.bucket\.private: .*{said}"):
        load(tmp_path, CHECK.replace(old, new, 1))


@pytest.mark.parametrize("name", ["s3", "aws.s3", "AWS.s3.bucket", "aws.s3.bucket private", "aws.s3..x", ""])
def test_an_id_that_is_not_provider_service_thing_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(DefinitionError, match=r"s3\.toml: .*id: String should match pattern"):
        load(tmp_path, CHECK.replace('id = "aws.s3.bucket.private"', f'id = "{name}"'))


def test_a_syntax_error_is_named_with_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"s3\.toml: .*line 3"):
        load(tmp_path, '\n[[check]]\nid = "aws\n')


def test_a_check_without_an_id_is_named_all_the_same(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"s3\.toml: \?: id: Field required"):
        load(tmp_path, CHECK.replace('id = "aws.s3.bucket.private"', ""))


def test_an_id_that_is_used_twice_is_named_with_both_files(tmp_path: Path) -> None:
    load(tmp_path, CHECK, "a.toml")
    with pytest.raises(
        DefinitionError, match=r"b\.toml: check 'aws\.s3\.bucket\.private' is already .*a\.toml"
    ):
        load(tmp_path, CHECK, "b.toml")


def test_an_id_that_is_used_twice_in_one_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match="is already defined"):
        load(tmp_path, CHECK + CHECK)


def test_a_rule_is_compiled_when_it_is_first_used(tmp_path: Path) -> None:
    broken = load(tmp_path, CHECK.replace("resource.item.Days <", "resource.item.Days <<"))
    with pytest.raises(DefinitionError, match="does not compile"):
        _ = broken["aws.s3.bucket.private"].rules


def test_a_check_does_not_change(private: Check) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        private.severity = Severity.LOW


# Parameters.


def test_a_parameter_is_replaced_and_the_others_stay(private: Check) -> None:
    assert private.with_params({"days": 30}).params == {"days": 30, "strict": True, "names": ["a"]}
    assert private.params["days"] == 90


def test_replacing_a_parameter_changes_the_digest_even_if_it_was_asked_for_before(private: Check) -> None:
    before = private.digest
    after = private.with_params({"days": 30})
    assert after.digest != before
    assert after.digest == digest(after.applied())


def test_replacing_a_parameter_by_itself_changes_nothing(private: Check) -> None:
    assert private.with_params({"days": 90}).digest == private.digest


def test_a_parameter_that_a_check_does_not_have_is_refused_with_those_it_has(private: Check) -> None:
    with pytest.raises(DefinitionError, match="has no parameter 'day'; it has: days, names, strict"):
        private.with_params({"day": 1})


def test_a_check_without_parameters_says_so() -> None:
    with pytest.raises(DefinitionError, match="it has: none"):
        check("true").with_params({"day": 1})


@pytest.mark.parametrize(
    ("value", "kind"),
    [({"days": "90"}, "int"), ({"days": True}, "int"), ({"strict": 1}, "bool"), ({"names": "a"}, "list")],
)
def test_a_parameter_of_another_kind_is_refused(private: Check, value: dict[str, object], kind: str) -> None:
    with pytest.raises(DefinitionError, match=f"must be {kind}"):
        private.with_params(value)


# The digest.


def test_the_digest_is_over_the_check_as_applied(private: Check) -> None:
    assert private.digest == digest(private.applied())
    assert private.applied()["params"] == {"days": 90, "strict": True, "names": ["a"]}


def test_examples_are_no_part_of_what_is_applied(private: Check, tmp_path: Path) -> None:
    more = load(tmp_path / "more", CHECK + '[[check.example]]\nexpect = "unknown"\ngaps = ["item"]\n')
    assert "example" not in private.applied()
    assert more["aws.s3.bucket.private"].digest == private.digest


@pytest.mark.parametrize(
    ("old", "new"),
    [("< params", "<= params"), ("high", "low"), ("days = 90", "days = 91"), ('"8.3"', '"8.4"')],
)
def test_whatever_a_verdict_or_its_meaning_rests_on_changes_the_digest(
    private: Check, tmp_path: Path, old: str, new: str
) -> None:
    other = load(tmp_path / "other", CHECK.replace(old, new, 1))
    assert other["aws.s3.bucket.private"].digest != private.digest


# What a check depends on.


def test_a_check_depends_on_what_both_its_rules_read() -> None:
    both = check("resource.policy == null", applies="resource.item.Public")
    assert both.keys == frozenset({"policy", "item"})
    assert check("resource.policy == null", applies="size(resource) > 1").keys is None


def test_a_check_uses_the_clock_if_one_of_its_rules_does() -> None:
    assert check("true", applies="now > timestamp(resource.item.At)").uses_now
    assert check("now > timestamp(resource.item.At)").uses_now
    assert not check("true", applies="resource.item.On").uses_now
