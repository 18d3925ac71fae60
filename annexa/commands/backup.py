"""``annexa backup``."""

from pathlib import Path

import click

from annexa.exit_codes import ExitCode
from annexa.output import Column, Row, format_option, print_object, print_table
from annexa.progress import phase_display
from annexa.record_config import SIGNING_KEY, key_file
from annexa.workspace import Workspace
from store.backup import Backup, backup
from store.record import REDACTION_KEY

_PROBLEMS = (Column("where", "Where", fold=True), Column("message", "What does not fit", fold=True))


@click.command()
@click.argument("target", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--with-keys", is_flag=True, help="Copy the signing key and the key of redacted values too; keep it safe."
)
@click.option("--no-verify", is_flag=True, help="Do not verify the copy.")
@format_option
@click.pass_obj
def command(config: Path | None, target: Path, with_keys: bool, no_verify: bool, form: str) -> int:
    """Copy the store into DIR, which must not exist or be empty; a daemon may go on writing.

    The copy is a store itself and is verified before it gets its name; exits with 4 if it does not
    verify, and keeps nothing then.
    """
    workspace = Workspace.load(config)
    keys = _keys(workspace) if with_keys else {}
    with phase_display() as progress:
        done = backup(workspace.config.store_path, target, keys, check=not no_verify, progress=progress)
    row = _row(done, list(keys))
    print_object(row, form, lambda: _say(row))
    return int(ExitCode.VERIFICATION if done.problems else ExitCode.COMPLETE)


def _keys(workspace: Workspace) -> dict[str, Path]:
    found = {REDACTION_KEY: workspace.config.store_path / REDACTION_KEY}
    signing = key_file(workspace.config)
    if signing is not None:
        found[SIGNING_KEY] = signing
    # What was never made cannot be lost.
    return {name: path for name, path in found.items() if path.exists()}


def _row(done: Backup, keys: list[str]) -> Row:
    return {
        "path": str(done.path),
        "size": done.size,
        "root": done.root,
        "bytes": done.bytes,
        "files": done.files,
        "keys": keys,
        "verified": done.verified,
        "problems": [{"where": problem.where, "message": problem.message} for problem in done.problems],
    }


def _say(row: Row) -> None:
    if row["problems"]:
        click.echo(f"Not kept: the copy does NOT verify, {len(row['problems'])} problems.")
        print_table(row["problems"], _PROBLEMS)
        click.echo("`annexa verify` says whether the store does; --no-verify copies it as it is.")
        return
    verified = "verified" if row["verified"] else "not verified"
    click.echo(
        f"{row['path']}: {row['size']} log entries, {row['files']} files, {row['bytes']:,} bytes, {verified}"
    )
    if row["keys"]:
        click.echo(f"It holds {' and '.join(row['keys'])}: who has it can sign as this record.")
    else:
        click.echo("It holds no keys: back them up elsewhere, or a restored store cannot go on as before.")
