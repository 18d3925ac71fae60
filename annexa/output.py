"""Printing rows as a table for people, or as JSON or CSV for programs."""

import csv
import os
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TextIO, TypeVar

import click
import orjson

Row = dict[str, Any]
CommandT = TypeVar("CommandT", bound=Callable[..., Any])

_NARROW = 24
_LEAST = 12
"""The width below which words that wrap can no longer be read."""
_NO_TERMINAL = 120
_BETWEEN = 3
"""Spaces and rule between two columns."""
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

OUTCOME_STYLES = {
    "pass": "green",
    "satisfied": "green",
    "fail": "red",
    "not_satisfied": "red",
    "unknown": "yellow",
    "incomplete": "yellow",
    "error": "magenta",
    "needs_attestation": "cyan",
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table.

    Attributes:
        key: of the row.
        header: what the table calls it.
        fold: whether long values wrap; others are cut.
    """

    key: str
    header: str
    fold: bool = False
    right: bool = False


def format_option(command: CommandT) -> CommandT:
    """Add ``--format table|json|csv`` to a command."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(["table", "json", "csv"]),
        default="table",
        show_default=True,
        help="JSON and CSV carry every field; JSON is a stable contract.",
    )(command)


def print_rows(rows: Iterable[Row], columns: Sequence[Column], form: str, *, empty: str = "Nothing.") -> None:
    """Print rows.

    Args:
        columns: what a table shows; JSON and CSV show all keys of the rows.
        form: ``table``, ``json`` or ``csv``.
        empty: what to say to a person where there are none.
    """
    if form == "json":
        print_json_array(rows)
    elif form == "csv":
        write_csv(rows, [column.key for column in columns], sys.stdout)
    else:
        found = list(rows)
        if found:
            print_table(found, columns)
        else:
            click.echo(empty)


def print_json(value: Any) -> None:
    """Print one JSON value."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def print_object(row: Row, form: str, say: Callable[[], object]) -> None:
    """Print one object as JSON or CSV.

    Args:
        form: ``table``, ``json`` or ``csv``.
        say: called for ``table``, to tell a person in words.
    """
    if form == "json":
        print_json(row)
    elif form == "csv":
        print_rows([row], (), form)
    else:
        say()


def print_json_array(rows: Iterable[Row]) -> None:
    """Print an array of objects, a row at a time, so that memory does not grow with it."""
    separator = "["
    for row in rows:
        click.echo(separator + "\n  " + orjson.dumps(row).decode(), nl=False)
        separator = ","
    click.echo("[]" if separator == "[" else "\n]")


def print_table(rows: Sequence[Row], columns: Sequence[Column], title: str | None = None) -> None:
    """Print a table that fits the terminal; plain where the output is no terminal.

    Where the terminal is too narrow for all columns, each row is printed as lines of its own: rich would
    leave out the columns that wrap without a word.
    """
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False, title_style="bold")
    cells = [[_cell(row.get(column.key)) for column in columns] for row in rows]
    needed = _BETWEEN
    for number, column in enumerate(columns):
        widest = max(max((len(row[number]) for row in cells), default=0), len(column.header))
        least = min(widest, _LEAST if column.fold else _NARROW)
        needed += least + _BETWEEN
        table.add_column(
            column.header,
            overflow="fold" if column.fold else "ellipsis",
            no_wrap=not column.fold,
            # Short columns keep their width; the long ones share what is left.
            min_width=least,
            justify="right" if column.right else "left",
        )
    for row in cells:
        table.add_row(*row)
    out = console()
    if needed <= out.width:
        out.print(table)
    elif _has_width(sys.stdout):
        _print_lines(out, cells, columns, title)
    else:
        console(width=needed).print(table)


def _print_lines(
    out: Any, cells: Iterable[Sequence[Any]], columns: Sequence[Column], title: str | None
) -> None:
    from rich.text import Text

    if title:
        out.print(Text(title, style="bold"))
    for row in cells:
        for column, cell in zip(columns, row, strict=True):
            if cell.plain:
                out.print(Text(f"{column.header}: " if column.header else "").append_text(cell))
        out.print()


def _has_width(stream: TextIO) -> bool:
    """Say whether the output is as wide as somebody's terminal, or as wide as we like."""
    return stream.isatty() or "COLUMNS" in os.environ


def console(*, stderr: bool = False, width: int = _NO_TERMINAL) -> Any:
    """Return a console that honours NO_COLOR.

    Args:
        width: where there is no terminal.
    """
    from rich.console import Console

    class OurConsole(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # for the command line to answer; rich itself would exit with 1

    stream = sys.stderr if stderr else sys.stdout
    return OurConsole(
        stderr=stderr, width=None if _has_width(stream) else width, highlight=False, soft_wrap=False
    )


def shown(value: Any) -> str:
    """Return what a person may see of a provider's words: they must not steer the terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", str(value))


def _cell(value: Any) -> Any:
    from rich.text import Text

    if isinstance(value, list):
        value = ", ".join(str(item) for item in value)
    text = "" if value is None else shown(value)
    return Text(text, style=OUTCOME_STYLES.get(text, ""))


def write_csv(rows: Iterable[Row], header: Sequence[str], stream: TextIO) -> None:
    """Write rows as CSV, one at a time.

    Args:
        header: the columns where there are no rows; else they are the keys of the first.
    """
    lines = _Lines(stream)
    writer: Any = None
    for row in rows:
        if writer is None:
            writer = csv.DictWriter(lines, fieldnames=list(row))
            writer.writeheader()
        writer.writerow({key: _csv_cell(value) for key, value in row.items()})
    if writer is None:
        csv.writer(lines).writerow(header)


class _Lines:
    """Lines end as on Unix. Asked to write them so, the csv module would leave a \\r unquoted."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, line: str) -> None:
        self._stream.write(line.removesuffix("\r\n") + "\n")


def _csv_cell(value: Any) -> Any:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        value = " ".join(value)
    elif isinstance(value, dict | list):
        value = orjson.dumps(value).decode()
    # A spreadsheet takes a leading =, +, - or @ for a formula; evidence must not be able to run one.
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value
