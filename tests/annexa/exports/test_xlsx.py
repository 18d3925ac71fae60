"""``annexa export xlsx``: read back with another library than it is written with."""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from annexa.exports.rows import Source
from annexa.exports.spreadsheet import LARGEST_CELL, Kind, Spreadsheet, field
from annexa.exports.when import When
from annexa.exports.workbook import write
from annexa.filters import FindingFilter
from annexa.workspace import Workspace
from store.record import Record
from tests.annexa.exports.conftest import FIRST, HOSTILE, LAST, PERIOD
from tests.annexa.sample_store import CHECK, FORMULA
from tests.annexa.support_cli import Sandbox

STAMP = "2026-03-04T09:00:00.000Z"


def opened(path: Path) -> Any:
    return openpyxl.load_workbook(path)


def rows(sheet: Any) -> list[dict[str, Any]]:
    header, *body = sheet.iter_rows(values_only=True)
    return [dict(zip(header, row, strict=True)) for row in body]


def summary(book: Any) -> dict[str, Any]:
    return {row[0]: row[1] for row in book["Summary"].iter_rows(values_only=True) if row and row[0]}


@pytest.fixture(scope="module")
def book(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Any:
    out = tmp_path_factory.mktemp("xlsx") / "annexa.xlsx"
    ran = sandbox.ask("export", "xlsx", "--period", PERIOD, "--out", str(out))
    assert ran.code == 0, ran
    return opened(out)


def test_it_has_its_sheets_with_frozen_headers_and_filters(book: Any) -> None:
    assert book.sheetnames == ["Summary", "Controls", "Findings", "Gaps", "Statements"]
    for name in book.sheetnames[1:]:
        assert book[name].freeze_panes == "A2"
        assert book[name].auto_filter.ref == book[name].dimensions


def test_the_summary_names_the_record_and_says_what_gaps_mean(sandbox: Sandbox, book: Any) -> None:
    said = summary(book)
    verified = sandbox.ask("verify", "--format", "json").json
    assert (said["Log size"], said["Log root (SHA-256)"]) == (verified["size"], verified["root"])
    assert said["For"] == "2026-03-01 to 2026-03-05, in UTC"
    assert "Neither is evidence that anything is in order" in said["What that means"]
    counted = len([row for row in rows(book["Findings"]) if row["Outcome"] == "fail"])
    assert said["Findings: fail"] == counted > 0


def test_every_control_has_its_status_and_its_days(book: Any) -> None:
    found = {row["Control"]: row for row in rows(book["Controls"])}
    assert len(found) == 93
    assert (found["8.24"]["Days evidenced"], found["8.24"]["Days"]) == (2, 5)
    assert found["8.24"]["Last evidence (UTC)"] == LAST.replace(tzinfo=None)


def test_waived_failures_of_a_control_are_counted_as_such(sandbox: Sandbox, tmp_path: Path) -> None:
    moment = ("--as-of", "2026-03-03T12:00:00Z")
    assert sandbox.ask("export", "xlsx", *moment, "--out", str(tmp_path / "a.xlsx")).code == 0
    found = {row["Control"]: row for row in rows(opened(tmp_path / "a.xlsx")["Controls"])}
    stated = sandbox.ask("status", *moment, "--format", "json").json
    assert {row["control"]: row["waived"] for row in stated} == {n: row["Waived"] for n, row in found.items()}
    assert found["8.24"]["Waived"] > 0


def test_findings_carry_their_time_as_dates_in_utc(book: Any) -> None:
    found = [row for row in rows(book["Findings"]) if (row["Check"], row["Resource"]) == (CHECK, "letters")]
    first, last = FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)
    assert [(row["Outcome"], row["First seen (UTC)"], row["Ended (UTC)"]) for row in found] == [
        ("fail", first, last),
        ("pass", last, None),
    ]


def test_no_text_is_a_formula_or_a_link(book: Any) -> None:
    for sheet in book:
        for row in sheet.iter_rows():
            assert [cell for cell in row if cell.data_type == "f" or cell.hyperlink] == []
    assert FORMULA in {row["Resource"] for row in rows(book["Findings"])}
    assert {row["What was stated"] for row in rows(book["Statements"])} > {HOSTILE.replace("\x1b", "\\x1b")}


