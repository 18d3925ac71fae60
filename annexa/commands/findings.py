"""``annexa findings``."""

from pathlib import Path
from typing import Any

import click
import orjson

from annexa.filters import FindingFilter, finding_filter_options
from annexa.moments import as_of_option, must_be_collected_by
from annexa.output import Column, Row, format_option, print_rows
from annexa.rows import finding_rows
from annexa.statement_rows import say_pruned
from annexa.workspace import Workspace
from store import query
from store.model import OUTCOME_RANK, SEVERITY_RANK, Severity

_COLUMNS = (
    Column("severity", "Severity"),
    Column("outcome", "Outcome"),
    Column("title", "Check", fold=True),
    Column("resource_name", "Resource", fold=True),
    Column("region", "Region"),
    Column("why", "Why", fold=True),
)
_WAIVED = Column("waived_until", "Waived until")
_LONGEST = 80


@click.command()
@finding_filter_options
@click.option("--limit", type=click.IntRange(min=1), help="Show at most so many.")
@as_of_option
@format_option
@click.pass_obj
def command(config: Path | None, /, form: str, limit: int | None, as_of: str | None, **filters: Any) -> None:
    """List findings, the worst first."""
    wanted = FindingFilter(**filters)
    with Workspace.load(config).reading() as record:
        must_be_collected_by(record, as_of)
        if as_of is not None:
            say_pruned(query.statements(record, as_of), as_of)
        rows = [row for row in finding_rows(record, as_of) if wanted.admits(row)]
    rows.sort(key=lambda row: (OUTCOME_RANK[row["outcome"]], SEVERITY_RANK[Severity(row["severity"])]))
    shown = rows[:limit]
    if form != "table":
        print_rows(shown, _COLUMNS, form)
        return
    columns = (*_COLUMNS, _WAIVED) if any(row["waived"] for row in shown) else _COLUMNS
    print_rows([_told(row) for row in shown], columns, form, empty="No findings match.")
    if len(shown) < len(rows):
        click.echo(f"{len(rows) - len(shown)} more; leave out --limit to see them.")


def _told(row: Row) -> Row:
    return row | {"why": _why(row), "waived_until": row["waived"]["until"] if row["waived"] else ""}


def _why(row: Row) -> str:
    if row["reason"]:
        return str(row["reason"])
    if row["observed"] is None:
        return "what decided it was let go by retention"
    values = (f"{path} = {orjson.dumps(value).decode()}" for path, value in row["observed"].items())
    return "; ".join(text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…" for text in values)
