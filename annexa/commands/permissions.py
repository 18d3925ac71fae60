"""``annexa permissions``."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from annexa.output import Column, format_option, print_json, print_rows
from annexa.workspace import Workspace
from store.errors import ConfigError

if TYPE_CHECKING:
    from collectors.contract import Permissions

_GRANTS = (Column("grant", "Granted"),)


@click.command()
@click.argument("provider")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Write a file for each document here."
)
@format_option
@click.pass_obj
def command(config: Path | None, provider: str, out: Path | None, form: str) -> None:
    """Print the least privilege that collecting from PROVIDER takes, computed from the definitions.

    It is printed as the provider's own tools take it; --format csv lists what it grants.
    """
    workspace = Workspace.load(config)
    permissions = _permissions(workspace, provider)
    if out is not None:
        _write(permissions, provider, out)
    elif form == "json":
        print_json(
            {
                "provider": provider,
                "grants": list(permissions.grants),
                "documents": list(permissions.documents),
                "note": permissions.note,
            }
        )
    elif form == "csv":
        print_rows([{"grant": grant} for grant in permissions.grants], _GRANTS, form)
    else:
        for document in permissions.documents:
            click.echo(document)
        hint = " --out DIR writes a file for each." if len(permissions.documents) > 1 else ""
        click.echo(f"{permissions.note}{hint}", err=True)


def _permissions(workspace: Workspace, provider: str) -> "Permissions":
    if provider in workspace.config.providers:
        (collector,) = workspace.collectors(redaction_key=b"", only=provider)
        return collector.permissions(workspace.selections()[provider].of(collector.resource_types()))
    turned_on = ", ".join(sorted(workspace.config.providers)) or "none"
    raise ConfigError(
        f"provider {provider!r} is not turned on in {workspace.config.path}",
        f"Turned on: {turned_on}. Add a section [{provider}].",
    )


def _write(permissions: "Permissions", provider: str, folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, document in enumerate(permissions.documents, 1):
            path = folder / f"annexa-{provider}-{number}{permissions.suffix}"
            path.write_text(document + "\n", encoding="utf-8")
            click.echo(str(path))
    except OSError as error:
        raise ConfigError(
            f"--out: {error.filename}: {error.strerror}", "Name a folder to write to."
        ) from error
    click.echo(permissions.note, err=True)
