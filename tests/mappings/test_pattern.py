"""Patterns: what a check that follows one becomes, and what is refused."""

from pathlib import Path

import pytest

from mappings.check import Check, load_checks
from mappings.pattern import built_in_patterns
from store.errors import DefinitionError
from store.model import Outcome

PATTERN = """
[[pattern]]
id = "mine.switch"
passes = "resource.item.{field} == params.wanted && {'on': true}['{word}']"
limits = "Sees {field} only."
references = ["https://example.org/pattern"]
parameters = { field = "the field that is read", word = "on or off", safe = "a value that passes" }

[[pattern.example]]
expect = "pass"
document = { item = { "{field}" = "{safe}", text = "{word}!" } }
"""

CHECK = """
[[check]]
id = "mine.thing.on"
title = "Things are on"
resource = "mine.thing"
pattern = "mine.switch"
with = { field = "state", word = "on", safe = 1 }
params = { wanted = 1 }
severity = "high"
controls = { "8.3" = "shows that access is restricted" }
remediation = "Switch it on."
limits = "Sees no other things."
references = ["https://example.org/check"]

[[check.example]]
expect = "unknown"
gaps = ["item"]
"""

PLAIN = """
[[check]]
id = "mine.thing.on"
title = "Things are on"
resource = "mine.thing"
passes = "resource.item.state == params.wanted && {'on': true}['on']"
params = { wanted = 1 }
severity = "high"
controls = { "8.3" = "shows that access is restricted" }
remediation = "Switch it on."
limits = "Sees no other things. Sees state only."
references = ["https://example.org/check", "https://example.org/pattern"]

[[check.example]]
expect = "pass"
document = { item = { state = 1, text = "on!" } }

[[check.example]]
expect = "unknown"
gaps = ["item"]
"""


def load(folder: Path, check: str = CHECK, pattern: str = PATTERN) -> Check:
    folder.mkdir(exist_ok=True)
    (folder / "things.toml").write_text(check, encoding="utf-8")
    (folder / "patterns.toml").write_text(pattern, encoding="utf-8")
    return load_checks([folder])["mine.thing.on"]


def test_a_check_that_follows_a_pattern_is_the_check_written_out(tmp_path: Path) -> None:
    assert load(tmp_path / "pattern") == load(tmp_path / "plain", PLAIN)


def test_what_is_kept_of_it_names_no_pattern_and_has_the_digest_of_the_check_written_out(
    tmp_path: Path,
) -> None:
    followed, plain = load(tmp_path / "pattern"), load(tmp_path / "plain", PLAIN)
    assert followed.applied() == plain.applied()
    assert followed.digest == plain.digest


def test_the_examples_of_the_pattern_come_first_and_keep_the_kind_of_a_value(tmp_path: Path) -> None:
    first, second = load(tmp_path).example
    assert first.document == {"item": {"state": 1, "text": "on!"}}
    assert (first.expect, second.expect) == (Outcome.PASS, Outcome.UNKNOWN)


def test_a_check_may_leave_its_limits_to_the_pattern(tmp_path: Path) -> None:
    found = load(tmp_path, CHECK.replace('limits = "Sees no other things."\n', ""))
    assert found.limits == "Sees state only."


def test_a_pattern_without_parameters_needs_nothing_from_a_check(tmp_path: Path) -> None:
    check = CHECK.replace('with = { field = "state", word = "on", safe = 1 }\n', "")
    pattern = """
        [[pattern]]
        id = "mine.switch"
        passes = "resource.item.state"
        """
    assert load(tmp_path, check, pattern).passes == "resource.item.state"


def test_a_pattern_may_say_to_what_it_applies(tmp_path: Path) -> None:
    pattern = PATTERN.replace("passes =", "applies = \"'{word}' == 'on'\"\npasses =")
    assert load(tmp_path, pattern=pattern).applies == "'on' == 'on'"


