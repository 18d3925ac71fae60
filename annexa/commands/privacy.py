"""``annexa privacy``."""

import fnmatch
from pathlib import Path

import click

from annexa.derived import person_type
from annexa.output import Column, format_option, print_rows
from annexa.workspace import Workspace

_FIELDS = (Column("resource_type", "Resource type", fold=True), Column("field", "Field", fold=True))


@click.group()
def command() -> None:
    """What is kept of people."""


@command.command("fields")
@click.option("--type", "pattern", default="*", help="Only resource types that match, e.g. 'aws.iam.*'.")
@format_option
@click.pass_obj
def fields(config: Path | None, pattern: str, form: str) -> None:
    """List the fields that hold personal data, by resource type, of the providers that are turned on.

    With `[privacy] pseudonymise = true`, keyed pseudonyms are kept in their place.
    """
    workspace = Workspace.load(config)
    pseudonymised = workspace.config.file.privacy.pseudonymise
    people = person_type()
    types = {**workspace.resource_types(), people.type: people}
    rows = [
        {
            "resource_type": kind,
            "field": path.removesuffix("@"),
            "only_addresses": path.endswith("@"),
            "kept_as": "pseudonym" if pseudonymised else "is",
        }
        for kind, definition in sorted(types.items())
        if fnmatch.fnmatchcase(kind, pattern)
        for path in definition.personal
    ]
    print_rows(rows, _FIELDS, form, empty="No field that holds personal data.")
    if form == "table" and rows:
        of = len({row["resource_type"] for row in rows})
        kept = "as pseudonyms" if pseudonymised else "as they are ([privacy] pseudonymise is false)"
        click.echo(f"{len(rows)} fields of {of} resource types, kept {kept}")
