"""``annexa permissions``."""

from pathlib import Path

import click

from annexa.output import format_option, print_json, print_rows
from annexa.workspace import Workspace
from store.errors import ConfigError


@click.command()
@click.argument("provider")
@format_option
@click.pass_obj
def command(config: Path | None, provider: str, form: str) -> None:
    """Print the least privilege that collecting from PROVIDER takes, computed from the definitions.

    The policy itself is JSON; --format csv lists its actions.
    """
    workspace = Workspace.load(config)
    for collector in workspace.collectors(redaction_key=b""):
        if collector.provider == provider:
            types = workspace.selections()[provider].of(collector.resource_types())
            policy = collector.permissions(types)
            if form == "csv":
                statements = policy.get("Statement", [])
                rows = [{"action": action} for item in statements for action in item.get("Action", [])]
                print_rows(rows, (), form)
            else:
                print_json(policy)
            return
    turned_on = ", ".join(sorted(workspace.config.providers)) or "none"
    raise ConfigError(
        f"provider {provider!r} is not turned on in {workspace.config.path}",
        f"Turned on: {turned_on}. Add a section [{provider}].",
    )
