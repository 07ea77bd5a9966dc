"""The migrations make exactly the tables that the code names, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from registry_server.storage import migrations, schema
from registry_server.storage.errors import MigrationNeededError, StorageError
from tests.support.laid_out import laid_out

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import DatabaseKind


def test_the_migrated_tables_are_those_of_the_schema(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, laid_out(database_url)) == []
    engine.dispose()


def test_check_constraints_are_those_of_the_schema(database_url: str) -> None:
    engine = create_engine(database_url)
    found = {
        str(constraint["name"])
        for table in schema.metadata.tables
        for constraint in inspect(engine).get_check_constraints(table)
    }
    engine.dispose()
    assert found == {"ck_head_one_row", "ck_tiles_tree_known", "ck_tiles_width"}


def test_every_constraint_and_index_has_a_name(database_url: str) -> None:
    engine = create_engine(database_url)
    inspector = inspect(engine)
    for table in schema.metadata.tables:
        assert inspector.get_pk_constraint(table)["name"] == f"pk_{table}"
        assert all(unique["name"] for unique in inspector.get_unique_constraints(table))
        assert inspector.get_foreign_keys(table) == []
    engine.dispose()


def test_upgrading_again_changes_nothing(database_url: str) -> None:
    migrations.upgrade(database_url)
    migrations.check(database_url)
    assert migrations.current(database_url) == migrations.newest()


def test_an_empty_database_needs_migration(empty_database_url: str) -> None:
    with pytest.raises(MigrationNeededError) as refused:
        migrations.check(empty_database_url)
    assert (refused.value.found, refused.value.want) == ("none", migrations.newest())


def test_a_database_of_another_version_is_refused(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(MigrationNeededError, match="9999"):
        migrations.check(database_url)


def test_what_is_no_database_gives_a_storage_error(tmp_path: Path, database_kind: DatabaseKind) -> None:
    path = tmp_path / "no-database"
    path.write_bytes(b"not a database at all, but long enough to be read as a header of one........" * 20)
    url = f"sqlite:///{path}" if database_kind == "sqlite" else f"postgresql+psycopg://nobody@/none?host={tmp_path}"
    with pytest.raises(StorageError):
        migrations.upgrade(url)
    with pytest.raises(StorageError):
        migrations.check(url)


def test_down_and_up_again(database_url: str) -> None:
    from alembic import command

    config = migrations._config(database_url)
    command.downgrade(config, "base")
    engine = create_engine(database_url)
    assert set(inspect(engine).get_table_names()) == {"alembic_version"}
    engine.dispose()
    migrations.upgrade(database_url)
    migrations.check(database_url)
