"""Workbooks: tables of any length in constant memory, in which no text is ever a formula or a link."""

import datetime as dt
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError

from annexa.output import shown
from annexa.rows import Row

LARGEST_CELL = 32_767
"""Characters, and the rows of a sheet, that Excel takes at most (its published limits)."""
LARGEST_SHEET = 1_048_576

_MOMENT = "yyyy-mm-dd hh:mm:ss"
_DAY = "yyyy-mm-dd"
_CUT = " … [cut: {} characters]"


class Kind(StrEnum):
    """What a column holds."""

    TEXT = "text"
    NUMBER = "number"
    MOMENT = "moment"
    DAY = "day"


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a table.

    Attributes:
        value: what it shows of a row; moments (RFC 3339) and days (ISO 8601) become dates in UTC.
        width: in characters.
    """

    header: str
    value: Callable[[Row], Any]
    width: int = 16
    kind: Kind = Kind.TEXT


def field(header: str, key: str, width: int = 16, kind: Kind = Kind.TEXT) -> Field:
    """Show a key of the rows."""
    return Field(header, lambda row: row.get(key), width, kind)


class Spreadsheet:
    """A workbook that is written from top to bottom.

    Attributes:
        cut: how many cells had more text than Excel takes.
    """

    def __init__(self, path: Path, title: str, stamp: str, largest_sheet: int = LARGEST_SHEET) -> None:
        """Begin a workbook.

        Args:
            stamp: its date, RFC 3339 in UTC; with it the same rows give the same bytes.
            largest_sheet: rows, the header's included, after which a table goes on on another sheet.
        """
        self.cut = 0
        self._largest_sheet = largest_sheet
        # Rows wait here; a folder of our own is gone afterwards, also where something fails.
        self._waiting = tempfile.TemporaryDirectory(prefix="annexa-")
        options = {
            "tmpdir": self._waiting.name,
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "use_zip64": True,
        }
        self._book = xlsxwriter.Workbook(str(path), options)
        self._book.set_properties({"title": title, "author": "Annexa", "created": _naive(stamp)})
        self._head = self._book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1})
        self._bold = self._book.add_format({"bold": True, "valign": "top"})
        self._plain = self._book.add_format({"valign": "top"})
        self._wrapped = self._book.add_format({"valign": "top", "text_wrap": True})
        self._dates = {
            kind: self._book.add_format({"valign": "top", "num_format": form, "align": "left"})
            for kind, form in ((Kind.MOMENT, _MOMENT), (Kind.DAY, _DAY))
        }

    def __enter__(self) -> "Spreadsheet":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with self._waiting:
            if kind is None:
                self._close()

    def _close(self) -> None:
        try:
            self._book.close()
        except FileCreateError as error:
            # XlsxWriter hides the error of the disk in one of its own.
            raise (error.args[0] if isinstance(error.args[0], OSError) else OSError(str(error))) from error

    def page(self, name: str) -> "Page":
        """Add a sheet of labels and values, which can be filled while others are."""
        sheet = self._book.add_worksheet(name)
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 1, 100)
        return Page(self, sheet)

    def table(self, name: str, fields: Sequence[Field], rows: Iterable[Row]) -> list[str]:
        """Add a table with a frozen header and filters.

        Returns:
            the sheets that it takes.
        """
        names: list[str] = []
        sheet: Any = None
        number = 0
        for row in rows:
            if sheet is None or number == self._largest_sheet:
                self._end(sheet, number, fields)
                sheet = self._begin(name, names, fields)
                number = 1
            for column, each in enumerate(fields):
                self.write(sheet, number, column, each.value(row), each.kind)
            number += 1
        if sheet is None:
            sheet, number = self._begin(name, names, fields), 1
        self._end(sheet, number, fields)
        return names

    def write(self, sheet: Any, row: int, column: int, value: Any, kind: Kind = Kind.TEXT) -> None:
        """Write a cell; what is empty stays empty."""
        if value in (None, "", [], {}):
            return
        if kind is Kind.NUMBER:
            sheet.write_number(row, column, value, self._plain)
        elif kind in self._dates:
            sheet.write_datetime(row, column, _naive(value), self._dates[kind])
        else:
            sheet.write_string(row, column, self._text(value), self._wrapped)

    def label(self, sheet: Any, row: int, text: str) -> None:
        """Write a label before a value."""
        sheet.write_string(row, 0, text, self._bold)

    def _begin(self, name: str, names: list[str], fields: Sequence[Field]) -> Any:
        names.append(f"{name} {len(names) + 1}" if names else name)
        sheet = self._book.add_worksheet(names[-1])
        sheet.freeze_panes(1, 0)
        for column, each in enumerate(fields):
            sheet.set_column(column, column, each.width)
        for column, each in enumerate(fields):
            header = f"{each.header} (UTC)" if each.kind in self._dates else each.header
            sheet.write_string(0, column, header, self._head)
        return sheet

    def _end(self, sheet: Any, rows: int, fields: Sequence[Field]) -> None:
        if sheet is not None:
            sheet.autofilter(0, 0, max(rows - 1, 0), len(fields) - 1)

    def _text(self, value: Any) -> str:
        text = shown(_words(value))
        if text.startswith("<r>"):
            text = " " + text  # XlsxWriter would take it for markup of its own, and not escape it
        if len(text) > LARGEST_CELL:
            self.cut += 1
            note = _CUT.format(len(text))
            text = text[: LARGEST_CELL - len(note)] + note
        return text


class Page:
    """A sheet of labels and values, line by line."""

    def __init__(self, book: Spreadsheet, sheet: Any) -> None:
        self._book = book
        self._sheet = sheet
        self._row = 0

    def line(self, label: str = "", value: Any = "", kind: Kind = Kind.TEXT) -> None:
        """Write a line; without a label and a value it stays empty."""
        if label:
            self._book.label(self._sheet, self._row, label)
        self._book.write(self._sheet, self._row, 1, value, kind)
        self._row += 1


def _words(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list | tuple) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return orjson.dumps(value).decode()


def _naive(moment: str) -> dt.datetime:
    """Return a moment, or a day, as a spreadsheet keeps it: without its zone, which is UTC."""
    found = dt.datetime.fromisoformat(moment)
    return found.astimezone(dt.UTC).replace(tzinfo=None) if found.tzinfo else found
