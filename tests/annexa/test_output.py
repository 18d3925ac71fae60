"""Printing rows: JSON and CSV for programs, tables for people."""

import csv
import io
import json
from collections.abc import Iterator

import pytest

from annexa.output import Column, Row, print_rows, print_table, shown

_COLUMNS = (Column("name", "Name", fold=True), Column("count", "Count", right=True))
_ROWS: list[Row] = [
    {"name": "one", "count": 1, "tags": ["a", "b"], "more": {"x": [1, 2]}, "none": None},
    {"name": "zwei, drei", "count": 2, "tags": [], "more": {}, "none": None},
]


def _printed(capsys: pytest.CaptureFixture[str], rows: list[Row], form: str) -> str:
    print_rows(rows, _COLUMNS, form, empty="There is nothing.")
    return capsys.readouterr().out


def _parsed(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


# --- JSON ---------------------------------------------------------------------------------------


def test_json_is_an_array_of_the_rows_with_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(_printed(capsys, _ROWS, "json")) == _ROWS


def test_json_of_nothing_is_an_empty_array(capsys: pytest.CaptureFixture[str]) -> None:
    assert json.loads(_printed(capsys, [], "json")) == []


def test_json_is_printed_while_the_rows_come(capsys: pytest.CaptureFixture[str]) -> None:
    def rows() -> Iterator[Row]:
        yield {"name": "first"}
        assert "first" in capsys.readouterr().out
        yield {"name": "second"}

    print_rows(rows(), _COLUMNS, "json")


# --- CSV ----------------------------------------------------------------------------------------


def test_csv_has_a_column_for_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    rows = _parsed(_printed(capsys, _ROWS, "csv"))
    assert [list(row) for row in rows] == [list(row) for row in _ROWS]
    assert [row["name"] for row in rows] == ["one", "zwei, drei"]


def test_csv_writes_lists_of_words_with_spaces_and_the_rest_as_json(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (row, _) = _parsed(_printed(capsys, _ROWS, "csv"))
    assert row["tags"] == "a b"
    assert json.loads(row["more"]) == {"x": [1, 2]}


def test_csv_of_nothing_still_has_a_header(capsys: pytest.CaptureFixture[str]) -> None:
    assert _printed(capsys, [], "csv") == "name,count\n"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_csv_gives_a_spreadsheet_no_formula(capsys: pytest.CaptureFixture[str], text: str) -> None:
    print_rows([{"name": text}], _COLUMNS, "csv")
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out, newline=""))
    assert row["name"] == "'" + text


def test_csv_gives_a_spreadsheet_no_formula_in_a_list_either(capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = _parsed(_printed(capsys, [{"tags": ["=1+1", "b"]}], "csv"))
    assert row["tags"] == "'=1+1 b"


def test_csv_leaves_numbers_alone(capsys: pytest.CaptureFixture[str]) -> None:
    (row,) = _parsed(_printed(capsys, [{"count": -1}], "csv"))
    assert row["count"] == "-1"


# --- tables -------------------------------------------------------------------------------------


def test_a_table_has_only_its_columns(capsys: pytest.CaptureFixture[str]) -> None:
    said = _printed(capsys, _ROWS, "table")
    assert "Name" in said
    assert "zwei, drei" in said
    assert "none" not in said


def test_a_table_of_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert _printed(capsys, [], "table") == "There is nothing.\n"


def test_a_table_cuts_no_value_that_may_wrap(capsys: pytest.CaptureFixture[str]) -> None:
    long = "arn:aws:iam::123456789012:role/" + "x" * 300
    print_table([{"name": long, "count": 1}], _COLUMNS)
    said = "".join(capsys.readouterr().out.split())
    assert said.count("x") == 300
    assert "…" not in said


def test_a_table_takes_what_looks_like_markup_for_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert "[red]x[/red]" in _printed(capsys, [{"name": "[red]x[/red]"}], "table")


@pytest.mark.parametrize("text", ["\x1b[31mred", "\x9b31m", "a\rb", "bell\x07", "\x00"])
def test_a_name_cannot_steer_the_terminal(capsys: pytest.CaptureFixture[str], text: str) -> None:
    said = _printed(capsys, [{"name": text}], "table")
    assert not [each for each in said if not each.isprintable() and each != "\n"]


def test_what_cannot_be_printed_is_shown_as_its_number() -> None:
    assert shown("\x1b[31m") == r"\x1b[31m"
    assert shown("Grüße, 漢字\n\t") == "Grüße, 漢字\n\t"


_WIDE = (
    Column("name", "Name", fold=True),
    *(Column(f"c{number}", f"Column {number}") for number in range(9)),
)


def test_a_table_that_a_terminal_is_too_narrow_for_keeps_every_value(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    row = {"name": "payroll"} | {f"c{number}": f"value {number}" for number in range(9)}
    print_table([row, row], _WIDE, "Buckets")
    said = capsys.readouterr().out.splitlines()
    assert said[:3] == ["Buckets", "Name: payroll", "Column 0: value 0"]
    assert said.count("Column 8: value 8") == 2
    assert max(map(len, said)) <= 40


def test_a_wide_table_in_a_file_is_as_wide_as_it_needs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    row = {"name": "payroll"} | {f"c{number}": "x" * 20 for number in range(9)}
    print_table([row], _WIDE)
    (line,) = [each for each in capsys.readouterr().out.splitlines() if "payroll" in each]
    assert line.count("x" * 20) == 9
