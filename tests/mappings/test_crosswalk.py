"""The crosswalks, their loader, and what it refuses."""

import re
from pathlib import Path

import pytest

from mappings.controls import load_controls, natural_key
from mappings.crosswalk import BUILT_IN_CROSSWALKS, Confidence, frameworks, load_crosswalk
from store.errors import DefinitionError

IDENTIFIERS = {
    "cis-v8": r"(1[0-8]|[1-9])\.\d{1,2}",
    "dora": r"Art\. \d{1,2}(\(\d\))?(\([a-z]\))?",
    "gdpr": r"Art\. \d{1,2}(\(\d\))?(\([a-z]\))?",
    "hipaa": r"164\.3(08|10|12|14|16)(\([a-z]\))(\(\d\))?(\([ivx]+\))?(\([A-Z]\))?",
    "iso27001": r"A\.[5-8]\.\d{1,2}",
    "iso27002-2013": r"([5-9]|1[0-8])\.\d\.\d",
    "nis2": r"Art\. \d\d(\(2\)\([a-j]\))?|Annex \d{1,2}(\.\d{1,2}){0,2}(\.[a-l])?",
    "nist-800-53-r5": r"[A-Z]{2}-\d{1,2}(\(\d{1,2}\))?",
    "nist-csf-2.0": r"(GV|ID|PR|DE|RS|RC)\.[A-Z]{2}-\d\d",
    "pci-dss-4": r"(1[0-2]|[1-9])\.\d{1,2}",
    "soc2": r"(CC[1-9]|A1|C1|PI1|P[1-8])\.\d",
}

NEW_IN_2022 = ["5.7", "5.23", "5.30", "7.4", "8.9", "8.10", "8.11", "8.12", "8.16", "8.23", "8.28"]

SMALL = """
source = [{ name = "us", licence = "own", role = "primary" }]

[framework]
id = "ours"
name = "Our framework"
version = "1"
aliases = ["house-rules"]

[pairs.high]
"5.10" = ["R-2"]
"5.2" = ["R-10", "R-2"]

[pairs.low]
"5.2" = ["R-3"]
"""

every_framework = pytest.mark.parametrize("framework", sorted(IDENTIFIERS))


def _folder(folder: Path, **files: str) -> tuple[Path]:
    for name, text in files.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return (folder,)


def test_the_frameworks_are_listed_by_id() -> None:
    assert [framework.id for framework in frameworks()] == sorted(IDENTIFIERS, key=natural_key)


@every_framework
def test_a_crosswalk_names_only_existing_controls(framework: str) -> None:
    assert set(load_crosswalk(framework).controls) <= load_controls().keys()


@every_framework
def test_requirements_have_the_form_of_the_framework(framework: str) -> None:
    form = re.compile(IDENTIFIERS[framework])

    assert [name for name in load_crosswalk(framework).requirements if not form.fullmatch(name)] == []


@every_framework
def test_pairs_can_be_followed_both_ways(framework: str) -> None:
    crosswalk = load_crosswalk(framework)
    there = {(control, name) for control in crosswalk.controls for name in crosswalk.requirements_of(control)}
    back = {(control, name) for name in crosswalk.requirements for control in crosswalk.controls_of(name)}

    assert there == back


@every_framework
def test_a_crosswalk_names_a_primary_source(framework: str) -> None:
    assert any(source.role.startswith("primary") for source in load_crosswalk(framework).source)


@every_framework
def test_no_copyleft_source_is_primary(framework: str) -> None:
    sources = load_crosswalk(framework).source

    assert not any(source.role.startswith("primary") and "GPL" in source.licence for source in sources)


@every_framework
def test_files_keep_controls_in_natural_order(framework: str) -> None:
    tables = load_crosswalk(framework).pairs.values()

    assert all(list(table) == sorted(table, key=natural_key) for table in tables)


@every_framework
def test_files_keep_requirements_in_natural_order(framework: str) -> None:
    tables = load_crosswalk(framework).pairs.values()

    assert all(list(row) == sorted(row, key=natural_key) for table in tables for row in table.values())


def test_enisa_is_attributed() -> None:
    assert any(
        "ENISA" in source.name and "CC BY 4.0" in source.licence and "changed" in source.licence
        for source in load_crosswalk("nis2").source
    )


def test_annex_a_of_27001_is_one_to_one() -> None:
    crosswalk = load_crosswalk("iso27001")

    assert {number: crosswalk.requirements_of(number) for number in load_controls()} == {
        number: [control.annex_a] for number, control in load_controls().items()
    }


def test_controls_new_in_2022_have_no_forerunner_in_2013() -> None:
    crosswalk = load_crosswalk("iso27002-2013")

    assert [number for number in load_controls() if not crosswalk.requirements_of(number)] == NEW_IN_2022


def test_2013_had_114_controls() -> None:
    assert len(load_crosswalk("iso27002-2013").requirements) == 114


@pytest.mark.parametrize("framework", ["iso27001", "nis2", "soc2"])
def test_every_control_is_paired(framework: str) -> None:
    assert load_crosswalk(framework).controls == list(load_controls())


@pytest.mark.parametrize(
    ("framework", "control", "requirement"),
    [
        ("cis-v8", "5.9", "1.1"),
        ("gdpr", "8.24", "Art. 32(1)(a)"),
        ("iso27002-2013", "8.24", "10.1.1"),
        ("nis2", "5.24", "Art. 21(2)(b)"),
        ("nist-800-53-r5", "8.24", "SC-13"),
        ("soc2", "8.32", "CC8.1"),
    ],
)
def test_well_known_pairs_are_there(framework: str, control: str, requirement: str) -> None:
    assert control in load_crosswalk(framework).controls_of(requirement)


