"""``annexa export soa``: what clause 6.1.3 d) of ISO/IEC 27001:2022 asks for, for every control."""

from pathlib import Path
from typing import Any

import openpyxl
import pytest

from annexa.exports.applicability import UNJUSTIFIED
from tests.annexa.exports.conftest import HOSTILE
from tests.annexa.sample_store import CHECK
from tests.annexa.support_cli import Sandbox

_SOA = """[aws]
[soa]
organisation = "Fernhill =1+1"
approver = "Ann Example"
[soa.justification]
"A.8.24" = "=HYPERLINK('x')"
"""


def statement(sandbox: Sandbox, out: Path, *arguments: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Control → row, and label → value of the cover."""
    ran = sandbox.ask("export", "soa", "--out", str(out), *arguments)
    assert ran.code == 0, ran
    book = openpyxl.load_workbook(out)
    assert book.sheetnames == ["Cover", "Statement of Applicability"]
    header, *body = book["Statement of Applicability"].iter_rows(values_only=True)
    assert not [c for sheet in book for row in sheet.iter_rows() for c in row if c.data_type == "f"]
    cover = {row[0]: row[1] for row in book["Cover"].iter_rows(values_only=True) if row and row[0]}
    return {row[0]: dict(zip(header, row, strict=True)) for row in body}, cover


@pytest.fixture(scope="module")
def rows(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return statement(sandbox, tmp_path_factory.mktemp("soa") / "soa.xlsx")[0]


_JUSTIFICATION = "Justification for inclusion or exclusion"


def test_every_control_of_annex_a_is_there_once(sandbox: Sandbox, rows: dict[str, Any]) -> None:
    controls = sandbox.ask("controls", "list", "--format", "json").json
    assert list(rows) == [f"A.{control['control']}" for control in controls]
    assert len(rows) == 93


def test_a_control_is_applicable_unless_it_is_excluded_with_a_justification(rows: dict[str, Any]) -> None:
    assert {number for number, row in rows.items() if row["Applicable"] != "yes"} == {"A.7.4"}
    assert rows["A.7.4"][_JUSTIFICATION].startswith("no premises of our own (excluded by cfo, log entry ")
    assert rows["A.7.4"]["Implementation"] == "excluded"


def test_what_nobody_justified_is_not_made_up(rows: dict[str, Any]) -> None:
    assert rows["A.8.24"][_JUSTIFICATION] == UNJUSTIFIED


def test_implementation_is_what_the_status_says(sandbox: Sandbox, rows: dict[str, Any]) -> None:
    for status in sandbox.ask("status", "--format", "json").json:
        row = rows[f"A.{status['control']}"]
        if row["Applicable"] == "yes":
            assert (row["Implementation"], row["Why"]) == (status["status"], status["reason"])


def test_evidence_names_checks_and_what_they_found(rows: dict[str, Any]) -> None:
    assert f"{CHECK}: 1 unknown, 2 pass" in rows["A.8.24"]["Checks and what they found"].splitlines()


def test_attestations_come_with_owner_and_validity(rows: dict[str, Any]) -> None:
    row = rows["A.5.1"]
    assert row["Owner"] == "ciso@example.com"
    told = HOSTILE.replace("\x1b", "\\x1b")
    assert row["Attestations"].startswith(f"ciso@example.com, 2026-03-01 to 2099-12-31: {told} (log entry ")


def test_waivers_of_checks_that_bear_on_a_control_are_named(rows: dict[str, Any]) -> None:
    assert "until 2099-06-30 by cfo: accepted until the migration" in rows["A.8.24"]["Accepted failures"]
    assert rows["A.5.1"]["Accepted failures"] is None


def test_the_cover_says_whose_it_is_and_leaves_room_to_approve_it(sandbox: Sandbox, tmp_path: Path) -> None:
    config = sandbox.config.read_text(encoding="utf-8")
    try:
        sandbox.config.write_text(_SOA, encoding="utf-8")
        rows, cover = statement(sandbox, tmp_path / "soa.xlsx")
    finally:
        sandbox.config.write_text(config, encoding="utf-8")
    assert cover["Statement of Applicability"] == "Fernhill =1+1"
    assert (cover["Approved by"], cover["Date of approval"]) == ("Ann Example", None)
    assert (cover["Controls applicable"], cover["Controls excluded"]) == (92, 1)
    assert cover["Inclusion not justified"] == 91
    assert rows["A.8.24"][_JUSTIFICATION] == "=HYPERLINK('x')"
    assert cover["Log root (SHA-256)"] == sandbox.ask("verify", "--format", "json").json["root"]


def test_before_it_was_stated_it_did_not_count(sandbox: Sandbox, tmp_path: Path) -> None:
    rows, cover = statement(sandbox, tmp_path / "soa.xlsx", "--as-of", "2026-03-02")
    assert rows["A.7.4"]["Applicable"] == "yes"
    assert rows["A.5.1"]["Attestations"] is None
    assert cover["Version"].startswith("2026-03-02")
