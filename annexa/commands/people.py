"""``annexa people``."""

from collections.abc import Callable
from pathlib import Path

import click

from annexa.exit_codes import ExitCode
from annexa.moments import as_of_option, must_be_collected_by
from annexa.output import (
    Column,
    Row,
    console,
    format_option,
    print_json_array,
    print_object,
    print_rows,
    shown,
)
from annexa.people_rows import is_called, people, person_body, person_row
from annexa.workspace import Workspace
from store.errors import StoreError
from store.model import Document
from store.record import Record

_COLUMNS = (
    Column("name", "Name", fold=True),
    Column("person", "Person", fold=True),
    Column("directories", "Directories"),
    Column("access", "Access"),
    Column("active_in", "Active in"),
    Column("admin_in", "Administers"),
    Column("mfa", "MFA"),
    Column("left", "Left"),
)

_FILTERS: dict[str, tuple[str, Callable[[Row], bool]]] = {
    "left": ("Who left every directory.", lambda row: row["left"] is True),
    "active": ("Who has an active account.", lambda row: row["active"] is True),
    "admin": ("Who administers something.", lambda row: bool(row["admin_in"])),
    "no-mfa": ("Who is known to have no second factor.", lambda row: row["mfa"] is False),
    "orphan": ("Whom no directory knows.", lambda row: row["in_directory"] is False),
    "ambiguous": ("Who cannot be told from others.", lambda row: bool(row["ambiguous"])),
}


@click.group(invoke_without_command=True)
@click.option(
    "--only",
    "filters",
    multiple=True,
    type=click.Choice(list(_FILTERS)),
    help="Only these; given several times, all must hold. "
    + " ".join(f"{name}: {text}" for name, (text, _) in _FILTERS.items()),
)
@click.option("--provider", default="", help="Only who has an account there.")
@as_of_option
@format_option
@click.pass_context
def command(
    context: click.Context, filters: tuple[str, ...], provider: str, as_of: str | None, form: str
) -> None:
    """List people with their accounts everywhere, as they were matched at the end of the last run."""
    if context.invoked_subcommand is not None:
        return
    with Workspace.load(context.obj).reading() as record:
        must_be_collected_by(record, as_of)
        rows = (
            row
            for row in map(person_row, people(record, as_of))
            if all(_FILTERS[name][1](row) for name in filters)
            and (not provider or provider in (*row["directories"], *row["access"]))
        )
        print_rows(rows, _COLUMNS, form, empty="Nobody matches.")


@command.command("show")
@click.argument("person")
@as_of_option
@format_option
@click.pass_obj
def show(config: Path | None, person: str, as_of: str | None, form: str) -> None:
    """Show a person with every account and the evidence of each."""
    with Workspace.load(config).reading() as record:
        must_be_collected_by(record, as_of)
        body = person_body(_person(record, person, as_of))
    print_object(body, form, lambda: _say(body))


@command.command("resolve")
@click.argument("address")
@as_of_option
@format_option
@click.pass_obj
def resolve(config: Path | None, address: str, as_of: str | None, form: str) -> int:
    """Find a person by address, name or identifier, also where the store holds pseudonyms.

    Exits with 1 if nobody has it. Pseudonyms take the key of the store that is read.
    """
    from collectors.privacy import Pseudonyms
    from mappings.reading_accounts import one_form

    with Workspace.load(config).reading() as record:
        must_be_collected_by(record, as_of)
        pseudonym = Pseudonyms.of_store(record.redaction_key()).of(address)
        names = frozenset({one_form(address), one_form(pseudonym)})
        rows = [person_row(found) for found in people(record, as_of) if is_called(found, names)]
    if form == "table":
        print_rows(rows, _COLUMNS, form, empty=f"Nobody is known by {shown(address)} or {pseudonym}.")
    elif form == "json":
        print_json_array(rows)
    else:
        print_rows(rows, _COLUMNS, form)
    return int(ExitCode.COMPLETE if rows else ExitCode.USAGE)


def _person(record: Record, wanted: str, at: str | None) -> Document:
    for found in people(record, at):
        if found.id == wanted:
            return found
    raise StoreError(
        f"there is no person {wanted!r}",
        "`annexa people` lists them; `annexa people resolve ADDRESS` finds one.",
    )


def _say(body: Row) -> None:
    out = console()
    out.print(shown(f"{body['name']}\n{body['person']}\n"), markup=False)
    for key in ("left", "active", "admin_in", "mfa", "guest", "leaves_on", "last_used"):
        value = body[key]
        text = "not known" if value is None else ", ".join(value) if isinstance(value, list) else str(value)
        out.print(f"{key.replace('_', ' '):<12} {shown(text) or '-'}", markup=False)
    for name in body["ambiguous"]:
        out.print(f"{'shared':<12} {shown(name)}: others have it too, so it tells nobody apart", markup=False)
    for account in body["accounts"]:
        kind = "directory" if account["directory"] else "access"
        out.print(
            shown(f"\n{account['provider']} {account['scope']}  {account['label']}  ({kind})"), markup=False
        )
        for key in ("active", "admin", "mfa", "last_used", "leaves_on"):
            if key in account:
                value = "not known" if account[key] is None else account[key]
                out.print(shown(f"  {key.replace('_', ' '):<10} {value}"), markup=False)
        if account.get("deleted"):
            out.print("  its directory no longer has it", markup=False)
        for source in account["sources"]:
            out.print(shown(f"  {source['type']}  {source['id']}  {source['document'][:16]}"), markup=False)
