"""``annexa export oscal``: read by compliance-trestle, and held against what it does not look at."""

import hashlib
import json
import re
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import sqlalchemy as sa

from annexa.exports.rows import Source
from annexa.filters import FindingFilter
from store.record import Record
from tests.annexa.exports.conftest import HOSTILE, PERIOD, POLICY
from tests.annexa.sample_store import CHECK, FORMULA, fill
from tests.annexa.support_cli import Sandbox


def exported(sandbox: Sandbox, out: Path, *arguments: str) -> dict[str, Any]:
    ran = sandbox.ask("export", "oscal", "--out", str(out), *arguments)
    assert ran.code == 0, ran
    found: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))["assessment-results"]
    assert found["metadata"]["oscal-version"] == "1.2.1"
    return found


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("oscal")


@pytest.fixture(scope="module")
def results(sandbox: Sandbox, folder: Path) -> dict[str, Any]:
    return exported(sandbox, folder / "assessment results.json", "--period", PERIOD)


def _values(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _values(each, (*path, key))
    elif isinstance(value, list):
        for each in value:
            yield from _values(each, path)
    else:
        yield path, value


def problems(document: dict[str, Any], folder: Path) -> list[str]:
    """What trestle does not look at: references within, and the hashes of files beside it."""
    values = list(_values(document))
    defined = [value for path, value in values if path[-1] == "uuid"]
    found = [f"{value} is defined twice" for value in {each for each in defined if defined.count(each) > 1}]
    for path, value in values:
        if path[-1].endswith("-uuid") and value not in defined:
            found.append(f"{path}: {value} is not defined")
        if path[-1] == "href" and value.startswith("#") and value[1:] not in defined:
            found.append(f"{path}: {value} leads nowhere")
    for resource in document["back-matter"]["resources"]:
        for link in resource.get("rlinks", ()):
            file = folder / unquote(link["href"])
            told = {each["algorithm"]: each["value"] for each in link["hashes"]}
            if not file.is_file():
                found.append(f"{file} is not there")
            elif hashlib.sha256(file.read_bytes()).hexdigest() != told["SHA-256"]:
                found.append(f"{file} has another hash")
    return found


def result(document: dict[str, Any]) -> dict[str, Any]:
    (only,) = document["results"]
    assert isinstance(only, dict)
    return only


def props(part: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in part["props"]}


def control(document: dict[str, Any], number: str) -> dict[str, Any]:
    (found,) = [each for each in result(document)["findings"] if each["target"]["target-id"] == number]
    assert isinstance(found, dict)
    return found


def test_trestle_reads_it(sandbox: Sandbox, folder: Path, results: dict[str, Any]) -> None:
    from trestle.oscal.assessment_results import AssessmentResults

    exported(sandbox, folder / "moment.json")
    for name in ("assessment results.json", "moment.json"):
        read = AssessmentResults.oscal_read(folder / name)
        assert isinstance(read, AssessmentResults)
        assert len(read.results[0].findings or ()) == 92


def test_no_reference_dangles_and_every_hash_is_that_of_its_file(
    folder: Path, results: dict[str, Any]
) -> None:
    assert problems(results, folder) == []


@pytest.mark.parametrize("broken", ["reference", "link", "hash", "file", "twice"])
def test_what_is_broken_would_be_noticed(
    results: dict[str, Any], folder: Path, tmp_path: Path, broken: str
) -> None:
    document = json.loads(json.dumps(results))
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (linked, *_) = [each for each in document["back-matter"]["resources"] if "rlinks" in each]
    file = tmp_path / unquote(linked["rlinks"][0]["href"])
    match broken:
        case "reference":
            result(document)["observations"].pop(0)
        case "link":
            document["import-ap"]["href"] = "#00000000-0000-4000-8000-000000000000"
        case "hash":
            file.write_bytes(b"{}")
        case "file":
            file.unlink()
        case "twice":
            result(document)["observations"].append(result(document)["observations"][0])
    assert problems(document, tmp_path) != []


def test_every_control_has_a_state_and_what_is_not_known_is_not_satisfied(
    sandbox: Sandbox, results: dict[str, Any]
) -> None:
    for row in sandbox.ask("status", "--as-of", "2026-03-05", "--format", "json").json:
        if row["control"] == "7.4":
            continue
        found = control(results, f"A.{row['control']}")
        state = found["target"]["status"]
        expected = {"satisfied": ("satisfied", "pass"), "not_satisfied": ("not-satisfied", "fail")}
        assert (state["state"], state["reason"]) == expected.get(row["status"], ("not-satisfied", "other"))
        assert ("remarks" in state) == (state["reason"] == "other")
        assert props(found)["status"] == row["status"]


def test_an_excluded_control_is_not_reviewed_and_said_to_be_excluded(results: dict[str, Any]) -> None:
    reviewed = result(results)["reviewed-controls"]
    (selection,) = reviewed["control-selections"]
    assert len(selection["include-controls"]) == 92
    assert {"control-id": "A.7.4"} not in selection["include-controls"]
    assert "A.7.4: no premises of our own" in reviewed["description"]


def test_an_observation_says_when_how_and_on_what(results: dict[str, Any], folder: Path) -> None:
    observations = {
        (props(each)["check"], props(each)["outcome"]): each
        for each in result(results)["observations"]
        if "TEST-AUTOMATED" in each["methods"] and "letters" in each["description"]
    }
    failed = observations[CHECK, "fail"]
    assert failed["collected"][:10] == "2026-03-02"
    assert props(failed)["ended"][:10] == "2026-03-04"
    assert "AES256" in failed["remarks"]
    resources = {each["uuid"]: each for each in results["back-matter"]["resources"]}
    (evidence,) = failed["relevant-evidence"]
    (link,) = resources[evidence["href"][1:]]["rlinks"]
    document = json.loads((folder / unquote(link["href"])).read_bytes())
    assert document["name"] == "letters"
    beside = folder / unquote(link["href"]).partition("/")[0]
    assert stat.S_IMODE(beside.stat().st_mode) == 0o700
    (applied,) = failed["links"]
    check = json.loads((folder / unquote(resources[applied["href"][1:]]["rlinks"][0]["href"])).read_bytes())
    assert check["id"] == CHECK
    subject = failed["subjects"][0]["subject-uuid"]
    items = result(results)["local-definitions"]["inventory-items"]
    assert (
        props(next(each for each in items if each["uuid"] == subject))["identifier"] == "arn:aws:s3:::letters"
    )


def test_a_finding_on_a_control_leads_to_what_was_observed(sandbox: Sandbox, results: dict[str, Any]) -> None:
    ran = sandbox.ask("export", "jsonl", "--period", PERIOD, "--control", "8.24")
    assert len(control(results, "A.8.24")["related-observations"]) == len(ran.out.splitlines())


def test_an_attestation_is_an_observation_with_its_files(results: dict[str, Any], folder: Path) -> None:
    (found,) = [each for each in result(results)["observations"] if "EXAMINE" in each["methods"]]
    assert found["expires"] == "2099-12-31T23:59:59.999Z"
    (party,) = [each for each in results["metadata"]["parties"] if each["name"] == "ciso@example.com"]
    assert found["origins"] == [{"actors": [{"type": "party", "actor-uuid": party["uuid"]}]}]
    resources = {each["uuid"]: each for each in results["back-matter"]["resources"]}
    (link,) = resources[found["relevant-evidence"][0]["href"][1:]]["rlinks"]
    assert (folder / unquote(link["href"])).read_bytes() == POLICY
    related = control(results, "A.5.1")["related-observations"]
    assert {"observation-uuid": found["uuid"]} in related


def test_a_waiver_is_a_risk_that_somebody_accepted_and_the_control_still_fails(
    results: dict[str, Any],
) -> None:
    (risk,) = result(results)["risks"]
    assert (risk["status"], risk["deadline"][:10]) == ("deviation-approved", "2099-06-30")
    assert risk["statement"] == "accepted until the migration"
    assert {"risk-uuid": risk["uuid"]} in control(results, "A.8.24")["related-risks"]
    assert control(results, "A.8.24")["target"]["status"]["reason"] == "fail"


def test_waived_failures_of_a_control_are_counted_as_such(sandbox: Sandbox, tmp_path: Path) -> None:
    moment = ("--as-of", "2026-03-03T12:00:00Z")
    document = exported(sandbox, tmp_path / "x.json", *moment)
    [stated] = [
        row
        for row in sandbox.ask("status", *moment, "--format", "json").json
        if row["control"] == "8.24" and row["waived"]
    ]
    found = props(control(document, "A.8.24"))
    assert (found["fail"], found["waived"]) == (str(stated["fail"]), str(stated["waived"]))


def test_what_a_waiver_covers_is_named(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements = sandbox.ask("export", "jsonl", "--what", "statements").out.splitlines()
    (entry,) = [row["entry"] for row in map(json.loads, statements) if row["kind"] == "waiver"]
    read = Source.findings
    waived = {"entry": entry, "approver": "cfo", "reason": "x", "until": "2099-06-30"}

    def findings(self: Source, wanted: FindingFilter, order: str) -> Iterator[dict[str, Any]]:
        for row in read(self, wanted, order):
            yield row | {"waived": waived if row["outcome"] == "fail" and row["check"] == CHECK else None}

    monkeypatch.setattr(Source, "findings", findings)
    document = exported(sandbox, tmp_path / "x.json", "--as-of", "2026-03-03")
    (risk,) = result(document)["risks"]
    (covered,) = risk["related-observations"]
    (found,) = [
        each for each in result(document)["observations"] if each["uuid"] == covered["observation-uuid"]
    ]
    assert (props(found)["check"], props(found)["outcome"]) == (CHECK, "fail")
    assert "Accepted until 2099-06-30 by cfo" in found["remarks"]
    assert problems(document, tmp_path) == []


def test_names_are_shown_as_they_are_and_are_no_markup(results: dict[str, Any]) -> None:
    items = result(results)["local-definitions"]["inventory-items"]
    assert FORMULA in {props(each)["name"] for each in items}
    text = json.dumps(results)
    assert "\\u001b" not in text
    markup = [
        value
        for path, value in _values(results)
        if path[-1] in ("title", "description", "remarks", "statement")
    ]
    assert not [value for value in markup if re.search(r"(?<!\\)[<\[]", str(value))]
    assert any("javascript" in str(value) for value in markup), HOSTILE


def test_documents_that_retention_let_go_are_said_to_be_gone(tmp_path: Path) -> None:
    sandbox = Sandbox.make(tmp_path / "store")
    fill(sandbox.config)
    with Record.writer(sandbox.store) as record, record.engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM blob WHERE hash IN (SELECT hash FROM content)"))
    document = exported(sandbox, tmp_path / "x.json")
    gone = [each for each in document["back-matter"]["resources"] if each["title"] == "Document"]
    assert gone
    assert all("rlinks" not in each and "let it go" in each["remarks"] for each in gone)
    assert problems(document, tmp_path) == []


def test_the_same_record_gives_the_same_bytes(sandbox: Sandbox, tmp_path: Path) -> None:
    written = []
    for _ in range(2):
        exported(sandbox, tmp_path / "x.json", "--force", "--as-of", "2026-03-04")
        written.append((tmp_path / "x.json").read_bytes())
    assert written[0] == written[1]


def test_a_single_control_can_be_asked_for(sandbox: Sandbox, tmp_path: Path) -> None:
    document = exported(sandbox, tmp_path / "x.json", "--control", "8.24")
    (found,) = result(document)["findings"]
    assert found["target"]["target-id"] == "A.8.24"
    assert "asked for" in result(document)["remarks"]
    assert problems(document, tmp_path) == []


@pytest.mark.parametrize("number", ["7.4", "9.9"])
def test_where_no_control_is_left_there_is_nothing_to_write(
    sandbox: Sandbox, tmp_path: Path, number: str
) -> None:
    ran = sandbox.ask("export", "oscal", "--out", str(tmp_path / "x.json"), "--control", number)
    assert ran.code == 1
    assert "applicable" in ran.err
    assert not (tmp_path / "x.json").exists()
