"""How many findings there are, without reading each: what a status is worked out from."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import orjson
import sqlalchemy as sa

from store import moment
from store.model import Outcome
from store.query import check_bodies
from store.record import Record


@dataclass(frozen=True, slots=True)
class Tally:
    """How many findings of one check came to one outcome in one series.

    Attributes:
        resource_id: the resource, if it was asked to be counted apart; else "".
        last_seen: when the series was last collected.
    """

    check: str
    check_body: dict[str, Any]
    outcome: Outcome
    provider: str
    scope: str
    resource_type: str
    last_seen: str
    number: int
    resource_id: str = ""


_TALLIES = """{last}
SELECT k.check_id, k.digest, n.outcome, s.provider, s.external_id AS scope, e.resource_type,
       l.finished AS last_seen, n.number, n.apart
FROM ({counts}) n
JOIN last ON last.series_id = n.series_id
JOIN collection l ON l.id = last.id
JOIN series e ON e.id = last.series_id
JOIN scope s ON s.id = e.scope_id
JOIN check_applied k ON k.id = n.check_pk
"""

_STANDING = """SELECT r.series_id, f.check_pk, f.outcome, count(*) AS number, {apart} AS apart
FROM last JOIN resource r ON r.series_id = last.series_id
JOIN finding f ON f.resource_pk = r.id AND {finding}
GROUP BY r.series_id, f.check_pk, f.outcome, apart"""

_STOOD_THEN = """SELECT c.series_id, x.check_pk, x.outcome, sum(x.number) AS number, '' AS apart
FROM (SELECT opened AS at, check_pk, outcome, count(*) AS number FROM finding
      WHERE opened <= (SELECT max(id) FROM last) GROUP BY opened, check_pk, outcome
      UNION ALL
      SELECT closed, check_pk, outcome, -count(*) FROM finding
      WHERE closed <= (SELECT max(id) FROM last) GROUP BY closed, check_pk, outcome) x
JOIN collection c ON c.id = x.at JOIN last ON last.series_id = c.series_id AND x.at <= last.id
GROUP BY c.series_id, x.check_pk, x.outcome HAVING sum(x.number) > 0"""
"""What was opened less what was closed: it is counted in indexes, without reading a finding."""

_APART = """CASE WHEN f.outcome = 'fail' AND (f.check_id, r.resource_id) IN
(SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]') FROM json_each(:apart))
THEN r.resource_id ELSE '' END"""


def tallies(
    record: Record, at: str | None = None, apart: Collection[tuple[str, str]] = ()
) -> Iterator[Tally]:
    """Yield how many findings of each check and outcome stand in each series.

    Args:
        apart: (check, resource id) of which a failure is counted by itself.
    """
    counts = (
        _STANDING.format(finding=moment.standing("f", at), apart=_APART if apart else "''")
        if at is None or apart
        else _STOOD_THEN
    )
    query = _TALLIES.format(last=moment.last(at), counts=counts)
    values = moment.bound(at) | ({"apart": orjson.dumps(list(apart)).decode()} if apart else {})
    with record.engine.connect() as connection:
        bodies = check_bodies(record, connection)
        for row in connection.execute(sa.text(query), values):
            yield Tally(
                check=row.check_id,
                check_body=bodies[row.digest],
                outcome=Outcome(row.outcome),
                provider=row.provider,
                scope=row.scope,
                resource_type=row.resource_type,
                last_seen=row.last_seen,
                number=row.number,
                resource_id=row.apart,
            )
