"""The moment or the period that an export is for."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from annexa.moments import DAYS, as_of_option, must_be_collected_by
from store.coverage import Period
from store.instant import rfc3339, utc_now
from store.record import Record

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class When:
    """A moment, or a period of whole days in UTC.

    Attributes:
        at: the moment that statuses are for: the one asked for, or the period's end; None is now.
        stamp: the same as RFC 3339 in UTC, the present included. Files carry it as their date, so that
            the same question to the same record gives the same bytes.
    """

    at: str | None
    period: Period | None
    stamp: str

    @classmethod
    def of(cls, as_of: str | None, period: Period | None) -> "When":
        """Read what the options gave.

        Raises:
            click.UsageError: both were given.
        """
        if as_of and period:
            raise click.UsageError("--as-of is for a moment and --period for days; give one of them.")
        at = period.end if period else as_of
        now = rfc3339(utc_now())
        return cls(at, period, min(at or now, now))

    @property
    def first(self) -> str:
        """Its first moment."""
        return f"{self.period.first}T00:00:00.000Z" if self.period else self.stamp

    def must_be_known(self, record: Record) -> None:
        """Refuse a time at which the record knew nothing.

        Raises:
            ConfigError: nothing had been collected by then.
        """
        must_be_collected_by(record, self.at)

    def __str__(self) -> str:
        if self.period:
            return f"{self.period.first} to {self.period.last}, in UTC"
        return f"as of {self.stamp}"


def when_options(command: CommandT) -> CommandT:
    """Add ``--as-of`` and ``--period`` to a command."""
    period = click.option(
        "--period",
        type=DAYS,
        help="Everything that held at some time of these days, in UTC, both included.",
    )
    return as_of_option(period(command))
