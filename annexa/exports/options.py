"""Options that exports of rows share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from annexa.exports.rows import KEYS
from annexa.filters import FindingFilter

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


def what_option(command: CommandT) -> CommandT:
    """Add ``--what`` to a command."""
    return click.option(
        "--what",
        type=click.Choice(list(KEYS)),
        default="findings",
        show_default=True,
        help="What to export; the options that choose findings are for findings only.",
    )(command)


def finding_filter(what: str, filters: dict[str, Any]) -> FindingFilter:
    """Return which findings are wanted.

    Raises:
        click.UsageError: findings are chosen where something else is exported.
    """
    wanted = FindingFilter(**filters)
    if what != "findings" and wanted != FindingFilter():
        raise click.UsageError(f"--what {what} goes without the options that choose findings.")
    return wanted
