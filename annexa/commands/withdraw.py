"""``annexa withdraw``."""

from pathlib import Path

import click

from annexa.filing import file_all
from annexa.output import format_option
from annexa.workspace import Workspace
from store.statement import Withdrawal


@click.command()
@click.argument("entry", type=click.IntRange(min=0))
@click.option("--reason", required=True, help="Why it no longer holds.")
@click.option("--by", required=True, help="Who withdraws it.")
@format_option
@click.pass_obj
def command(config: Path | None, entry: int, reason: str, by: str, form: str) -> None:
    """End a statement before its time. ENTRY is its log entry, as `annexa statements` lists it.

    It stays in the record, and counts for every moment before.
    """
    workspace = Workspace.load(config)
    with workspace.writing(existing=True) as record:
        file_all(workspace, record, [Withdrawal(entry, reason, by)], form)
