"""The database file: what PostgreSQL guarantees by itself and SQLite does not."""

from functools import cache
from typing import Any

import sqlalchemy as sa

from store.database import migrate
from store.schema import HEAD, metadata
from store.verification.examination import Examination

_STATISTICS = {"sqlite_stat1", "sqlite_stat4"}


def check_file(x: Examination) -> None:
    """Check what PostgreSQL guarantees by itself and SQLite does not."""
    if x.connection.dialect.name != "sqlite":
        return
    for (message,) in x.connection.exec_driver_sql("PRAGMA integrity_check"):
        if message != "ok":
            x.problem("database", message)
    for table, rowid, parent, _ in x.connection.exec_driver_sql("PRAGMA foreign_key_check"):
        x.problem(f"{table} row {rowid}", f"refers to a row of {parent} that is not there")
    _check_schema(x)
    for table_ in metadata.sorted_tables:
        wrong = {column.name: _wrong_storage(column) for column in table_.columns}
        flags_of, any_of = ", ".join(wrong.values()), " OR ".join(wrong.values())
        rows = x.connection.exec_driver_sql(f'SELECT rowid, {flags_of} FROM "{table_.name}" WHERE {any_of}')
        for rowid, *flags in rows:
            names = ", ".join(name for name, flag in zip(wrong, flags, strict=True) if flag)
            x.problem(f"{table_.name} row {rowid}", f"holds values of another kind: {names}")


def _check_schema(x: Examination) -> None:
    made, ours = _schema(x.connection), _migrated()
    for kind, name in sorted(made.keys() | ours.keys()):
        if (kind, name) not in ours:
            x.problem(f"{kind} {name}", "is not of Annexa's schema")
        elif (kind, name) not in made:
            x.problem(f"{kind} {name}", "is gone")
        elif made[kind, name] != ours[kind, name]:
            x.problem(f"{kind} {name}", "is not made as Annexa's schema says")
    versions = list(x.connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalars())
    if versions != [HEAD]:
        x.problem("alembic_version", f"says {versions}, not {HEAD}")


def _schema(connection: sa.Connection) -> dict[tuple[str, str], tuple[str, str]]:
    """Return (type, name) → table and statement of everything in a database but SQLite's own statistics."""
    rows = connection.exec_driver_sql("SELECT type, name, tbl_name, sql FROM sqlite_master")
    return {(row[0], row[1]): (row[2], row[3]) for row in rows if row[1] not in _STATISTICS}


@cache
def _migrated() -> dict[tuple[str, str], tuple[str, str]]:
    engine = sa.create_engine("sqlite://")
    try:
        migrate(engine)
        with engine.connect() as connection:
            return _schema(connection)
    finally:
        engine.dispose()


def _wrong_storage(column: sa.Column[Any]) -> str:
    """Say in SQL that a value is not of its column's kind, which SQLite does not enforce."""
    name, more = f'"{column.name}"', ""
    kind = "text" if isinstance(column.type, sa.Text) else "integer"
    if isinstance(column.type, sa.Boolean):
        more = f" OR {name} NOT IN (0, 1)"
    elif isinstance(column.type, sa.LargeBinary):
        kind = "blob"
        if column.type.length is not None:
            more = f" OR length({name}) <> {column.type.length}"
    wrong = f"(typeof({name}) <> '{kind}'{more})"
    return f"({name} IS NOT NULL AND {wrong})" if column.nullable else wrong
