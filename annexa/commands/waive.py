"""``annexa waive``."""

import difflib
from collections.abc import Iterable
from pathlib import Path

import click

from annexa.filing import file_all, today
from annexa.moments import DAY
from annexa.output import format_option
from annexa.workspace import Workspace
from store import query
from store.errors import ConfigError
from store.query import JudgedResource
from store.record import Record
from store.statement import Waiver

_MOST_NAMED = 5


@click.command()
@click.argument("check")
@click.option("--resource", "resources", multiple=True, help="Its identifier or name; may be repeated.")
@click.option("--all-resources", is_flag=True, help="Waive the check for every resource, also those to come.")
@click.option("--scope", default="", help="Only in this account, say.")
@click.option("--provider", default="", help="Only of this provider, e.g. aws.")
@click.option("--reason", required=True, help="Why the failure is accepted.")
@click.option("--approver", required=True, help="Who accepts it.")
@click.option("--valid-from", type=DAY, help="The first day in UTC.  [default: today]")
@click.option("--expires", type=DAY, required=True, help="The last day in UTC.")
@format_option
@click.pass_obj
def command(
    config: Path | None,
    check: str,
    resources: tuple[str, ...],
    all_resources: bool,
    scope: str,
    provider: str,
    reason: str,
    approver: str,
    valid_from: str | None,
    expires: str,
    form: str,
) -> None:
    """Accept that resources fail CHECK, until a day. They are still shown as failures.

    One waiver is filed for each resource; what the record does not know under the check is refused.
    """
    if bool(resources) == all_resources:
        raise click.UsageError("Name what is waived with --resource, or give --all-resources.")
    workspace = Workspace.load(config)
    with workspace.writing(existing=True) as record:
        _must_be_known(workspace, record, check)
        judged = [
            one
            for one in query.judged_resources(record, check)
            if scope in ("", one.scope) and provider in ("", one.provider)
        ]
        if (scope or provider) and not judged:
            where = " ".join(filter(None, (provider, scope)))
            raise ConfigError(
                f"{check} has judged nothing in {where}", "`annexa findings` shows what it judged, and where."
            )
        found = list(dict.fromkeys(_identifier(check, named, judged) for named in resources)) or [""]
        first = valid_from or today()
        waivers = [Waiver(check, provider, scope, one, reason, approver, first, expires) for one in found]
        file_all(workspace, record, waivers, form)


def _must_be_known(workspace: Workspace, record: Record, check: str) -> None:
    known = {*workspace.checks, *query.checks_applied(record)}
    if check not in known:
        raise ConfigError(
            f"there is no check {check!r}", _near(check, known) or "`annexa checks list` shows the checks."
        )


def _identifier(check: str, named: str, judged: list[JudgedResource]) -> str:
    """Return the identifier of a resource, given by it or by its name.

    Raises:
        ConfigError: there is none of the sort, or more than one.
    """
    if named and any(one.resource_id == named for one in judged):
        return named
    found = {one.resource_id for one in judged if named and one.resource_name == named}
    if len(found) > 1:
        raise ConfigError(
            f"{named!r} is the name of {len(found)} resources",
            f"Give an identifier: {', '.join(sorted(found)[:_MOST_NAMED])}.",
        )
    if not found:
        if judged and not any(one.resource_id for one in judged):
            raise ConfigError(f"{check} judges whole scopes", "Give --all-resources, and --scope.")
        known = {name for one in judged for name in (one.resource_id, one.resource_name) if name}
        raise ConfigError(
            f"{check} has not judged any resource {named!r}",
            _near(named, known) or "`annexa findings` shows what it judged, with identifiers.",
        )
    return found.pop()


def _near(given: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(given, sorted(known), n=3)
    return f"Did you mean {' or '.join(near)}?" if near else ""
