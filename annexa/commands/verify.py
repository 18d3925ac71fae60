"""``annexa verify``."""

from pathlib import Path

import click

from annexa.exit_codes import ExitCode
from annexa.output import Column, Row, format_option, print_json, print_rows, print_table
from annexa.workspace import Workspace
from store.verify import Verification, verify

_PROBLEMS = (Column("where", "Where", fold=True), Column("message", "What does not fit", fold=True))


@click.command()
@format_option
@click.pass_obj
def command(config: Path | None, form: str) -> int:
    """Recompute every hash and root of the record; exits with 4 if anything does not fit."""
    with Workspace.load(config).reading() as record:
        result = verify(record)
    row = verification_row(result)
    if form == "json":
        print_json(row)
    elif form == "csv":
        print_rows([row], (), form)
    else:
        click.echo(verification_line(result))
        if result.problems:
            print_table(row["problems"], _PROBLEMS)
    return int(ExitCode.COMPLETE if result.ok else ExitCode.VERIFICATION)


def verification_row(result: Verification) -> Row:
    """Return the result as ``--format json`` gives it."""
    return {
        "ok": result.ok,
        "size": result.size,
        "root": result.root,
        "problems": [{"where": problem.where, "message": problem.message} for problem in result.problems],
    }


def verification_line(result: Verification) -> str:
    """Say the result in one line."""
    if result.ok:
        return f"The record verifies: {result.size} log entries, root {result.root}"
    return f"The record does NOT verify: {len(result.problems)} problems in {result.size} log entries"
