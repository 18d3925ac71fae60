"""``annexa gaps``."""

from pathlib import Path

import click

from annexa.moments import as_of_option, got_to_its_end, must_be_collected_by
from annexa.output import Column, format_option, print_rows
from annexa.rows import gap_rows
from annexa.workspace import Workspace

_COLUMNS = (
    Column("call", "Call", fold=True),
    Column("code", "Code", fold=True),
    Column("scope", "Scope"),
    Column("region", "Region"),
    Column("resource_id", "Resource", fold=True),
    Column("message", "Message", fold=True),
)
_NONE = "No gaps: everything that was asked for was read."


@click.command()
@as_of_option
@format_option
@click.pass_obj
def command(config: Path | None, as_of: str | None, form: str) -> None:
    """List what the latest collections could not read."""
    with Workspace.load(config).reading() as record:
        must_be_collected_by(record, as_of)
        none = _NONE if got_to_its_end(record, as_of) else "No gaps in what was read."
        print_rows(gap_rows(record, as_of), _COLUMNS, form, empty=none)
