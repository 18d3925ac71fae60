"""``annexa prune``."""

import dataclasses
import datetime as dt
import re
from pathlib import Path
from typing import Any

import click

from annexa.attribution import attribution_options
from annexa.exit_codes import ExitCode
from annexa.output import Row, format_option, print_object
from annexa.progress import phase_display
from annexa.workspace import Workspace
from store.instant import rfc3339
from store.record import DATABASE

_AGE = re.compile(r"([1-9]\d{0,5})([dwy])")
_DAYS = {"d": 1, "w": 7, "y": 366}
"""A year counts as its longest, so that nothing goes a day early."""


class _Age(click.ParamType[dt.timedelta]):
    name = "age"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> dt.timedelta:
        found = _AGE.fullmatch(value)
        if found is None:
            self.fail(f"{value!r} is not an age such as 400d, 57w or 2y (days, weeks, years).", param, ctx)
        return dt.timedelta(days=int(found[1]) * _DAYS[found[2]])


@click.command()
@click.option("--keep", type=_Age(), metavar="AGE", help="Keep what ended since: 400d, 57w or 2y.")
@click.option(
    "--before",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Let go of what had ended when this day began, in UTC.",
)
@attribution_options("Why; it stays in the log.", "Who answers for it; it stays in the log.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@format_option
@click.pass_obj
def command(
    config: Path | None,
    keep: dt.timedelta | None,
    before: dt.datetime | None,
    reason: str,
    by: str,
    dry_run: bool,
    form: str,
) -> int:
    """Let go of old payloads: documents, reports, what decided findings, and statements that have ended.

    Hashes, intervals, outcomes and the log stay, so that the record still verifies. Nothing goes that the
    present rests on, nothing while a hold is in force, and nothing comes back.
    """
    from store.prune import cutoff, prune

    if (keep is None) == (before is None):
        raise click.UsageError("Give either --keep or --before.")
    workspace = Workspace.load(config)
    with workspace.writing(existing=True) as record, phase_display() as progress:
        size_before = (record.path / DATABASE).stat().st_size
        if before is not None:
            ended = rfc3339(before.replace(tzinfo=dt.UTC))
        else:
            assert keep is not None
            ended = cutoff(record, keep)
        done = prune(record, ended, reason, by, dry_run=dry_run, progress=progress)
        size = (record.path / DATABASE).stat().st_size
        if done.entry is not None:
            done.notices += record.publish()
    row = dataclasses.asdict(done) | {"dry_run": dry_run, "bytes_before": size_before, "bytes_after": size}
    print_object(row, form, lambda: _say(row))
    return int(ExitCode.COMPLETE)


def _say(row: Row) -> None:
    if not row["removed"]:
        click.echo(f"Nothing that may go had ended before {row['before']}.")
    else:
        verb = "Would let go" if row["dry_run"] else "Let go"
        click.echo(
            f"{verb} of what ended before {row['before']}: {row['documents']} documents, "
            f"{row['reports']} reports, what decided {row['findings']} findings, "
            f"{row['statements']} statements, {row['files']} files."
        )
    if row["entry"] is not None:
        click.echo(
            f"Log entry {row['entry']}; the database had {row['bytes_before']:,} bytes and has "
            f"{row['bytes_after']:,}."
        )
    for notice in row["notices"]:
        click.echo(f"annexa: {notice}", err=True)
