"""Which documents hold one person, and of whom retention let the document go."""

from dataclasses import dataclass

import orjson
import sqlalchemy as sa

from store import moment
from store.prune import Only
from store.record import Record
from store.retention import PrunedError, entries_that_let_go, removals


@dataclass(frozen=True, slots=True)
class Held:
    """What holds a person.

    Attributes:
        only: what may be let go, where it has ended.
        current: (resource type, id) of what the providers still had when they were last read.
    """

    only: Only
    current: tuple[tuple[str, str], ...]


_VERSIONS = sa.text(
    """SELECT r.id, c.hash, c.closed IS NULL AS current FROM resource r
       JOIN series e ON e.id = r.series_id AND e.resource_type = :type
       JOIN content c ON c.resource_pk = r.id WHERE r.resource_id = :id"""
)


def held_of(record: Record, person_type: str, person: str) -> Held:
    """Find what holds a person, or ever did.

    A document of several people, such as a policy, is held by each of them: its versions that have ended
    are the person's too.

    Args:
        person_type: the resource type of people, whose documents name their ``sources``.
        person: the person's id.
    """
    documents: set[bytes] = set()
    resources: set[int] = set()
    current: list[tuple[str, str]] = []
    with record.engine.connect() as connection:
        record.blobs.load(connection)
        wanted = {(person_type, person)}
        for row in connection.execute(_VERSIONS, {"type": person_type, "id": person}).all():
            try:
                content = orjson.loads(record.blobs.get(connection, row.hash))["content"]
            except PrunedError:
                continue
            wanted |= {
                (source["type"], source["id"])
                for side in ("directory", "access")
                for account in content[side]
                for source in account["sources"]
            }
        for kind, name in sorted(wanted):
            for row in connection.execute(_VERSIONS, {"type": kind, "id": name}):
                resources.add(row.id)
                if not row.current:
                    documents.add(row.hash)
                elif (kind, name) not in current:
                    current.append((kind, name))
    return Held(Only(frozenset(documents), frozenset(resources)), tuple(current))


def let_go(record: Record, person_type: str, at: str | None = None) -> dict[str, str]:
    """Return who stood at a moment, but whose document retention let go since: id → when and why.

    Args:
        person_type: the resource type of people.
        at: the moment as :mod:`store.query` takes it; None is now.

    Raises:
        StoreError: an entry of the log is damaged.
    """
    query = sa.text(
        f"""{moment.last(at)}
            SELECT r.resource_id, c.hash FROM last
            JOIN series e ON e.id = last.series_id AND e.resource_type = :type
            JOIN resource r ON r.series_id = e.id
            JOIN content c ON c.resource_pk = r.id AND {moment.standing("c", at)}
            WHERE NOT EXISTS (SELECT 1 FROM blob b WHERE b.hash = c.hash)
            ORDER BY r.resource_id"""
    )
    with record.engine.connect() as connection:
        gone = connection.execute(query, {"type": person_type, **moment.bound(at)}).all()
        if not gone:
            return {}
        entries = entries_that_let_go(connection, (row.hash for row in gone))
        why = {removal.entry: str(removal) for removal in removals(connection, record.blobs)}
    unexplained = "it is not there, and no log entry says why"
    return {row.resource_id: why.get(entries.get(row.hash, -1), unexplained) for row in gone}
