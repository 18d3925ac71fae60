"""Moments: which collections a question about then or now rests on.

The state at a moment is the state after the last collection of each series that had finished by
then. Which one is last the log's order says, and not the clock: if a clock was set back, what was
acknowledged afterwards replaces what was acknowledged before, from the moment that it states. So a
later moment never shows less of the log than an earlier one, and the present always shows all of it.
"""

from typing import Any

import sqlalchemy as sa

from store.schema import collection

_LAST_OF = (
    sa.select(collection.c.id)
    .where(collection.c.series_id == sa.bindparam("series"))
    .order_by(collection.c.id.desc())
    .limit(1)
)
_LAST_OF_BY = _LAST_OF.where(collection.c.finished <= sa.bindparam("at"))


def _last_by(at: str | None, name: str = "at") -> str:
    if at is None:
        return "SELECT max(c.id) FROM collection c WHERE c.series_id = x.id"
    return f"""SELECT c.id FROM collection c WHERE c.series_id = x.id AND c.finished <= :{name}
               ORDER BY c.id DESC LIMIT 1"""


def last(at: str | None) -> str:
    """Return a ``WITH`` clause for ``last``: (series_id, id) of each series' last collection by then.

    Args:
        at: RFC 3339 in UTC with milliseconds, as the record writes it; None is now.
    """
    return f"WITH last AS MATERIALIZED (SELECT x.id AS series_id, ({_last_by(at)}) AS id FROM series x)"


def standing(rows: str, at: str | None) -> str:
    """Return the condition under which an interval row stood; ``last`` must be joined."""
    if at is None:
        return f"{rows}.closed IS NULL"  # has an index
    return f"({rows}.opened <= last.id AND ({rows}.closed IS NULL OR {rows}.closed > last.id))"


def bound(at: str | None) -> dict[str, Any]:
    """Return the values that the clauses of this module need."""
    return {} if at is None else {"at": at}


def last_ids(at: str | None) -> sa.TextClause:
    """Return a query for the ids of each series' last collection by then."""
    return sa.text(f"{last(at)} SELECT id FROM last").bindparams(**bound(at))


def last_by_series(connection: sa.Connection, at: str | None) -> dict[int, int]:
    """Return series → its last collection by then; series that had none are left out."""
    rows = connection.execute(
        sa.text(f"{last(at)} SELECT series_id, id FROM last WHERE id IS NOT NULL"), bound(at)
    )
    return {int(row.series_id): int(row.id) for row in rows}


def last_of(connection: sa.Connection, series_pk: int, at: str | None) -> int | None:
    """Return the last collection of one series by then, or None if it had none."""
    values = {"series": series_pk} if at is None else {"series": series_pk, "at": at}
    found = connection.execute(_LAST_OF if at is None else _LAST_OF_BY, values).scalar()
    return None if found is None else int(found)


def news(until: str | None) -> str:
    """Return a ``WITH`` clause for ``news``: (series_id, low, high) of each series that went on between.

    These are its last collection by ``since`` and by ``until``. For a series that had none by ``since``
    the former is a number just below its first.

    Args:
        until: as :func:`last` takes it.
    """
    return f"""WITH news AS MATERIALIZED (SELECT * FROM (
        SELECT x.id AS series_id, ({_last_by(until, "until")}) AS high, coalesce(
            ({_last_by("", "since")}),
            (SELECT min(c.id) - 1 FROM collection c WHERE c.series_id = x.id)) AS low
        FROM series x) bounds WHERE low < high)"""


def between(since: str, until: str | None) -> dict[str, Any]:
    """Return the values that :func:`news` needs."""
    return {"since": since} if until is None else {"since": since, "until": until}