def test_no_control_character_gets_in(book: Any) -> None:
    names = {row["Resource"] for row in rows(book["Findings"])}
    assert r"\x1b[31mred\x1b[0m" in names


def test_statements_have_days_as_dates(book: Any) -> None:
    (waiver,) = [row for row in rows(book["Statements"]) if row["Kind"] == "waiver"]
    assert waiver["Valid until (UTC)"].date() == dt.date(2099, 6, 30)


def test_the_same_record_gives_the_same_bytes(sandbox: Sandbox, tmp_path: Path) -> None:
    once, again = tmp_path / "1.xlsx", tmp_path / "2.xlsx"
    for out in (once, again):
        assert sandbox.ask("export", "xlsx", "--as-of", "2026-03-04", "--out", str(out)).code == 0
    assert once.read_bytes() == again.read_bytes()


def test_it_needs_a_file(sandbox: Sandbox) -> None:
    ran = sandbox.ask("export", "xlsx")
    assert ran.code == 1
    assert "--out" in ran.err


def test_a_table_that_is_too_long_goes_on_on_another_sheet(sandbox: Sandbox, tmp_path: Path) -> None:
    out = tmp_path / "split.xlsx"
    workspace = Workspace.load(sandbox.config)
    with Record.open(sandbox.store) as record:
        write(out, Source(workspace, record, When.of(None, None)), FindingFilter(), largest_sheet=51)
    found = opened(out)
    assert {"Controls", "Controls 2"} <= set(found.sheetnames)
    controls = [row["Control"] for name in ("Controls", "Controls 2") for row in rows(found[name])]
    assert len(set(controls)) == 93
    assert found["Controls"].max_row == 51
    assert "Controls 2" in summary(found)["Long tables"]


def _written(path: Path, *values: Any, kind: Kind = Kind.TEXT) -> tuple[list[Any], int]:
    with Spreadsheet(path, "test", STAMP) as book:
        book.table("Sheet", [field("Value", "value", kind=kind)], ({"value": value} for value in values))
    sheet = opened(path)["Sheet"]
    return [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)], book.cut


def test_a_text_that_is_too_long_is_cut_and_says_so(tmp_path: Path) -> None:
    (short, long), cut = _written(tmp_path / "x.xlsx", "x" * LARGEST_CELL, "y" * 40_000)
    assert short == "x" * LARGEST_CELL
    assert len(long) == LARGEST_CELL
    assert long.endswith("y … [cut: 40000 characters]")
    assert cut == 1


@pytest.mark.parametrize(
    "text",
    [
        "<r><t>x</t></r>",
        "<r></is></c></r>",
        "=1+1",
        "http://x.example",
        "a\nb",
        "  spaces ",
        "0123",
    ],
)
def test_a_text_is_read_back_as_it_was(tmp_path: Path, text: str) -> None:
    (value,), _ = _written(tmp_path / "x.xlsx", text)
    assert value.lstrip() == text.lstrip()


def test_an_empty_table_has_its_header(tmp_path: Path) -> None:
    with Spreadsheet(tmp_path / "x.xlsx", "test", STAMP) as book:
        assert book.table("Sheet", [field("Value", "value")], []) == ["Sheet"]
    assert list(opened(tmp_path / "x.xlsx")["Sheet"].iter_rows(values_only=True)) == [("Value",)]


def test_what_fails_leaves_no_file_and_no_rows_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def broken() -> Iterator[dict[str, str]]:
        yield {"value": "secret"}
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"), Spreadsheet(tmp_path / "x.xlsx", "test", STAMP) as book:
        book.table("Sheet", [field("Value", "value")], broken())
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_the_disk_is_given_as_what_it_is(tmp_path: Path) -> None:
    with (
        pytest.raises(FileNotFoundError),
        Spreadsheet(tmp_path / "no" / "such" / "x.xlsx", "test", STAMP) as book,
    ):
        book.table("Sheet", [field("Value", "value")], [])
