"""``annexa export proof``."""

from pathlib import Path

import click

from annexa.exit_codes import ExitCode
from annexa.moments import as_of_option, must_be_collected_by
from annexa.workspace import Workspace


@click.command()
@click.argument("entries", metavar="[ENTRY]...", nargs=-1, type=click.IntRange(min=0))
@click.option(
    "--resource",
    "resources",
    multiple=True,
    metavar="TYPE/NAME",
    help="Prove its document, by the collection that last saw it; an identifier or a name does too.",
)
@as_of_option
@click.option("--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="The folder.")
@click.pass_obj
def command(
    config: Path | None, entries: tuple[int, ...], resources: tuple[str, ...], as_of: str | None, out: Path
) -> int:
    """Write proofs that entries, or documents, are in the log, as C2SP tlog-proof files.

    Each holds the newest signed checkpoint with its cosignatures, so that it can be checked with the
    log's key alone. docs/record-format.md says how.
    """
    from store.proof_export import export_proofs

    if not entries and not resources:
        raise click.UsageError("Give entries of the log, or --resource.")
    if as_of is not None and not resources:
        raise click.UsageError("--as-of goes with --resource.")
    with Workspace.load(config).reading() as record:
        must_be_collected_by(record, as_of)
        done = export_proofs(record, entries, resources, as_of, out)
    for name in done.files:
        click.echo(out / name)
    for key in done.pruned:
        click.echo(f"annexa: the document {key} was pruned; only its hash is proven", err=True)
    click.echo(f"Proven under the checkpoint of {done.size} entries.", err=True)
    return int(ExitCode.COMPLETE)
