"""``annexa export csv``."""

from pathlib import Path
from typing import Any

import click

from annexa.exports.options import finding_filter, what_option
from annexa.exports.rows import KEYS, PERIOD_KEYS, Source, rows
from annexa.exports.target import out_options, text_target
from annexa.exports.when import When, when_options
from annexa.filters import finding_filter_options
from annexa.output import write_csv
from annexa.workspace import Workspace
from store.coverage import Period


@click.command()
@what_option
@when_options
@out_options(text=True)
@finding_filter_options
@click.pass_obj
def command(
    config: Path | None,
    /,
    what: str,
    as_of: str | None,
    period: Period | None,
    out: str,
    force: bool,
    **filters: Any,
) -> None:
    """Export rows as CSV, with the keys of the read commands' JSON as columns."""
    wanted, when = finding_filter(what, filters), When.of(as_of, period)
    with Source.opened(Workspace.load(config), when) as source:
        header = KEYS[what] + (PERIOD_KEYS[what] if period else ())
        found = rows(source, what, wanted)
        with text_target(out, force) as stream:
            write_csv(found, header, stream)
