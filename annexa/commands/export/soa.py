"""``annexa export soa``."""

from pathlib import Path

import click

from annexa.exports.rows import Source
from annexa.exports.target import file_target, out_options
from annexa.exports.when import When
from annexa.moments import as_of_option
from annexa.workspace import Workspace


@click.command()
@as_of_option
@out_options(text=False)
@click.pass_obj
def command(config: Path | None, as_of: str | None, out: str, force: bool) -> None:
    """Export the Statement of Applicability as a workbook: the 93 controls, and why each is in or out."""
    from annexa.exports.applicability import write

    when = When.of(as_of, None)
    with Source.opened(Workspace.load(config), when) as source, file_target(Path(out), force) as draft:
        write(draft, source)