def test_a_pattern_may_have_parameters_of_the_rule_and_a_check_others_in_their_place(tmp_path: Path) -> None:
    pattern = PATTERN.replace("passes =", "params = { wanted = 2, words = ['{word}'] }\npasses =")
    assert load(tmp_path, pattern=pattern).params == {"wanted": 1, "words": ["on"]}


def test_a_check_and_its_pattern_do_not_both_say_to_what_they_apply(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"things\.toml: mine\.thing\.on: applies: pattern .* gives"):
        load(
            tmp_path,
            CHECK.replace("pattern =", 'applies = "true"\npattern ='),
            PATTERN.replace("passes =", 'applies = "true"\npasses ='),
        )


def test_a_pattern_of_one_folder_serves_checks_of_another(tmp_path: Path) -> None:
    for name, text in (("checks", CHECK), ("patterns", PATTERN)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.toml").write_text(text, encoding="utf-8")
    assert "mine.thing.on" in load_checks([tmp_path / "checks", tmp_path / "patterns"])


def test_built_in_patterns_serve_checks_of_any_folder(tmp_path: Path) -> None:
    name, pattern = next(iter(built_in_patterns().items()))
    values = ", ".join(f'{each} = "unknown"' for each in pattern.parameters)
    check = CHECK.replace("mine.switch", name).replace('field = "state", word = "on", safe = 1', values)
    assert load(tmp_path, check).passes


# What is refused.


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"mine.switch"', '"mine.swich"', r"pattern: there is no pattern 'mine\.swich'"),
        ('"mine.switch"', "1", "pattern: there is no pattern 1"),
        (', word = "on"', "", r"with\.word: pattern 'mine\.switch' needs it: on or off"),
        (
            'word = "on"',
            'word = "on", wrod = "on"',
            r"with\.wrod: pattern 'mine\.switch' has no such parameter",
        ),
        ('word = "on"', "word = 1", r"with\.word: must be text"),
        ('with = { field = "state", word = "on", safe = 1 }', "with = 1", "with: must be a table"),
        (
            'pattern = "mine.switch"',
            'pattern = "mine.switch"\npasses = "true"',
            "passes: pattern .* gives the rule",
        ),
        ('pattern = "mine.switch"', 'passes = "true"', "with: unknown key"),
    ],
)
def test_what_does_not_fit_the_pattern_is_named_with_file_check_and_key(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in CHECK
    with pytest.raises(DefinitionError, match=rf"things\.toml: mine\.thing\.on: {said}"):
        load(tmp_path, CHECK.replace(old, new, 1))


def test_the_nearest_pattern_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError) as caught:
        load(tmp_path, CHECK.replace("mine.switch", "mine.swich"))
    assert caught.value.hint == "Did you mean 'mine.switch'?"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("Sees {field} only.", "Sees {filed} only.", r"\{filed\} is none of its parameters"),
        ('safe = "a value that passes"', 'safe = "a value", more = "x"', "parameter 'more' is used nowhere"),
        ('passes = "', 'pases = "', "pases: unknown key"),
        ('id = "mine.switch"', 'id = "switch"', "id: String should match"),
        ('expect = "pass"', 'expects = "pass"', "example.0.expects: unknown key"),
    ],
)
def test_a_pattern_that_is_wrong_is_named_with_its_file(
    tmp_path: Path, old: str, new: str, said: str
) -> None:
    assert old in PATTERN
    with pytest.raises(DefinitionError, match=rf"\.toml: .*{said}"):
        load(tmp_path, pattern=PATTERN.replace(old, new, 1))


def test_two_patterns_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"patterns\.toml: pattern 'mine\.switch' is already defined"):
        load(tmp_path, pattern=PATTERN + PATTERN)


def test_nobody_can_put_a_pattern_in_the_place_of_a_built_in_one(tmp_path: Path) -> None:
    name = next(iter(built_in_patterns()))
    with pytest.raises(DefinitionError, match=rf"patterns\.toml: pattern '{name}' is already defined"):
        load(tmp_path, pattern=PATTERN.replace("mine.switch", name))


def test_braces_of_cel_are_left_alone(tmp_path: Path) -> None:
    assert "{'on': true}" in load(tmp_path).passes
