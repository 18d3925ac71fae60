"""Who answers for an act and why: options of commands that the log names people in."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


class _Said(click.ParamType[str]):
    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        text = " ".join(str(value).split())
        if not text:
            self.fail("it must not be empty.", param, ctx)
        return text


def attribution_options(why: str, who: str) -> Callable[[CommandT], CommandT]:
    """Add ``--reason`` and ``--by``, which must say something.

    Args:
        why, who: their help.
    """

    def add(command: CommandT) -> CommandT:
        by = click.option("--by", required=True, type=_Said(), metavar="NAME", help=who)
        reason = click.option("--reason", required=True, type=_Said(), metavar="TEXT", help=why)
        return reason(by(command))

    return add
