"""Which controls have checks, by provider, and which lack one."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest

import mappings
from annexa.coverage import coverage, summary
from mappings.check import Check, load_checks
from mappings.controls import Control, load_controls
from store.errors import ConfigError
from tests.annexa.support_cli import Sandbox

_ALL = load_controls()
_BUILT_IN = load_checks([Path(mappings.__file__).parent / "checks"]).values()

_OWN = """
[[check]]
id = "aws.s3.bucket.named"
title = "Buckets have names"
resource = "aws.s3.bucket"
passes = "resource.name != ''"
severity = "low"
controls = { "5.10" = "shows nothing much" }
limits = "There are none."
remediation = "Give it a name."
references = ["https://example.com"]
"""


def control(number: str, *providers: str) -> Control:
    return _ALL[number].model_copy(update={"providers": providers})


def check(provider: str, name: str, *controls: str) -> Check:
    return Check.model_validate(
        {
            "id": f"{provider}.a.b.{name}",
            "title": "Something holds",
            "resource": f"{provider}.a.b",
            "passes": "true",
            "severity": "low",
            "controls": dict.fromkeys(controls, "shows a part of it"),
            "limits": "There are none.",
            "remediation": "There are none.",
            "references": ["https://example.com"],
        }
    )


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Sandbox:
    return Sandbox.make(tmp_path_factory.mktemp("coverage"))


@pytest.fixture(scope="module")
def rows(sandbox: Sandbox) -> dict[str, dict[str, Any]]:
    return {row["control"]: row for row in sandbox.ask("controls", "coverage", "--format", "json").json}


# --- counting -----------------------------------------------------------------------------------


def test_a_check_counts_for_the_controls_that_it_names_and_no_other() -> None:
    found = coverage(
        [control("8.24", "aws"), control("8.20", "aws")],
        [check("aws", "x", "8.24"), check("aws", "y", "8.24")],
    )
    assert [dict(each.checks) for each in found] == [{"aws": 2}, {"aws": 0}]
    assert [each.covered for each in found] == [True, False]


def test_a_provider_is_missing_where_it_could_answer_and_has_no_check() -> None:
    (found,) = coverage([control("8.24", "aws", "azure", "gcp")], [check("azure", "x", "8.24")])
    assert found.missing == ("aws", "gcp")


def test_a_check_shows_that_its_provider_could_answer() -> None:
    (found,) = coverage([control("8.24", "aws")], [check("acme", "x", "8.24")])
    assert (found.could, found.missing) == (("acme", "aws"), ("aws",))


@pytest.mark.parametrize("number", ["5.4", "7.1"])
def test_nothing_is_missing_where_configuration_does_not_answer(number: str) -> None:
    (found,) = coverage([control(number, "aws")], [check("azure", "x", "8.24")])
    assert found.missing == ()


def test_other_providers_are_left_aside_where_one_is_asked_for() -> None:
    checks = [check("aws", "x", "8.24"), check("azure", "x", "8.24")]
    (found,) = coverage([control("8.24", "aws", "azure", "gcp")], checks, only=("gcp",))
    assert (dict(found.checks), found.could, found.missing) == ({"gcp": 0}, ("gcp",), ("gcp",))


def test_a_provider_that_answers_nothing_is_refused() -> None:
    with pytest.raises(ConfigError, match="'gpc'"):
        coverage([control("8.24", "gcp")], [check("aws", "x", "8.24")], only=("gpc",))


def test_the_summary_counts_what_configuration_can_answer() -> None:
    controls = [control("8.24", "aws"), control("8.20", "aws"), control("5.4"), control("8.1", "azure")]
    checks = [check("aws", "x", "8.24", "5.4")]
    assert summary(coverage(controls, checks)) == (
        "1 of 3 technical or partial controls have a check; missing: 8.20, 8.1"
    )
    assert summary(coverage(controls, checks, ("aws",)), ("aws",)) == (
        "1 of 2 technical or partial controls that aws could answer have a check; missing: 8.20"
    )
    assert summary(coverage(controls[:1], checks)).endswith("missing: none")


# --- the catalogue ------------------------------------------------------------------------------


def test_71_controls_are_technical_or_partial_and_only_they_name_providers() -> None:
    answerable = {number for number, each in _ALL.items() if each.answerable}
    assert len(answerable) == 71
    assert {number for number, each in _ALL.items() if each.providers} == answerable


def test_providers_are_named_once_and_in_order() -> None:
    lists = [list(each.providers) for each in _ALL.values()]
    assert [each for each in lists if each != sorted(set(each))] == []


# --- the command --------------------------------------------------------------------------------


def test_every_control_is_there_with_every_provider_that_has_checks(
    rows: dict[str, dict[str, Any]],
) -> None:
    assert list(rows) == list(_ALL)
    providers = sorted({each.provider for each in _BUILT_IN})
    assert {"aws", "azure"} <= set(providers)
    assert {tuple(row["checks"]) for row in rows.values()} == {tuple(providers)}


def test_checks_of_providers_that_are_not_turned_on_count(rows: dict[str, dict[str, Any]]) -> None:
    expected = sum("8.24" in each.controls for each in _BUILT_IN if each.provider == "azure")
    assert rows["8.24"]["checks"]["azure"] == expected > 0


def test_your_own_checks_count_and_so_does_what_is_skipped(tmp_path: Path) -> None:
    own = Sandbox.make(tmp_path, '[definitions]\nfolders = ["own"]\n[checks]\nskip = ["*"]\n[aws]\n')
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "s3.toml").write_text(_OWN, encoding="utf-8")
    found = {row["control"]: row for row in own.ask("controls", "coverage", "--format", "json").json}
    assert found["5.10"]["checks"]["aws"] == 1
    assert "aws" in found["5.10"]["providers"]
    assert found["8.24"]["checks"]["aws"] > 0


def test_only_controls_that_lack_a_check_are_shown_when_asked(
    sandbox: Sandbox, rows: dict[str, dict[str, Any]]
) -> None:
    shown = sandbox.ask("controls", "coverage", "--missing", "--format", "json").json
    assert shown == [row for row in rows.values() if row["missing"]]


def test_csv_has_a_column_for_each_provider(sandbox: Sandbox, rows: dict[str, dict[str, Any]]) -> None:
    said = sandbox.ask("controls", "coverage", "--format", "csv")
    found = list(csv.DictReader(io.StringIO(said.out, newline="")))
    assert len(found) == 93
    for row in found:
        expected = rows[row["control"]]
        assert {name: int(row[name]) for name in expected["checks"]} == expected["checks"]
        assert row["missing"].split() == expected["missing"]


def test_a_table_ends_with_the_count(sandbox: Sandbox, rows: dict[str, dict[str, Any]]) -> None:
    said = sandbox.ask("controls", "coverage")
    assert said.code == 0
    without = [number for number, row in rows.items() if row["providers"] and not any(row["checks"].values())]
    last = said.out.strip().splitlines()[-1]
    assert last.startswith(f"{71 - len(without)} of 71 technical or partial controls have a check; missing: ")
    assert last.endswith(", ".join(without) or "none")


def test_one_provider_may_be_asked_for(sandbox: Sandbox) -> None:
    said = sandbox.ask("controls", "coverage", "--provider", "aws", "--format", "json")
    assert {tuple(row["checks"]) for row in said.json} == {("aws",)}
    assert {name for row in said.json for name in row["missing"]} <= {"aws"}


def test_an_unknown_provider_is_refused_with_those_there_are(sandbox: Sandbox) -> None:
    said = sandbox.ask("controls", "coverage", "--provider", "oracle")
    assert said.code == 1
    assert "'oracle'" in said.err
    assert "aws, azure" in said.err
