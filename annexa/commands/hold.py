"""``annexa hold``."""

import datetime as dt
from pathlib import Path

import click

from annexa.attribution import attribution_options
from annexa.filing import account, seal
from annexa.output import Column, Row, format_option, print_rows, shown
from annexa.workspace import Workspace
from store import query
from store.errors import StoreError
from store.instant import rfc3339, utc_now
from store.statement import Filed, Hold, State, Statement, Withdrawal

_COLUMNS = (
    Column("entry", "Entry", right=True),
    Column("state", "State"),
    Column("placed", "Placed"),
    Column("until", "Until"),
    Column("by", "By", fold=True),
    Column("reason", "Reason", fold=True),
)


@click.group()
def command() -> None:
    """Legal holds: while one is in force, nothing is pruned."""


@command.command("place")
@attribution_options("Why nothing may be pruned, e.g. the name of the matter.", "Who orders it.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="The last day on which it holds, in UTC.  [default: until it is released]",
)
@click.pass_obj
def place_hold(config: Path | None, reason: str, by: str, until: dt.datetime | None) -> None:
    """Place a hold."""
    today = utc_now().date().isoformat()
    last = f"{until:%Y-%m-%d}" if until is not None else ""
    if last and last < today:
        raise click.BadParameter(f"{last} is over; today is {today} in UTC.", param_hint="--until")
    filed = _file(config, Hold(reason, by, today, last))
    click.echo(f"Hold {filed.entry} is in force{f' until {last}' if last else ''}: nothing is pruned.")


@command.command("release")
@click.argument("entry", type=int)
@attribution_options("Why it is no longer needed.", "Who releases it.")
@click.pass_obj
def release_hold(config: Path | None, entry: int, reason: str, by: str) -> None:
    """Release a hold, given by its log entry."""
    workspace = Workspace.load(config)
    with workspace.reading() as record:
        if not any(one.entry == entry and one.kind == Hold.KIND for one in query.statements(record)):
            raise StoreError(f"log entry {entry} is no hold", "`annexa hold list` shows holds.")
    filed = _file(config, Withdrawal(entry, reason, by))
    click.echo(f"Hold {entry} is released by log entry {filed.entry}.")


@command.command("list")
@format_option
@click.pass_obj
def list_holds(config: Path | None, form: str) -> None:
    """List every hold that there ever was."""
    with Workspace.load(config).reading() as record:
        filed = query.statements(record)
    now = rfc3339(utc_now())
    rows = [_row(one, now) for one in filed if one.kind == Hold.KIND]
    print_rows(rows, _COLUMNS, form, empty="There is no hold.")


def _row(one: Filed, now: str) -> Row:
    hold = one.statement if isinstance(one.statement, Hold) else None
    return {
        "entry": one.entry,
        "state": one.state(now).value,
        "placed": one.at,
        "until": hold.valid_until if hold else "",
        "by": hold.approver if hold else "",
        "reason": hold.reason if hold else f"({State.PRUNED.value})",
        "filed_by": one.filed_by,
        "released": one.withdrawn,
        "released_by": one.withdrawn_by,
        "digest": one.digest,
    }


def _file(config: Path | None, statement: Statement) -> Filed:
    with Workspace.load(config).writing(existing=True) as record:
        filed = record.file(statement, account())
        notices = seal(record)
    for notice in notices:
        click.echo(f"annexa: {shown(notice)}", err=True)
    return filed
