"""``annexa init``."""

from pathlib import Path

import click

from annexa.config import FILE_NAME, example, load
from collectors.registry import provider_names
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
    from store.record import Record

    store = load(path, frozenset(provider_names())).store_path
    with Record.writer(store) as record:
        record.redaction_key()
    click.echo(f"Wrote {path} and made the store in {store}.")
    click.echo("Next: annexa doctor, then annexa collect.")
