"""``annexa checks``."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from annexa.derived import person_problems, person_type
from annexa.exit_codes import ExitCode
from annexa.lint import FieldCheck, Problem, lint_checks
from annexa.output import Column, console, format_option, print_json_array, print_rows
from annexa.workspace import Workspace
from store.errors import CollectorError, ConfigError

if TYPE_CHECKING:
    from collectors.contract import Collector

_LIST = (
    Column("check", "Check", fold=True),
    Column("title", "Title", fold=True),
    Column("severity", "Severity"),
    Column("controls", "Controls"),
)
_PROBLEMS = (Column("subject", "Definition", fold=True), Column("message", "What is wrong", fold=True))


@click.group()
def command() -> None:
    """The rules that documents are judged by."""


@command.command("list")
@click.option("--control", default="", help="Only checks that bear on this control.")
@format_option
@click.pass_obj
def list_checks(config: Path | None, control: str, form: str) -> None:
    """List the checks that are applied."""
    rows = [
        {
            "check": check.id,
            "title": check.title,
            "severity": check.severity.value,
            "resource_types": list(check.types),
            "controls": list(check.controls),
            "equivalents": list(check.equivalents),
            "params": check.params,
        }
        for check in Workspace.load(config).checks.values()
        if not control or control in check.controls
    ]
    print_rows(rows, _LIST, form, empty="No check matches.")
    if form == "table":
        click.echo(f"{len(rows)} checks")


@command.command("show")
@click.argument("check_id")
@format_option
@click.pass_obj
def show_check(config: Path | None, check_id: str, form: str) -> None:
    """Show a check: its rule, what it means, what it cannot see, and how to mend a failure."""
    check = Workspace.load(config).checks.get(check_id)
    if check is None:
        raise ConfigError(f"there is no check {check_id!r}", "`annexa checks list` shows them.")
    body = {**check.applied(), "digest": check.digest}
    if form != "table":
        print_rows([body], (), form) if form == "csv" else print_json_array([body])
        return
    out = console()
    out.print(f"[bold]{check.title}[/]\n{check.id}  ({check.severity.value})\n")
    out.print("Judges       " + ", ".join(check.types))
    if check.applies:
        out.print("Applies if   ", end="")
        out.print(check.applies, markup=False)
    out.print("Passes if    ", end="")
    out.print(check.passes, markup=False)
    for key, value in check.params.items():
        out.print(f"Parameter    {key} = {value!r}", markup=False)
    for control, shows in check.controls.items():
        out.print(f"Control      {control}: {shows}", markup=False)
    out.print(f"Mend it      {check.remediation}", markup=False)
    out.print(f"Limits       {check.limits}", markup=False)
    for reference in check.references:
        out.print(f"Reference    {reference}", markup=False)
    if check.equivalents:
        out.print("Elsewhere    " + ", ".join(check.equivalents))
    out.print(f"Digest       {check.digest}")


@command.command("lint")
@format_option
@click.pass_obj
def lint(config: Path | None, form: str) -> int:
    """Validate every definition, built-in and your own; exits with 1 if anything is wrong.

    Providers that are not turned on are looked at as well, where what they need is installed.
    """
    problems, types, checks = lint_everything(Workspace.load(config))
    rows = [{"subject": problem.subject, "message": problem.message} for problem in problems]
    if rows or form != "table":
        print_rows(rows, _PROBLEMS, form)
    if form == "table":
        click.echo(f"{types} resource types, {checks} checks: {len(problems)} problems")
    return int(ExitCode.USAGE if problems else ExitCode.COMPLETE)


def lint_everything(workspace: Workspace) -> tuple[list[Problem], int, int]:
    """Lint all definitions.

    Returns:
        the problems, and how many resource types and checks were looked at.
    """
    problems: list[Problem] = []
    people = person_type()
    field_checks: dict[str, FieldCheck] = {people.provider: person_problems}
    types = {people.type: people}
    for collector in _collectors(workspace):
        field_checks[collector.provider] = collector.field_problems
        for kind, definition in collector.definitions(workspace.config.definition_folders).items():
            types[kind] = definition
            problems.extend(Problem(kind, text) for text in collector.definition_problems(definition))
    problems += [
        Problem(account.type, "accounts are defined of it, but there is no such resource type")
        for account in workspace.accounts
        if account.provider in field_checks and account.type not in types
    ]
    _ = workspace.checks  # the parameters of the configuration must fit as well
    checks = [check for check in workspace.catalogue.values() if check.provider in field_checks]
    problems.extend(lint_checks(checks, types, frozenset(workspace.controls), field_checks))
    return problems, len(types), len(checks)


def _collectors(workspace: Workspace) -> "Iterator[type[Collector]]":
    """Yield the collectors that are turned on, and the others of which all that they need is installed."""
    from collectors.registry import collector_class, provider_names

    for name in provider_names():
        try:
            yield collector_class(name)
        except CollectorError:
            if name in workspace.config.providers:
                raise
