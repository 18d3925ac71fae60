"""Every version that a resource has had, with the time that it held."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from store import moment
from store.evidence import last_that_saw, named, read_document, unknown
from store.json_changes import Change, changes
from store.model import Document
from store.record import Record
from store.schema import collection, content


@dataclass(frozen=True, slots=True)
class Version:
    """A resource as it was from one collection to another.

    Attributes:
        hash: SHA-256 of the document's canonical form.
        first_seen, last_seen: by the first and the last collection that saw it so.
        ended: when it was found to be otherwise, or "" if it still holds.
        end: ``changed`` or ``gone``, or "" if it still holds.
        returned: whether the resource had been gone before.
        changes: against the version before, also where it was gone in between; None where it is not
            known, because retention let one of the two go.
        opened, closed: the collections that found it so and otherwise.
        pruned: when and why retention let the document go, or ""; it has no content, then.
    """

    document: Document
    provider: str
    scope: str
    hash: str
    first_seen: str
    last_seen: str
    ended: str
    end: str
    returned: bool
    changes: tuple[Change, ...] | None
    opened: int
    closed: int | None
    pruned: str = ""


def history(record: Record, wanted: str) -> list[list[Version]]:
    """Return every version of the resources that match, oldest first, one list a resource.

    Args:
        wanted: as :func:`store.evidence.evidence` takes it.

    Raises:
        StoreError: nothing matches.
    """
    found = []
    with record.engine.connect() as connection:
        for resource in named(connection, wanted):
            versions = list(_versions(record, connection, resource))
            if versions:
                found.append(versions)
    if not found:
        raise unknown(wanted)
    return found


def _versions(record: Record, connection: sa.Connection, resource: Any) -> Iterator[Version]:
    began, ended = collection.alias(), collection.alias()
    query = (
        sa.select(content, began.c.finished.label("first_seen"), ended.c.finished.label("ended"))
        .join(began, began.c.id == content.c.opened)
        .outerjoin(ended, ended.c.id == content.c.closed)
        .where(content.c.resource_pk == resource.id)
        .order_by(content.c.opened)
    )
    rows = connection.execute(query).all()
    newest = moment.last_of(connection, resource.series_id, None)
    before: dict[str, Any] | None = None
    for number, row in enumerate(rows):
        last = newest if row.closed is None else row.closed - 1
        assert last is not None, "a version is opened by a collection"
        follows = rows[number + 1].opened if number + 1 < len(rows) else None
        doc, pruned = read_document(record, connection, resource, row)
        payload = None if pruned else doc.payload()
        yield Version(
            document=doc,
            provider=resource.provider,
            scope=resource.scope,
            hash=row.hash.hex(),
            first_seen=row.first_seen,
            last_seen=last_that_saw(record, connection, resource, last).finished,
            ended=row.ended or "",
            end="" if row.closed is None else "changed" if follows == row.closed else "gone",
            returned=number > 0 and rows[number - 1].closed != row.opened,
            changes=() if not number else _changes(before, payload),
            opened=row.opened,
            closed=row.closed,
            pruned=pruned,
        )
        before = payload


def _changes(before: dict[str, Any] | None, after: dict[str, Any] | None) -> tuple[Change, ...] | None:
    return None if before is None or after is None else tuple(changes(before, after))
