"""Who has which accounts, worked out at the end of a run from what the record last knew of all providers."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mappings.account import AccountDefinition
from mappings.people import Person, match
from mappings.person import PERSON, PROVIDER, SCOPE, Sides, deleted_accounts, document
from mappings.reading_accounts import Account, Known, Place, read_accounts
from store import query
from store.instant import rfc3339
from store.model import Document, Report, Scope
from store.record import Record


@dataclass(frozen=True, slots=True)
class Matched:
    """The people, and how far what they were matched from was read.

    Attributes:
        documents: one for each of the people; they are made as they are taken, and only once.
        unread: why not everybody may be there, in words; "" where everything was read.
    """

    scope: Scope
    documents: Iterator[Document]
    report: Report
    unread: str


def match_people(
    record: Record, definitions: Sequence[AccountDefinition], now: dt.datetime, fresh_for: dt.timedelta
) -> Matched | None:
    """Match the accounts of all providers to people.

    What was not selected for this run counts as it was last known.

    Args:
        fresh_for: a list that was last read longer ago counts as not read: nobody collects it any more.

    Returns:
        None where nothing that tells of accounts was ever collected.
    """
    started = rfc3339(record.clock())
    wanted = {definition.type for definition in definitions}
    read = [row for row in query.latest_collections(record) if row.resource_type in wanted]
    telling = {row.resource_type for row in read}
    if telling.isdisjoint(each.type for each in definitions if each.kind != "facts"):
        return None
    stale_before = rfc3339(now - fresh_for)
    unread = {
        (row.provider, row.scope, row.resource_type)
        for row in read
        if not row.complete or row.finished < stale_before
    }
    documents = {kind: _documents(record, kind) for kind in telling}
    accounts = read_accounts(definitions, documents, now, unread)
    incomplete = {kind for _, _, kind in unread} | accounts.untold
    of_kind = {definition.type: definition.kind for definition in definitions}
    directories = {kind for kind in telling if of_kind[kind] == "directory"}
    access = {kind for kind in telling if of_kind[kind] == "account"}
    sides = Sides(
        directories=bool(directories) and directories.isdisjoint(incomplete),
        access=access.isdisjoint(incomplete),
    )
    everybody = match([*accounts.found.values(), *_gone(record, accounts.found)])
    people = [person for person in everybody if _counts(person)]
    at = rfc3339(record.clock())
    report = Report(
        complete=not incomplete,
        started=started,
        finished=at,
        provenance={
            "collector": {"name": PROVIDER, "version": "1"},
            "unread": sorted(incomplete),
            "matched_from": [
                {
                    "provider": row.provider,
                    "scope": row.scope,
                    "region": row.region,
                    "type": row.resource_type,
                    "complete": row.complete,
                    "entry": row.seq,
                }
                for row in sorted(
                    read, key=lambda row: (row.provider, row.scope, row.resource_type, row.region)
                )
            ],
        },
    )
    unread_reason = f"not all accounts could be read: {', '.join(sorted(incomplete))}" if incomplete else ""
    documents_of_people = (document(person, sides) for person in people)
    return Matched(Scope(PROVIDER, SCOPE, "Everyone"), documents_of_people, report, unread_reason)


def _documents(record: Record, kind: str) -> Iterable[Known]:
    return (Known(*found) for found in query.standing_documents(record, kind))


def _gone(record: Record, found: Mapping[Place, Account]) -> list[Account]:
    """Return the directory accounts that people were last known to have and that are no longer there.

    One stays as long as something else that is there may be the same person's.
    """
    waiting = [
        account
        for _, _, person, _ in query.standing_documents(record, PERSON)
        for account in deleted_accounts(person.content)
        if account.place not in found
    ]
    gone: list[Account] = []
    names = {name for account in found.values() if not account.directory for name in account.names}
    while linked := [account for account in waiting if not names.isdisjoint(account.names)]:
        gone += linked
        waiting = [account for account in waiting if names.isdisjoint(account.names)]
        names = set().union(*(account.names for account in linked))
    return gone


def _counts(person: Person) -> bool:
    """Say whether there is more than accounts that are gone, or something that may have been theirs."""
    return bool(person.access or person.ambiguous) or any(not each.deleted for each in person.directory)
