"""The checks of Azure: sound by themselves, and honest about what was not read."""

import pytest

from annexa.commands.checks import lint_everything
from annexa.lint import run_example
from annexa.workspace import Workspace
from mappings.check import Check
from store.model import Outcome


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    config = tmp_path_factory.mktemp("definitions") / "annexa.toml"
    config.write_text("[azure]\n", encoding="utf-8")
    return Workspace.load(config)


@pytest.fixture(scope="module")
def checks(workspace: Workspace) -> list[Check]:
    return [check for check in workspace.checks.values() if check.provider == "azure"]


def test_every_definition_is_sound(workspace: Workspace) -> None:
    problems, types, checks = lint_everything(workspace)
    assert problems == []
    assert types >= 35
    assert checks >= 35


def test_references_are_microsofts_and_equivalents_prowlers(checks: list[Check]) -> None:
    references = [each for check in checks for each in check.references]
    assert [each for each in references if not each.startswith("https://learn.microsoft.com/azure/")] == []
    equivalents = [each for check in checks for each in check.equivalents]
    assert [each for each in equivalents if not each.startswith("prowler:")] == []
    assert len(equivalents) == len(set(equivalents))


def test_no_check_decides_without_what_it_reads(checks: list[Check], workspace: Workspace) -> None:
    types, wrong, tried = workspace.resource_types(), [], 0
    for check in checks:
        for number, example in enumerate(check.example, 1):
            if example.expect not in (Outcome.PASS, Outcome.FAIL):
                continue
            if check.resources:
                unread = [example.model_copy(update={"incomplete": (kind,)}) for kind in check.types]
            else:
                keys = ["item", "over", *types[check.resource].detail]
                read = [key for key in keys if any(key in (rule.keys or ()) for rule in check.rules)]
                unread = [
                    example.model_copy(
                        update={
                            "gaps": (*example.gaps, key),
                            "document": {
                                name: value for name, value in example.document.items() if name != key
                            },
                        }
                    )
                    for key in read
                ]
            for one in unread:
                tried += 1
                outcome = run_example(check, one).outcome
                if outcome is not Outcome.UNKNOWN:
                    wrong.append((check.id, number, outcome))
    assert wrong == []
    assert tried > 80
