"""Opening the database: SQLite in WAL mode with one writer; schema by Alembic."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from filelock import FileLock, Timeout

from store.errors import BusyError, StoreError
from store.schema import HEAD

_MIGRATIONS = Path(__file__).parent / "migrations"
_NO_SPACE = "database or disk is full"


def engine_for(path: Path, *, read_only: bool = False) -> sa.Engine:
    """Return an engine on a SQLite file.

    pysqlite's own transaction handling would leave half-made tables behind a crashed
    migration, so it is switched off and every transaction begins with ``BEGIN IMMEDIATE``.
    """
    mode = "rwc"
    if read_only:
        # In a folder that it may not write, SQLite cannot make the files that it shares with a writer;
        # where none are there, nobody is writing.
        alone = not os.access(path.parent, os.W_OK) and not Path(f"{path}-wal").exists()
        mode = "ro&immutable=1" if alone else "ro"
    engine = sa.create_engine(
        f"sqlite:///file:{quote(str(path))}?mode={mode}&uri=true",
        poolclass=sa.pool.StaticPool,
        connect_args={"check_same_thread": False},
    )

    @sa.event.listens_for(engine, "connect")
    def _configure(connection: Any, _record: Any) -> None:
        connection.isolation_level = None
        pragmas = ["busy_timeout=5000", "foreign_keys=on", "temp_store=file", "cache_size=-16384"]
        if not read_only:
            pragmas += ["journal_mode=wal", "synchronous=full"]
        try:
            for pragma in pragmas:
                connection.execute(f"pragma {pragma}")
        except UnicodeDecodeError as error:
            # SQLite's message quotes what it stumbled over, which need not be text.
            raise sqlite3.DatabaseError("database disk image is malformed") from error

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")

    return engine


def schema_version(connection: sa.Connection) -> str | None:
    """Return the migration that the store is at, or None for an empty file."""
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    version = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return None if version is None else str(version)


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to the newest version, in one transaction.

    Raises:
        StoreError: the store was written by a newer Annexa.
    """
    with engine.begin() as connection:
        current = schema_version(connection)
        if current == HEAD:
            return
        # Loading Alembic takes longer than most commands; only a migration needs it.
        from alembic import command
        from alembic.config import Config
        from alembic.script import ScriptDirectory

        known = {script.revision for script in ScriptDirectory(str(_MIGRATIONS)).walk_revisions()}
        if current is not None and current not in known:
            raise newer_schema(current)
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def newer_schema(version: str | None) -> StoreError:
    """Say that the schema is not the one that this version reads."""
    return StoreError(
        f"the store has schema {version or 'none'}; this Annexa reads {HEAD}",
        "If it was written by a newer version, upgrade Annexa; if by an older one, run `annexa collect`.",
    )


@contextmanager
def writer_lock(path: Path) -> Iterator[None]:
    """Hold the right to write; SQLite stores have one writer at a time.

    Raises:
        BusyError: another process is writing.
    """
    lock = FileLock(f"{path}.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise BusyError(
            f"{path} is being written by another Annexa process", "Wait until it has finished."
        ) from error
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield
    finally:
        lock.release()


@contextmanager
def store_errors(path: Path) -> Iterator[None]:
    """Turn the database's errors into errors for people."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        raise _explained(path, error.orig) from error
    except sqlite3.Error as error:
        raise _explained(path, error) from error


def unwritable(path: Path, error: OSError) -> StoreError:
    """Say that the store's folder refuses to be written."""
    return StoreError(
        f"the store at {path} cannot be written: {error.strerror or error}",
        "Give the user that runs Annexa write access to the folder, or set [store] path.",
    )


def _explained(path: Path, error: BaseException | None) -> StoreError:
    text = str(error)
    if _NO_SPACE in text:
        hint = "Free some space and run again; what was acknowledged is safe."
    elif "readonly" in text or "unable to open" in text:
        hint = "Give the user that runs Annexa write access to the file and its folder."
    elif "malformed" in text or "not a database" in text:
        hint = "Restore the store from a backup, and keep the damaged file for inspection."
    else:
        hint = "Run `annexa verify` to see whether the store is whole."
    return StoreError(f"the store at {path} failed: {text}", hint)
