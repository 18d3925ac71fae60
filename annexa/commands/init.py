"""``annexa init``."""

from pathlib import Path

import click

from annexa.config import FILE_NAME, example
from annexa.workspace import Workspace
from store.errors import ConfigError


@click.command()
@click.option(
    "--print", "only_print", is_flag=True, help="Print the commented reference of every key, write nothing."
)
@click.pass_obj
def command(config: Path | None, only_print: bool) -> None:
    """Write annexa.toml, with every key explained, and make the store."""
    if only_print:
        click.echo(example(), nl=False)
        return
    path = config or Path(FILE_NAME)
    if path.exists():
        raise ConfigError(f"{path} exists already", "Edit it, or remove it first.")
    try:
        path.write_text(example(), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", "Choose a folder that can be written.") from error
    from annexa.commands.checkpoint import checkpoint_row

    workspace = Workspace.load(path)
    with workspace.writing() as record:
        record.redaction_key()
        record.checkpoint()
        row = checkpoint_row(record, record.publish())
    click.echo(f"Wrote {path} and made the store in {workspace.config.store_path}.")
    click.echo(f"Key: {row['key']}")
    click.echo(
        "Keep this public key outside the store, in [record] trusted_keys: then an unsigned record fails."
    )
    click.echo("Next: annexa doctor, then annexa collect.")
