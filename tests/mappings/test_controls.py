"""The catalogue of controls, and what its loader refuses."""

from collections import Counter
from pathlib import Path

import pytest

from mappings.controls import Reach, Theme, load_controls, natural_key
from store.errors import DefinitionError

TAGS = {
    "type": {"preventive", "detective", "corrective"},
    "properties": {"confidentiality", "integrity", "availability"},
    "concepts": {"identify", "protect", "detect", "respond", "recover"},
    "capabilities": {
        "application-security",
        "asset-management",
        "continuity",
        "governance",
        "human-resource-security",
        "identity-and-access-management",
        "information-protection",
        "information-security-assurance",
        "information-security-event-management",
        "legal-and-compliance",
        "physical-security",
        "secure-configuration",
        "supplier-relationships-security",
        "system-and-network-security",
        "threat-and-vulnerability-management",
    },
    "domains": {"governance-and-ecosystem", "protection", "defence", "resilience"},
}

CONTROL = """
[[control]]
number = "{number}"
title = "A title"
theme = "technological"
evidence = "technical"
summary = "What shows that it is done."
attach = ["a paper"]
attributes = {{ type = ["preventive"], properties = ["integrity"], concepts = ["protect"], \
capabilities = ["governance"], domains = ["protection"] }}
"""


def _file(folder: Path, text: str) -> Path:
    path = folder / "controls.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_there_are_93_controls() -> None:
    assert len(load_controls()) == 93


def test_themes_have_37_8_14_and_34_controls() -> None:
    assert Counter(control.theme for control in load_controls().values()) == {
        Theme.ORGANIZATIONAL: 37,
        Theme.PEOPLE: 8,
        Theme.PHYSICAL: 14,
        Theme.TECHNOLOGICAL: 34,
    }


def test_theme_follows_from_the_clause() -> None:
    clauses = dict(zip("5678", Theme, strict=True))

    assert all(control.theme is clauses[control.number[0]] for control in load_controls().values())


def test_numbers_run_without_a_hole_in_natural_order() -> None:
    expected = [
        f"{clause}.{number}"
        for clause, count in ((5, 37), (6, 8), (7, 14), (8, 34))
        for number in range(1, count + 1)
    ]

    assert list(load_controls()) == expected


def test_controls_are_filed_under_their_number() -> None:
    assert all(number == control.number for number, control in load_controls().items())


@pytest.mark.parametrize(
    ("number", "title"),
    [
        ("5.7", "Threat intelligence"),
        ("5.23", "Information security for use of cloud services"),
        ("6.7", "Remote working"),
        ("7.4", "Physical security monitoring"),
        ("8.15", "Logging"),
        ("8.24", "Use of cryptography"),
        ("8.34", "Protection of information systems during audit testing"),
    ],
)
def test_titles_are_those_of_the_standard(number: str, title: str) -> None:
    assert load_controls()[number].title == title


def test_titles_are_unique() -> None:
    titles = [control.title for control in load_controls().values()]

    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("attribute", TAGS)
def test_attributes_use_only_the_tags_of_the_standard(attribute: str) -> None:
    used = {tag for control in load_controls().values() for tag in getattr(control.attributes, attribute)}

    assert used == TAGS[attribute]


def test_every_reach_of_evidence_is_used() -> None:
    assert {control.evidence for control in load_controls().values()} == set(Reach)


def test_only_physical_controls_are_inherited() -> None:
    inherited = {control.theme for control in load_controls().values() if control.evidence is Reach.INHERITED}

    assert inherited == {Theme.PHYSICAL}


def test_a_summary_is_one_line_that_ends_in_a_full_stop() -> None:
    summaries = [control.summary for control in load_controls().values()]

    assert [text for text in summaries if "\n" in text or len(text) > 140 or not text.endswith(".")] == []


def test_annex_a_identifier_has_the_prefix() -> None:
    assert load_controls()["8.24"].annex_a == "A.8.24"


def test_changing_the_answer_does_not_change_the_next_one() -> None:
    load_controls().clear()

    assert len(load_controls()) == 93


def test_controls_of_another_file_come_in_natural_order(tmp_path: Path) -> None:
    path = _file(tmp_path, CONTROL.format(number="8.10") + CONTROL.format(number="8.2"))

    assert list(load_controls(path)) == ["8.2", "8.10"]


def test_a_number_used_twice_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, CONTROL.format(number="8.1") * 2)

    with pytest.raises(DefinitionError, match=r"control 8\.1 is defined twice"):
        load_controls(path)


def test_a_number_outside_the_standard_is_refused(tmp_path: Path) -> None:
    path = _file(tmp_path, CONTROL.format(number="9.1"))

    with pytest.raises(DefinitionError, match=r"9\.1: number"):
        load_controls(path)


def test_an_unknown_key_is_named(tmp_path: Path) -> None:
    path = _file(tmp_path, CONTROL.format(number="8.1") + 'purpose = "?"\n')

    with pytest.raises(DefinitionError, match="purpose: unknown key"):
        load_controls(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError, match=r"absent\.toml"):
        load_controls(tmp_path / "absent.toml")


def test_natural_key_orders_numbers_by_value() -> None:
    names = ["AC-17", "AC-2(12)", "AC-2", "5.10", "5.2"]

    assert sorted(names, key=natural_key) == ["5.2", "5.10", "AC-2", "AC-2(12)", "AC-17"]
