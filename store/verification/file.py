"""The database file: what PostgreSQL guarantees by itself and SQLite does not."""

from typing import Any

import sqlalchemy as sa

from store.schema import metadata
from store.verification.examination import Examination


def check_file(x: Examination) -> None:
    """Check what PostgreSQL guarantees by itself and SQLite does not."""
    if x.connection.dialect.name != "sqlite":
        return
    for (message,) in x.connection.exec_driver_sql("PRAGMA integrity_check"):
        if message != "ok":
            x.problem("database", message)
    for table, rowid, parent, _ in x.connection.exec_driver_sql("PRAGMA foreign_key_check"):
        x.problem(f"{table} row {rowid}", f"refers to a row of {parent} that is not there")
    made = {
        (kind, name)
        for kind, name in x.connection.exec_driver_sql("SELECT type, name FROM sqlite_master")
        if not name.startswith("sqlite_")
    }
    ours = {("table", table_.name) for table_ in metadata.sorted_tables} | {("table", "alembic_version")}
    ours |= {("index", str(index.name)) for table_ in metadata.sorted_tables for index in table_.indexes}
    for kind, name in sorted(made ^ ours):
        x.problem(f"{kind} {name}", "is not of Annexa's schema" if (kind, name) in made else "is gone")
    for table_ in metadata.sorted_tables:
        wrong = {column.name: _wrong_storage(column) for column in table_.columns}
        flags_of, any_of = ", ".join(wrong.values()), " OR ".join(wrong.values())
        rows = x.connection.exec_driver_sql(f'SELECT rowid, {flags_of} FROM "{table_.name}" WHERE {any_of}')
        for rowid, *flags in rows:
            names = ", ".join(name for name, flag in zip(wrong, flags, strict=True) if flag)
            x.problem(f"{table_.name} row {rowid}", f"holds values of another kind: {names}")


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
