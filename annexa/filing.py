"""Filing what people state: who did it, and a signed checkpoint over it at once."""

import os
import pwd
import socket
from collections.abc import Iterable

import click

from annexa.output import Row, print_rows, shown
from annexa.statement_rows import statement_row
from annexa.workspace import Workspace
from store.errors import StoreError
from store.instant import rfc3339, utc_now
from store.record import Record
from store.statement import Statement


def account() -> str:
    """Return which account of which host runs this process. The environment has no say in it."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


def today() -> str:
    """Return today's date in UTC."""
    return utc_now().date().isoformat()


def file_all(workspace: Workspace, record: Record, statements: Iterable[Statement], form: str) -> None:
    """File statements, say so, and sign a checkpoint over them.

    What is filed stays filed if nobody can sign: that is said, and tried again by the next checkpoint.

    Args:
        form: ``table`` for a line in words, ``json`` or ``csv`` for rows.
    """
    who = account()
    rows = [
        statement_row(record.file(one, who), rfc3339(utc_now()), workspace.controls) for one in statements
    ]
    if form == "table":
        for row in rows:
            click.echo(shown(" ".join(_line(row).split())))
    else:
        print_rows(rows, (), form)
    for notice in seal(record):
        click.echo(f"annexa: {shown(notice)}", err=True)


def seal(record: Record) -> list[str]:
    """Sign a checkpoint of the record and publish it; return what did not succeed."""
    try:
        record.checkpoint()
    except StoreError as error:
        return [f"it is filed, but its checkpoint is not signed: {error}. {error.hint}".rstrip()]
    return record.publish()


def _line(row: Row) -> str:
    subject = row["control"] or " ".join(filter(None, (row["check"], row["resource_id"] or row["scope"])))
    words = [f"Filed as log entry {row['entry']}: {row['kind']}"]
    words += [f"of {row['withdraws']}"] if row["withdraws"] is not None else []
    words += [f"for {subject}"] if subject else []
    words += [f"by {row['by']}"]
    words += [f"until {row['valid_until']}"] if row["valid_until"] else []
    return " ".join(words) + "."
