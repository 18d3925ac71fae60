"""``annexa export oscal``."""

from pathlib import Path
from typing import Any

import click

from annexa.exports.rows import Source
from annexa.exports.target import file_target, out_options
from annexa.exports.when import When, when_options
from annexa.filters import FindingFilter, finding_filter_options
from annexa.workspace import Workspace
from store.coverage import Period


@click.command()
@when_options
@out_options(text=False)
@finding_filter_options
@click.pass_obj
def command(
    config: Path | None, /, as_of: str | None, period: Period | None, out: str, force: bool, **filters: Any
) -> None:
    """Export OSCAL assessment results, and the documents that they refer to into FILE.documents."""
    from annexa.exports.oscal import write

    wanted, when = FindingFilter(**filters), When.of(as_of, period)
    with Source.opened(Workspace.load(config), when) as source, file_target(Path(out), force) as draft:
        write(draft, Path(out), source, wanted)
