"""Filters that read commands share."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import click

from mappings.person import PROVIDER as PEOPLE
from store.model import Outcome, Severity

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings are wanted; an empty field admits all.

    Attributes:
        resource: a resource's identifier or name.
        waived: whether a waiver in force covers it; None admits both.
    """

    control: str = ""
    outcome: tuple[str, ...] = ()
    severity: tuple[str, ...] = ()
    provider: str = ""
    scope: str = ""
    region: str = ""
    check: str = ""
    resource_type: str = ""
    resource: str = ""
    waived: bool | None = None

    def admits(self, row: dict[str, Any]) -> bool:
        """Say whether a row of ``annexa findings`` is wanted."""
        return (
            (not self.control or self.control in row["controls"])
            and (not self.outcome or row["outcome"] in self.outcome)
            and (not self.severity or row["severity"] in self.severity)
            and self.provider in ("", row["provider"])
            and self.scope in ("", row["scope"])
            and self.region in ("", row["region"])
            and self.check in ("", row["check"])
            and self.resource_type in ("", row["resource_type"])
            and self.resource in ("", row["resource_id"], row["resource_name"])
            and self.waived in (None, row["waived"] is not None)
        )


def known_provider(context: click.Context, parameter: click.Parameter, value: str) -> str:
    """Return a provider's name, for ``callback`` of an option: a misspelt one would find nothing.

    Raises:
        BadParameter: there is no such provider.
    """
    from collectors.registry import provider_names

    known = sorted({*provider_names(), PEOPLE})
    if value and value not in known:
        said = f"there is no provider {value!r}; there are: {', '.join(known)}."
        raise click.BadParameter(said, context, parameter)
    return value


def finding_filter_options(command: CommandT) -> CommandT:
    """Add the options whose values make a :class:`FindingFilter`."""
    options = [
        click.option("--control", default="", help="A control, e.g. 8.24."),
        click.option("--outcome", multiple=True, type=click.Choice([outcome.value for outcome in Outcome])),
        click.option(
            "--severity", multiple=True, type=click.Choice([severity.value for severity in Severity])
        ),
        click.option("--provider", default="", callback=known_provider, help="E.g. aws."),
        click.option("--scope", default="", help="An account's number, say."),
        click.option("--region", default=""),
        click.option("--check", default="", help="A check's id."),
        click.option("--type", "resource_type", default="", help="A resource type, e.g. aws.s3.bucket."),
        click.option("--resource", default="", help="A resource's identifier or name."),
        click.option("--waived/--not-waived", default=None, help="Failures that a waiver in force covers."),
    ]
    for option in reversed(options):
        command = option(command)
    return command
