"""``annexa export tiles``."""

from pathlib import Path

import click

from annexa.exit_codes import ExitCode
from annexa.workspace import Workspace


@click.command()
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="The folder; one that holds this log already gets what is new.",
)
@click.pass_obj
def command(config: Path | None, out: Path) -> int:
    """Write the log as C2SP tlog-tiles, up to its newest signed checkpoint.

    Any web server can hand the folder out. Entries name accounts, resource types, regions, checks, times
    and counts; resources, documents and statements are in them as hashes only.
    """
    from store.tile_export import export_tiles

    with Workspace.load(config).reading() as record:
        done = export_tiles(record, out)
    if done.files:
        more = f"; {done.since} were there" if done.since else ""
        click.echo(f"{out} has the first {done.size} entries of the log{more}. {done.files} files written.")
    else:
        click.echo(f"{out} has the first {done.size} entries of the log already.")
    return int(ExitCode.COMPLETE)
