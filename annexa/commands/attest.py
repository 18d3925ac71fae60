"""``annexa attest``."""

import mimetypes
import os
from dataclasses import replace
from pathlib import Path

import click

from annexa.filing import file_all, today
from annexa.moments import DAY
from annexa.output import format_option
from annexa.workspace import Workspace
from store.errors import ConfigError
from store.instant import rfc3339
from store.record import Record
from store.statement import AttachedFile, Attestation
from store.statements import must_be_whole

_UNKNOWN_TYPE = "application/octet-stream"


@click.command()
@click.argument("control")
@click.option(
    "--file",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A file that shows it, of up to 100 MB; may be repeated.",
)
@click.option("--says", default="", help="What is attested, in words.")
@click.option("--owner", required=True, help="Who stands for it.")
@click.option("--valid-from", type=DAY, help="The first day in UTC.  [default: today]")
@click.option("--valid-until", type=DAY, required=True, help="The last day in UTC.")
@click.option("--media-type", help="Of the files; by default guessed from their names. Nothing relies on it.")
@format_option
@click.pass_obj
def command(
    config: Path | None,
    control: str,
    files: tuple[Path, ...],
    says: str,
    owner: str,
    valid_from: str | None,
    valid_until: str,
    media_type: str | None,
    form: str,
) -> None:
    """File evidence that only a person can give that CONTROL (5.1, say) is met.

    It is kept in the record with its files, and counts from its filing to the end of its last day.
    """
    if not files and not says.strip():
        raise click.UsageError("Bring a --file, or say what is attested with --says.")
    for path in files:
        if path.is_dir() or not os.access(path, os.R_OK):
            raise ConfigError(f"{path} cannot be read, or is no file", "Give files that can be read.")
    workspace = Workspace.load(config)
    said = Attestation(workspace.control(control).number, owner, says, valid_from or today(), valid_until)
    with workspace.writing(existing=True) as record:
        # Before a file is kept for nothing.
        unread = tuple(AttachedFile("", 0, path.name, "") for path in files)
        must_be_whole(replace(said, files=unread), rfc3339(record.clock()))
        attached = tuple(_attach(record, path, media_type) for path in files)
        file_all(workspace, record, [replace(said, files=attached)], form)


def _attach(record: Record, path: Path, media_type: str | None) -> AttachedFile:
    guessed = media_type or mimetypes.guess_type(path.name)[0] or _UNKNOWN_TYPE
    try:
        with path.open("rb") as source:
            return record.attach(source, path.name, guessed)
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}", "Give a file that can be read.") from error
