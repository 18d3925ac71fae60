"""``annexa export pack``."""

import secrets
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from annexa.moments import DAYS
from annexa.output import Row, format_option, print_object, shown
from annexa.workspace import Workspace
from store.coverage import Period
from store.errors import ConfigError

if TYPE_CHECKING:
    from store.pack.contents import Selection

_SEED_BYTES = 8
_COUNTED = ("findings", "checks", "documents", "collections", "statements", "pages")


@click.command()
@click.option("--period", type=DAYS, required=True, help="The days that it is of, both included, in UTC.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The zip to write, e.g. audit.zip.",
)
@click.option("--control", "controls", multiple=True, help="Only what bears on it; may be repeated.")
@click.option("--provider", "providers", multiple=True, help="Only this one; may be repeated.")
@click.option("--scope", "scopes", multiple=True, help="Only this one; may be repeated.")
@click.option(
    "--sample",
    type=click.IntRange(min=1),
    help="Show a sample of this many findings of each check; all of them stay counted and listed.",
)
@click.option("--seed", help="What the sample is drawn with; auditors may name it.  [default: one is made]")
@click.option("--force", is_flag=True, help="Replace the file if it is there already.")
@format_option
@click.pass_obj
def command(
    config: Path | None,
    period: Period,
    out: Path,
    controls: tuple[str, ...],
    providers: tuple[str, ...],
    scopes: tuple[str, ...],
    sample: int | None,
    seed: str | None,
    force: bool,
    form: str,
) -> None:
    """Write a zip for an auditor, who opens it in a browser and verifies it offline."""
    from annexa.pack.export import write_pack
    from annexa.progress import phase_display

    workspace = Workspace.load(config)
    selection = _selection(workspace, period, controls, providers, scopes, sample, seed)
    with workspace.reading() as record, phase_display() as phase:
        row = write_pack(
            record,
            selection,
            out,
            controls=workspace.controls,
            checks=workspace.checks.values(),
            stale_after_days=workspace.config.file.status.stale_after_days,
            replace=force,
            phase=phase,
        )
    print_object(row, form, lambda: click.echo("\n".join(map(shown, summary_lines(row)))))


def _selection(
    workspace: Workspace,
    period: Period,
    controls: tuple[str, ...],
    providers: tuple[str, ...],
    scopes: tuple[str, ...],
    sample: int | None,
    seed: str | None,
) -> "Selection":
    from store.pack.contents import Sample, Selection

    if seed is not None and sample is None:
        raise click.UsageError("--seed goes together with --sample.")
    if seed == "":
        raise click.UsageError("--seed is empty.")
    numbers = [number.removeprefix("A.") for number in controls]
    for number in numbers:
        if number not in workspace.controls:
            raise ConfigError(f"there is no control {number!r}", "`annexa controls list` shows the 93.")
    return Selection(
        period=period,
        controls=frozenset(numbers),
        providers=frozenset(providers),
        scopes=frozenset(scopes),
        sample=None if sample is None else Sample(sample, seed or secrets.token_hex(_SEED_BYTES)),
    )


def summary_lines(row: Row) -> Iterator[str]:
    """Say what was written, and what an auditor needs beside it."""
    yield f"{row['pack']}: {row['bytes']:,} bytes, SHA-256 {row['sha256']}"
    yield f"  {row['from']} to {row['to']}, as of {row['as_of']}"
    counts = ", ".join(f"{row[name]:,} {name}" for name in _COUNTED if row[name])
    yield f"  {counts}"
    if row["sample"]:
        yield f"  a sample of up to {row['sample']} findings of each check, with the seed {row['seed']}"
    if row["pruned"]:
        yield f"  {row['pruned']:,} items of it had been let go by retention; the pack says which"
    stamps = f"{len(row['stamped'])} of them timestamped" if row["stamped"] else "none of them timestamped"
    yield f"  signed checkpoints: {len(row['checkpoints'])}, {stamps}; log entries: {row['size']:,}"
    yield "Give the auditor this key too, by another way than the pack:"
    yield f"  {row['key']}"
    yield "They unzip it and open index.html; VERIFY.md says how to check it without Annexa. With Annexa:"
    yield f"  annexa verify --pack {shlex.quote(row['pack'])} --key {shlex.quote(row['key'])}"
