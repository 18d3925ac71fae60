"""``annexa verify``."""

from pathlib import Path

import click
from sqlalchemy.exc import SQLAlchemyError

from annexa.exit_codes import ExitCode
from annexa.output import Column, Row, format_option, print_json, print_rows, print_table
from annexa.workspace import Workspace
from store.errors import StoreError
from store.log_keys import logged_keys
from store.record import Record
from store.sealing import default_origin
from store.verify import Verification, verify

_PROBLEMS = (Column("where", "Where", fold=True), Column("message", "What does not fit", fold=True))


@click.command()
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="VKEY|FILE",
    help="A key that must have signed, beside trusted_keys.",
)
@click.option(
    "--against",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A signed checkpoint from outside the store, which the log must begin with.",
)
@format_option
@click.pass_obj
def command(config: Path | None, keys: tuple[str, ...], against: tuple[Path, ...], form: str) -> int:
    """Recompute every hash and root of the record; exits with 4 if anything does not fit."""
    from annexa.record_config import demands

    workspace = Workspace.load(config)
    with workspace.reading() as record:
        asked = demands(workspace.config, keys, against, _origin(workspace, record))
        result = verify(record, asked)
    row = verification_row(result)
    if form == "json":
        print_json(row)
    elif form == "csv":
        print_rows([row], (), form)
    else:
        click.echo(verification_line(result))
        for line in signature_lines(result):
            click.echo(line)
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
        "keys": result.keys,
        "trusted": result.trusted,
        "signed_size": result.signed_size,
        "witnessed_size": result.witnessed_size,
        "witnessed_at": result.witnessed_at,
        "unwitnessed": result.unwitnessed,
        "stamped_size": result.stamped_size,
        "timestamps": result.timestamps,
        "unstamped": result.unstamped,
        "against": [{"where": where, "size": size} for where, size in result.held],
    }


def verification_line(result: Verification) -> str:
    """Say the result in one line."""
    if result.ok:
        return f"The record verifies: {result.size} log entries, root {result.root}"
    return f"The record does NOT verify: {len(result.problems)} problems in {result.size} log entries"


def signature_lines(result: Verification) -> list[str]:
    """Say whose word the result rests on."""
    lines = []
    if not result.keys:
        lines.append("Nobody signed it: whoever can write the store can write all of it anew.")
    elif not result.trusted:
        lines.append(
            f"Signed up to entry {result.signed_size} by keys that the store itself names; "
            "give --key, or set [record] trusted_keys, to ask for yours."
        )
    else:
        lines.append(f"Signed up to entry {result.signed_size} by keys that you trust.")
    if result.witnessed_size:
        lines.append(
            f"Cosigned by enough witnesses up to entry {result.witnessed_size}, at {result.witnessed_at}."
        )
        if result.unwitnessed:
            lines.append(
                f"{result.unwitnessed} checkpoints since then are not: "
                "what they cover rests on the key and on copies alone."
            )
    if result.timestamps:
        lines.append(f"Timestamped up to entry {result.stamped_size}, {result.timestamps} times.")
        if result.unstamped:
            lines.append(f"{result.unstamped} checkpoints since then are signed, and have no timestamp.")
    lines += [f"Begins with the {size} entries of {where}." for where, size in result.held]
    return lines


def _origin(workspace: Workspace, record: Record) -> str:
    """Return the name of the log, by which its copies are found; empty if the store cannot tell."""
    if workspace.config.file.record.origin:
        return workspace.config.file.record.origin
    try:
        with record.engine.connect() as connection:
            keys = logged_keys(connection, record.blobs)
            return keys[-1].key.name if keys else default_origin(connection)
    except (SQLAlchemyError, StoreError):
        return ""
