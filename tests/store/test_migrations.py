"""Migrations make exactly the schema that the code reads, or nothing."""

from pathlib import Path
from typing import Any

import alembic.op
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

import store.database
from store.database import engine_for, migrate, schema_version
from store.errors import StoreError
from store.record import DATABASE, Record
from store.schema import HEAD, metadata


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return engine_for(tmp_path / "record.db")


def tables(engine: sa.Engine) -> set[str]:
    with engine.connect() as connection:
        return set(connection.exec_driver_sql("SELECT name FROM sqlite_master").scalars())


def test_the_migrated_schema_is_the_one_in_the_code(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_the_open_rows_are_unique_as_the_code_says(engine: sa.Engine) -> None:
    migrate(engine)
    made = sa.create_engine("sqlite://")
    metadata.create_all(made)
    query = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name"
    with engine.connect() as migrated, made.connect() as created:
        assert list(migrated.exec_driver_sql(query)) == list(created.exec_driver_sql(query))


def test_head_is_the_newest_script() -> None:
    folder = Path(store.database.__file__).parent / "migrations"
    assert ScriptDirectory(str(folder)).get_heads() == [HEAD]


def test_a_migrated_store_is_at_head(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.connect() as connection:
        assert schema_version(connection) == HEAD


def test_an_empty_file_has_no_schema(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        assert schema_version(connection) is None


def test_migrating_again_changes_nothing(engine: sa.Engine) -> None:
    migrate(engine)
    before = tables(engine)
    migrate(engine)
    assert tables(engine) == before


def break_migration(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_args: Any, **_more: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(alembic.op, "create_index", crash)


def test_a_crash_in_the_middle_leaves_nothing_half_made(
    engine: sa.Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_migration(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        migrate(engine)
    assert tables(engine) == set()


def test_after_a_crash_in_the_middle_the_next_writer_migrates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        break_migration(patched)
        with pytest.raises(KeyboardInterrupt), Record.writer(tmp_path):
            pass
    with Record.writer(tmp_path) as record:
        assert tables(record.engine) > set(metadata.tables)


def test_a_store_of_a_newer_version_is_refused_and_left_as_it_is(engine: sa.Engine, tmp_path: Path) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=f"schema 9999; this Annexa reads {HEAD}") as caught:
        migrate(engine)
    assert "upgrade Annexa" in caught.value.hint
    with engine_for(tmp_path / DATABASE).connect() as connection:
        assert schema_version(connection) == "9999"
