"""Moments and periods on the command line.

A bare date names a day in UTC; where a moment is asked for, it means the end of that day.
"""

import datetime as dt
import re
from collections.abc import Callable
from typing import Any, TypeVar

import click

from store import query
from store.coverage import Period
from store.errors import ConfigError
from store.instant import rfc3339, utc_now
from store.record import Record

CommandT = TypeVar("CommandT", bound=Callable[..., Any])

_ENDED = ("complete", "gaps")
"""What is said of runs that got to their end."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})")


class _Moment(click.ParamType[str]):
    name = "moment"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        now = utc_now()
        try:
            if _DATE.fullmatch(value):
                day = dt.date.fromisoformat(value)
                if day > now.date():
                    self.fail(f"{value} lies in the future; today is {now.date()} in UTC.", param, ctx)
                return Period(day, day).end
            if _RFC_3339.fullmatch(value):
                moment = dt.datetime.fromisoformat(value.upper()).astimezone(dt.UTC)
                if moment > now:
                    self.fail(f"{value} lies in the future; it is {rfc3339(now)}.", param, ctx)
                return rfc3339(moment)
        except (ValueError, OverflowError):
            pass
        example = "a date such as 2026-09-01 nor a moment such as 2026-09-01T12:00:00Z"
        raise click.BadParameter(f"{value!r} is neither {example}.", ctx, param)


class _Day(click.ParamType[str]):
    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            if _DATE.fullmatch(value):
                return dt.date.fromisoformat(value).isoformat()
        except ValueError:
            pass
        raise click.BadParameter(f"{value!r} is no date such as 2026-09-01.", ctx, param)


class _Days(click.ParamType[Period]):
    name = "period"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        del param, ctx
        return "FIRST..LAST"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Period:
        texts = value.split("..")
        try:
            if len(texts) != 2 or not all(_DATE.fullmatch(text) for text in texts):
                raise ValueError(value)
            first, last = (dt.date.fromisoformat(text) for text in texts)
        except ValueError:
            self.fail(f"{value!r} is not a period such as 2026-01-01..2026-06-30.", param, ctx)
        today = utc_now().date()
        if first > last:
            self.fail(f"{first} is after {last}.", param, ctx)
        if first > today:
            self.fail(f"{first} lies in the future; today is {today} in UTC.", param, ctx)
        return Period(first, min(last, today))


MOMENT = _Moment()
DAY = _Day()
"""A date as text, in the past or to come."""
DAYS = _Days()


def as_of_option(command: CommandT) -> CommandT:
    """Add ``--as-of`` to a command."""
    return click.option(
        "--as-of",
        "as_of",
        type=MOMENT,
        help="Answer as it was known at the end of a day (2026-09-01, in UTC) or at a moment "
        "(2026-09-01T12:00:00Z).  [default: now]",
    )(command)


def must_be_collected_by(record: Record, at: str | None) -> None:
    """Refuse a moment at which the record knew nothing.

    Raises:
        ConfigError: nothing had been collected by then.
    """
    if at is None:
        return
    first = query.first_collected(record)
    if not first:
        raise ConfigError("nothing has been collected yet", "Run `annexa collect`.")
    if first > at:
        raise ConfigError(
            f"nothing had been collected by {at}", f"The first collection was finished at {first}."
        )


def got_to_its_end(record: Record, as_of: str | None) -> bool:
    """Say whether the newest run ended, and on standard error if not; of the past nothing is said.

    What a run did not get to is neither read nor a gap.
    """
    last = query.last_run(record) if as_of is None else None
    if last is None or last["status"] in _ENDED:
        return True
    click.echo(
        "annexa: the last run did not get to its end; what it left out is not in this answer.", err=True
    )
    return False
