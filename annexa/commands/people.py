"""``annexa people``."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import click

from annexa.attribution import attribution_options
from annexa.exit_codes import ExitCode
from annexa.filters import known_provider
from annexa.moments import MOMENT, as_of_option, must_be_collected_by
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
from annexa.people_rows import is_called, people, people_matched, person_body, person_row
from annexa.progress import phase_display
from annexa.workspace import Workspace
from mappings.movements import CHANGES
from mappings.person import PERSON
from store.errors import StoreError
from store.instant import rfc3339
from store.model import Document
from store.record import Record

_NAMED = 5
"""How many people a notice names."""

_COLUMNS = (
    Column("name", "Name", fold=True),
    Column("directories", "Directories"),
    Column("access", "Access"),
    Column("active_in", "Active in"),
    Column("admin_in", "Administers"),
    Column("mfa", "MFA"),
    Column("left", "Left"),
)

_CHANGES = (
    Column("at", "Found at"),
    Column("name", "Name", fold=True),
    Column("change", "Change"),
    Column("provider", "Where"),
    Column("more", "", fold=True),
)


def _left(row: Row) -> bool | None:
    """Say whether somebody left; who was in no directory cannot leave any."""
    left: bool | None = row["left"]
    return False if row["in_directory"] is False else left


def _not(value: bool | None) -> bool | None:
    return None if value is None else not value


_FILTERS: dict[str, tuple[str, Callable[[Row], bool | None]]] = {
    "left": ("Who left every directory.", _left),
    "active": ("Who has an active account.", lambda row: row["active"]),
    "admin": ("Who administers something.", lambda row: bool(row["admin_in"]) or row["admin"]),
    "no-mfa": ("Who is known to have no second factor.", lambda row: _not(row["mfa"])),
    "orphan": ("Whom no directory knows.", lambda row: _not(row["in_directory"])),
    "ambiguous": ("Who cannot be told from others.", lambda row: bool(row["ambiguous"])),
}
"""Name → what it asks for, and its answer for a row: None is not known."""


@click.group(invoke_without_command=True)
@click.option(
    "--only",
    "filters",
    multiple=True,
    type=click.Choice(list(_FILTERS)),
    help="Only these; given several times, all must hold. "
    + " ".join(f"{name}: {text}" for name, (text, _) in _FILTERS.items()),
)
@click.option("--provider", default="", callback=known_provider, help="Only who has an account there.")
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
        matched = people_matched(record, as_of)
        unknown: list[str] = []
        # Closed before the record is, also where whoever reads the output has gone.
        with closing(people(record, as_of)) as found:
            rows = _chosen(map(person_row, found), filters, provider, unknown)
            nobody = (
                "Nobody matches."
                if matched
                else "Nobody was matched: no run has collected accounts to its end."
            )
            print_rows(rows, _COLUMNS, form, empty=nobody)
        if unknown:
            _notice(f"of {len(unknown)} more it is not known whether they match: {_some(unknown)}.")
        if matched is not None and not matched.complete:
            _notice("not all accounts could be read when people were matched; `annexa gaps` shows what.")
        _say_let_go(record, as_of)


def _chosen(
    rows: Iterable[Row], filters: tuple[str, ...], provider: str, unknown: list[str]
) -> Iterator[Row]:
    """Yield the rows of whom all filters hold, and fill ``unknown`` with those of whom nobody can tell."""
    for row in rows:
        if provider and provider not in (*row["directories"], *row["access"]):
            continue
        answers = [_FILTERS[name][1](row) for name in filters]
        if False in answers:
            continue
        if None in answers:
            unknown.append(row["name"])
        else:
            yield row


@command.command("show")
@click.argument("person")
@as_of_option
@format_option
@click.pass_obj
def show(config: Path | None, person: str, as_of: str | None, form: str) -> None:
    """Show a person with every account and the evidence of each.

    PERSON is an id, or an address or name that one person has.
    """
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
    with Workspace.load(config).reading() as record:
        must_be_collected_by(record, as_of)
        pseudonym, called = _called(record, address, as_of)
        rows = [person_row(found) for found in called]
        _say_let_go(record, as_of)
    if form == "table":
        print_rows(rows, _COLUMNS, form, empty=f"Nobody is known by {shown(address)} or {pseudonym}.")
    elif form == "json":
        print_json_array(rows)
    else:
        print_rows(rows, _COLUMNS, form)
    return int(ExitCode.COMPLETE if rows else ExitCode.USAGE)


@command.command("changes")
@click.option("--from", "since", type=MOMENT, required=True, help="A date (its end, in UTC) or a moment.")
@click.option("--to", "until", type=MOMENT, help="A date (its end, in UTC) or a moment.  [default: now]")
@click.option("--only", multiple=True, type=click.Choice(CHANGES), help="Only these; may be repeated.")
@format_option
@click.pass_obj
def changes(config: Path | None, since: str, until: str | None, only: tuple[str, ...], form: str) -> None:
    """List who joined, moved and left in a time, and who gained or lost access or administration.

    A change came about between the run that found it and the one before. Of somebody who left it is said
    where accounts were still active then, and when the last of them was found to have ended.
    """
    from annexa.people_changes import people_changes

    if until is not None and since > until:
        raise click.BadParameter("it must not be later than --to.", param_hint="--from")
    with Workspace.load(config).reading() as record:
        must_be_collected_by(record, since)
        found = people_changes(record, since, until)
        matched = people_matched(record, until)
    rows = [row for row in found.rows if not only or row["change"] in only]
    if form == "table":
        rows = [row | {"more": _more(row)} for row in rows]
    print_rows(rows, _CHANGES, form, empty="Nothing changed.")
    if matched is not None and not matched.complete:
        _notice("not all accounts could be read at the end of this time, so changes may be missing here.")
    if found.pruned:
        documents = "one former document" if found.pruned == 1 else f"{found.pruned} former documents"
        click.echo(
            f"annexa: retention let {documents} of people go; what was in it is not in this answer.", err=True
        )


@command.command("forget")
@click.argument("person")
@attribution_options("Why; it stays in the log.", "Who answers for it; it stays in the log.")
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@format_option
@click.pass_obj
def forget(config: Path | None, person: str, reason: str, by: str, dry_run: bool, form: str) -> int:
    """Let go, before their time, of documents that hold a person whom no provider has any more.

    Hashes, ids, intervals and the log stay, so that the record still verifies. It is refused while a
    provider still has an account of the person's own, and while a hold is in force.
    """
    from store.persons_evidence import held_of
    from store.prune import prune

    with Workspace.load(config).writing(existing=True) as record, phase_display() as progress:
        held = held_of(record, PERSON, person)
        if not held.only.documents and not held.current:
            raise StoreError(f"there never was a person {person!r}", "`annexa people resolve` finds one.")
        if (PERSON, person) in held.current:
            still = ", ".join(f"{kind} {name}" for kind, name in held.current if kind != PERSON)
            raise StoreError(
                f"{person} still has accounts: {still or 'see annexa people show'}",
                "Remove them at the providers, and collect again.",
            )
        before = rfc3339(record.clock() - dt.timedelta(milliseconds=1))
        done = prune(record, before, reason, by, dry_run=dry_run, only=held.only, progress=progress)
        if done.entry is not None:
            done.notices += record.publish()
    # Documents of several people, such as a policy, which others are still in.
    kept = [{"resource_type": kind, "resource_id": name} for kind, name in held.current]
    row = {
        "person": person,
        "entry": done.entry,
        "documents": done.documents,
        "findings": done.findings,
        "removed": done.removed,
        "current": kept,
        "dry_run": dry_run,
        "notices": done.notices,
    }
    print_object(row, form, lambda: _say_forgotten(row))
    return int(ExitCode.COMPLETE)


def _notice(text: str) -> None:
    click.echo(f"annexa: {shown(text)}", err=True)


def _say_forgotten(row: Row) -> None:
    if not row["removed"]:
        click.echo(f"Nothing that has ended holds {shown(row['person'])} any more.")
    else:
        verb = "Would let go" if row["dry_run"] else "Let go"
        click.echo(f"{verb} of {row['documents']} documents and what decided {row['findings']} findings.")
    if row["entry"] is not None:
        click.echo(f"Log entry {row['entry']}. Ids and names of resources stay: see docs/privacy.md.")
    for notice in row["notices"]:
        click.echo(f"annexa: {shown(notice)}", err=True)


def _say_let_go(record: Record, at: str | None) -> None:
    """Say of the past that it had people of whom retention let go since."""
    from store.persons_evidence import let_go

    gone = let_go(record, PERSON, at) if at is not None else {}
    if gone:
        why = _some(sorted(set(gone.values())))
        _notice(f"{len(gone)} more who were known then are not in this answer: {why}.")


def _some(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _more(row: Row) -> str:
    if row["change"] == "moved":
        return f"{row['from'] or 'no department'} → {row['to'] or 'no department'}"
    if row["change"] != "left" or not row["active_in"]:
        return ""
    ended = f"until {row['access_ended']}" if row["access_ended"] else "and no end of that was found"
    return f"still active in {', '.join(row['active_in'])}, {ended}"


def _called(record: Record, address: str, at: str | None) -> tuple[str, list[Document]]:
    """Return the pseudonym of an address or name, and who is known by either."""
    from collectors.privacy import Pseudonyms
    from mappings.reading_accounts import one_form

    pseudonym = Pseudonyms.of_store(record.redaction_key()).of(address)
    names = frozenset({one_form(address), one_form(pseudonym)})
    return pseudonym, [found for found in people(record, at) if is_called(found, names)]


def _person(record: Record, wanted: str, at: str | None) -> Document:
    from store.persons_evidence import let_go

    for found in people(record, at):
        if found.id == wanted:
            return found
    if (why := let_go(record, PERSON, at).get(wanted)) is not None:
        raise StoreError(f"of {wanted} nothing is kept any more: {why}", "An older backup may still hold it.")
    if ended := _ended(record, wanted):
        raise StoreError(
            f"no account has been matched to {wanted} since {ended}",
            "`annexa people changes` lists what happened; `--as-of` a moment before then shows the person.",
        )
    _, called = _called(record, wanted, at)
    if len(called) > 1:
        ids = ", ".join(found.id for found in called)
        raise StoreError(f"{len(called)} people are known by {wanted!r}", f"Give the id of one: {ids}.")
    if called:
        return called[0]
    raise StoreError(
        f"there is no person {wanted!r}",
        "`annexa people` lists them; `annexa people resolve ADDRESS` finds one.",
    )


def _ended(record: Record, person: str) -> str:
    """Return since when there is nothing to be matched to a person; "" if there never was such a person."""
    from store.history import history

    try:
        versions = [version for found in history(record, f"{PERSON}/{person}") for version in found]
    except StoreError:
        return ""
    return versions[-1].ended or ""


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
