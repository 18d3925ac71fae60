"""``annexa checkpoint``."""

from pathlib import Path

import click

from annexa.attribution import attribution_options
from annexa.exit_codes import ExitCode
from annexa.output import Row, format_option, print_object
from annexa.record_config import key_file, witnesses
from annexa.workspace import Workspace
from store.errors import ConfigError
from store.key_rotation import finish_rotation, make_successor
from store.log_keys import logged_keys
from store.note import Signer
from store.publication import FILE
from store.record import Record
from store.schema import checkpoint as checkpoint_table
from store.signing_key import CommandKey, EnvironmentKey, FileKey


@click.group(invoke_without_command=True)
@format_option
@click.pass_context
def command(ctx: click.Context, form: str) -> int | None:
    """Keep and sign a checkpoint of the record now, and have it cosigned, copied and timestamped.

    What did not succeed before is tried again.
    """
    if ctx.invoked_subcommand is not None:
        return None
    workspace = Workspace.load(ctx.obj)
    with workspace.writing(existing=True) as record:
        record.checkpoint()
        row = checkpoint_row(record, record.publish())
    print_object(row, form, lambda: _say(row))
    return int(ExitCode.COMPLETE)


@command.command("add-cosignature")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
def add_cosignature(config: Path | None, file: Path) -> None:
    """Add what a witness of [record] witnesses answered: signature lines, or a cosigned checkpoint."""
    workspace = Workspace.load(config)
    with workspace.writing(existing=True) as record:
        size, names = record.add_cosignatures(file.read_bytes(), witnesses(workspace.config))
        notices = record.publish()
    click.echo(
        f"Checkpoint {size} is cosigned by {', '.join(names)}." if names else f"Checkpoint {size} had it."
    )
    _warn(notices)


@command.command("rotate-key")
@click.option("--new-key-file", type=click.Path(path_type=Path, dir_okay=False), help="A key that exists.")
@click.option("--new-key-env", help="The environment variable with the new key.")
@click.option("--new-key-command", multiple=True, help="The program that signs; repeat for its arguments.")
@click.option("--new-key-vkey", help="The public key of that program.")
@click.pass_obj
def rotate_key(
    config: Path | None,
    new_key_file: Path | None,
    new_key_env: str | None,
    new_key_command: tuple[str, ...],
    new_key_vkey: str | None,
) -> None:
    """Let another key take over; both sign the checkpoint with which it does.

    Without options a new key file is made in the place of the old one, which is kept beside it.
    """
    workspace = Workspace.load(config)
    if sum(map(bool, (new_key_file, new_key_env, new_key_command))) > 1:
        raise ConfigError("there can be only one new key", "Give one of the options.")
    with workspace.writing(existing=True) as record:
        record.checkpoint()
        with record.engine.connect() as connection:
            old = logged_keys(connection, record.blobs)[-1].key
        path = key_file(workspace.config)
        new: Signer
        made = False
        if new_key_file:
            new = FileKey(new_key_file).signer(old.name)
        elif new_key_env:
            new = EnvironmentKey(new_key_env).signer(old.name)
        elif new_key_command:
            new = CommandKey(new_key_command, new_key_vkey or "").signer(old.name)
        elif path is None:
            raise ConfigError("the signing key is not in a file", "Give one of the --new-key options.")
        else:
            new, made = make_successor(path, old.name), True
        size = record.rotate_key(new)
        if made and path is not None:
            finish_rotation(FileKey(path), new.key)
        notices = record.publish()
    click.echo(
        f"The key {old.name} ({old.id.hex()}) is followed by {new.key.id.hex()} from checkpoint {size} on."
    )
    click.echo(f"Key: {new.key}")
    click.echo("Give this key to those who verify, and keep the old one in their trusted_keys.")
    if not made:
        click.echo("Name the new key in [record] now; the old one can no longer sign.")
    _warn(notices)


@command.command("accept-clock")
@attribution_options("How the clock came to be wrong.", "Who has seen that it is right now.")
@click.pass_obj
def accept_clock(config: Path | None, reason: str, by: str) -> None:
    """Go on writing although the record is ahead of this host's clock, which is right now.

    A clock that was ahead for a while leaves times in the record that are yet to come. Until this is
    called, nothing is written; it leaves a trace in the log.
    """
    from annexa.filing import seal

    with Workspace.load(config).writing(existing=True, accept_clock=(reason, by)) as record:
        # It is in the log by now, whether anybody can sign or not.
        notices = seal(record)
    click.echo("The clock is accepted, and the log says so. From here on the record's times begin anew.")
    _warn(notices)


def checkpoint_row(record: Record, notices: list[str]) -> Row:
    """Return the newest checkpoint as ``--format json`` gives it."""
    from store.stamping import unstamped

    with record.engine.connect() as connection:
        newest = connection.execute(
            checkpoint_table.select().order_by(checkpoint_table.c.size.desc()).limit(1)
        ).one()
        keys = logged_keys(connection, record.blobs)
        waiting = unstamped(connection) if record.sealing and record.sealing.timestamp_url else []
    return {
        "size": newest.size,
        "root": newest.root.hex(),
        "at": newest.at,
        "note": newest.note,
        "key": str(keys[-1].key) if keys else None,
        "file": str(record.path / FILE),
        "unstamped": waiting,
        "notices": notices,
    }


def _say(row: Row) -> None:
    click.echo(f"Checkpoint of {row['size']} log entries, root {row['root']}, signed: {row['file']}")
    click.echo(f"Key: {row['key']}")
    if row["unstamped"]:
        click.echo(f"The newest {len(row['unstamped'])} checkpoints have no timestamp yet.")
    _warn(row["notices"])


def _warn(notices: list[str]) -> None:
    for notice in notices:
        click.echo(f"annexa: {notice}", err=True)