def test_all_of_the_official_nist_pairs_are_of_high_confidence() -> None:
    assert set(load_crosswalk("nist-csf-2.0").pairs) == {Confidence.HIGH}


def test_an_unknown_framework_names_the_known_ones() -> None:
    with pytest.raises(DefinitionError) as caught:
        load_crosswalk("cobit")

    assert all(framework in str(caught.value) for framework in ("cobit", *IDENTIFIERS))


@pytest.mark.parametrize(
    ("name", "framework"),
    [
        ("csf", "nist-csf-2.0"),
        ("tsc", "soc2"),
        ("iso27001-2022", "iso27001"),
        ("800-53", "nist-800-53-r5"),
        ("pci-dss", "pci-dss-4"),
    ],
)
def test_a_framework_answers_to_its_aliases(name: str, framework: str) -> None:
    assert load_crosswalk(name).framework.id == framework


@pytest.mark.parametrize(
    ("name", "framework"), [("SOC 2", "soc2"), ("NIS-2", "nis2"), ("ISO 27001:2022", "iso27001")]
)
def test_case_and_punctuation_of_a_name_do_not_matter(name: str, framework: str) -> None:
    assert load_crosswalk(name).framework.id == framework


def test_a_file_name_is_a_name_of_its_framework() -> None:
    stems = [path.stem for path in BUILT_IN_CROSSWALKS.glob("*.toml")]

    assert {load_crosswalk(stem).framework.id for stem in stems} == set(IDENTIFIERS)


def test_requirements_come_in_natural_order_across_confidences(tmp_path: Path) -> None:
    crosswalk = load_crosswalk("ours", _folder(tmp_path, ours=SMALL))

    assert crosswalk.requirements_of("5.2") == ["R-2", "R-3", "R-10"]


def test_controls_come_in_natural_order(tmp_path: Path) -> None:
    crosswalk = load_crosswalk("ours", _folder(tmp_path, ours=SMALL))

    assert crosswalk.controls_of("R-2") == ["5.2", "5.10"]


def test_weaker_pairs_can_be_left_out(tmp_path: Path) -> None:
    crosswalk = load_crosswalk("ours", _folder(tmp_path, ours=SMALL))

    assert crosswalk.requirements_of("5.2", at_least=Confidence.MEDIUM) == ["R-2", "R-10"]


def test_a_pair_tells_its_confidence(tmp_path: Path) -> None:
    crosswalk = load_crosswalk("ours", _folder(tmp_path, ours=SMALL))

    assert crosswalk.confidence_of("5.2", "R-3") is Confidence.LOW


def test_an_absent_pair_has_no_confidence(tmp_path: Path) -> None:
    crosswalk = load_crosswalk("ours", _folder(tmp_path, ours=SMALL))

    assert crosswalk.confidence_of("5.10", "R-3") is None


def test_an_unpaired_control_has_no_requirements(tmp_path: Path) -> None:
    crosswalk = load_crosswalk("ours", _folder(tmp_path, ours=SMALL))

    assert crosswalk.requirements_of("8.1") == []


def test_files_without_a_crosswalk_are_passed_over(tmp_path: Path) -> None:
    folders = _folder(tmp_path, ours=SMALL, checks='[[check]]\nid = "a.b.c"\n')

    assert [framework.id for framework in frameworks(folders)] == ["ours"]


def test_a_folder_of_ones_own_stands_beside_the_built_in_one(tmp_path: Path) -> None:
    folders = (BUILT_IN_CROSSWALKS, *_folder(tmp_path, ours=SMALL))

    assert {"ours", "soc2"} <= {framework.id for framework in frameworks(folders)}


def test_a_control_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    folders = _folder(tmp_path, ours=SMALL.replace('"5.10"', '"5.99"'))

    with pytest.raises(DefinitionError, match=r"no such control: 5\.99"):
        frameworks(folders)


def test_a_pair_given_twice_is_refused(tmp_path: Path) -> None:
    folders = _folder(tmp_path, ours=SMALL.replace("R-3", "R-10"))

    with pytest.raises(DefinitionError, match=r"pairs 5\.2 with 'R-10' twice"):
        frameworks(folders)


def test_two_files_with_one_name_are_refused(tmp_path: Path) -> None:
    folders = _folder(tmp_path, ours=SMALL, theirs=SMALL.replace('"ours"', '"theirs"'))

    with pytest.raises(DefinitionError, match="already taken"):
        frameworks(folders)


def test_a_confidence_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    folders = _folder(tmp_path, ours=SMALL.replace("pairs.low", "pairs.certain"))

    with pytest.raises(DefinitionError, match="certain"):
        frameworks(folders)


def test_pairs_without_a_framework_are_refused(tmp_path: Path) -> None:
    folders = _folder(tmp_path, ours='[pairs.high]\n"5.1" = ["R-1"]\n')

    with pytest.raises(DefinitionError, match="framework"):
        frameworks(folders)


def test_broken_toml_names_the_file(tmp_path: Path) -> None:
    folders = _folder(tmp_path, broken="[framework\n")

    with pytest.raises(DefinitionError, match=r"broken\.toml"):
        frameworks(folders)
