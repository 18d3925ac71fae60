"""``annexa export ocsf``."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, TextIO

import click
import orjson

from annexa.exports.ocsf import Event, folded, unfolded
from annexa.exports.rows import Source
from annexa.exports.target import out_options, text_target
from annexa.exports.when import When, when_options
from annexa.filters import FindingFilter, finding_filter_options
from annexa.workspace import Workspace
from store.coverage import Period
from store.query import BY_RESOURCE


@click.command()
@when_options
@click.option(
    "--fold/--no-fold",
    default=True,
    show_default=True,
    help="One event for each resource and control, with the worst of its checks; or one for each finding.",
)
@click.option("--array", is_flag=True, help="Write one JSON array, not one object a line.")
@out_options(text=True)
@finding_filter_options
@click.pass_obj
def command(
    config: Path | None,
    /,
    as_of: str | None,
    period: Period | None,
    fold: bool,
    array: bool,
    out: str,
    force: bool,
    **filters: Any,
) -> None:
    """Export findings as OCSF Compliance Findings."""
    wanted, when = FindingFilter(**filters), When.of(as_of, period)
    if fold and (wanted.outcome or wanted.severity or wanted.check):
        raise click.UsageError(
            "--outcome, --severity and --check need --no-fold: "
            "the worst of some checks is not the worst of all."
        )
    with Source.opened(Workspace.load(config), when) as source:
        rows = source.findings(wanted, BY_RESOURCE)
        events = folded(rows, source.workspace.controls, wanted.control) if fold else unfolded(rows)
        with text_target(out, force) as stream:
            _write(events, stream, array)


def _write(events: Iterable[Event], stream: TextIO, array: bool) -> None:
    if not array:
        for event in events:
            stream.write(orjson.dumps(event).decode() + "\n")
        return
    separator = "["
    for event in events:
        stream.write(separator + "\n" + orjson.dumps(event).decode())
        separator = ","
    stream.write("[]\n" if separator == "[" else "\n]\n")
