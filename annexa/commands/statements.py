"""``annexa statements``."""

import hashlib
from pathlib import Path

import click

from annexa.moments import as_of_option
from annexa.output import Column, console, format_option, print_rows, print_table, shown
from annexa.statement_rows import COLUMNS, bears_on, statement_row, subject, with_subjects
from annexa.workspace import Workspace
from store import query
from store.errors import ConfigError, StoreError
from store.files import chunks, path_of
from store.instant import rfc3339, utc_now
from store.record import Record
from store.statement import STATEMENT_KINDS, Attestation, State, Withdrawal

_FILES = (
    Column("name", "File", fold=True),
    Column("media_type", "Said to be"),
    Column("bytes", "Bytes", right=True),
    Column("sha256", "SHA-256", fold=True),
)
_LABELS = (
    ("State", "state"),
    ("Of", "subject"),
    ("By", "by"),
    ("Says", "text"),
    ("Valid from", "valid_from"),
    ("Valid until", "valid_until"),
    ("Filed", "at"),
    ("Filed by", "filed_by"),
    ("SHA-256", "digest"),
    ("Withdrawn", "withdrawn"),
)


@click.group(invoke_without_command=True)
@click.option("--kind", multiple=True, type=click.Choice(sorted(STATEMENT_KINDS)))
@click.option("--state", multiple=True, type=click.Choice([state.value for state in State]))
@click.option("--control", default="", help="A control, e.g. 5.1; with the waivers on its checks.")
@as_of_option
@format_option
@click.pass_context
def command(
    ctx: click.Context,
    kind: tuple[str, ...],
    state: tuple[str, ...],
    control: str,
    as_of: str | None,
    form: str,
) -> None:
    """List what people stated, with its state and the days that it is still good for.

    Withdrawals are listed where --kind asks for them; what they withdrew says so itself.
    """
    if ctx.invoked_subcommand is not None:
        return
    workspace = Workspace.load(ctx.obj)
    number = workspace.control(control).number if control else ""
    with workspace.reading() as record:
        filed = query.statements(record, as_of)
    rows = [
        row
        for row in (statement_row(one, _moment(as_of), workspace.controls) for one in filed)
        if (row["kind"] in kind if kind else row["kind"] != Withdrawal.KIND)
        and (not state or row["state"] in state)
        and (not number or bears_on(row, number, workspace.checks))
    ]
    if form == "table":
        rows = with_subjects(rows)
    print_rows(rows, COLUMNS, form, empty="Nothing was stated that matches.")


@command.command("show")
@click.argument("entry", type=click.IntRange(min=0))
@as_of_option
@format_option
@click.pass_obj
def show(config: Path | None, entry: int, as_of: str | None, form: str) -> None:
    """Show all of one statement. ENTRY is its log entry."""
    workspace = Workspace.load(config)
    with workspace.reading() as record:
        found = [one for one in query.statements(record, as_of) if one.entry == entry]
    if not found:
        raise ConfigError(f"log entry {entry} is no statement", "`annexa statements` lists them.")
    row = statement_row(found[0], _moment(as_of), workspace.controls)
    if form != "table":
        print_rows([row], (), form)
        return
    out = console()
    out.print(f"[bold]{row['kind']} {row['entry']}[/]")
    for label, key in _LABELS:
        value = subject(row) if key == "subject" else row[key]
        if value:
            out.print(f"{label:<12} {shown(value)}", markup=False)
    if row["withdrawn_by"] is not None:
        out.print(f"             by log entry {row['withdrawn_by']}", markup=False)
    if row["files"]:
        print_table(row["files"], _FILES)


@command.command("file")
@click.argument("sha256")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Where to; it must not exist.")
@click.pass_obj
def take_out(config: Path | None, sha256: str, out: Path) -> None:
    """Write a file that a statement brought to --out, checking it on the way.

    Annexa never opens such files. Look at what it is said to be, and from whom it is, before you do.
    """
    with Workspace.load(config).reading() as record:
        name = _name_of(record, sha256.lower())
        size = _copy(record, sha256.lower(), out)
    click.echo(f"{shown(name)}: {size} bytes written to {shown(out)}, and its SHA-256 is right.")


def _name_of(record: Record, sha256: str) -> str:
    for one in query.statements(record):
        if isinstance(one.statement, Attestation):
            for file in one.statement.files:
                if file.sha256 == sha256:
                    return file.name
    raise ConfigError(
        f"no statement brought a file {sha256}",
        "`annexa statements show` lists the files of a statement, with SHA-256.",
    )


def _copy(record: Record, sha256: str, out: Path) -> int:
    """Copy a file to where nothing is yet; what is not the file that was filed is not left there.

    Raises:
        ConfigError: it cannot be written.
        StoreError: it is gone, or is another.
    """
    source = path_of(record.path, sha256)
    if not source.exists():
        raise StoreError(f"the file {source} is gone", "Restore it from a backup; `annexa verify` names it.")
    digest, size = hashlib.sha256(), 0
    try:
        with out.open("xb") as target:
            try:
                for chunk in chunks(source):
                    digest.update(chunk)
                    size += len(chunk)
                    target.write(chunk)
                if digest.hexdigest() != sha256:
                    raise StoreError(
                        f"{source} is not the file that was filed",
                        "Restore it from a backup; it was changed.",
                    )
            except BaseException:
                out.unlink()
                raise
    except FileExistsError as error:
        raise ConfigError(f"{out} is there already", "Name a file that is not.") from error
    except OSError as error:
        raise ConfigError(f"{error.filename or out}: {error.strerror}") from error
    return size


def _moment(as_of: str | None) -> str:
    return as_of or rfc3339(utc_now())
