"""The migrations make exactly the tables that the program uses: what alembic check says, on both databases."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Integer, MetaData, Table, create_engine

from registry_server.storage import migrations
from tests.support.laid_out import laid_out


def differences(url: str, wanted: MetaData) -> list[object]:
    engine = create_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        found: list[object] = list(compare_metadata(context, wanted))
    engine.dispose()
    return found


def test_a_migrated_database_has_the_tables_of_the_program(database_url: str) -> None:
    assert differences(database_url, laid_out(database_url)) == []


def test_migrating_from_nothing_and_again_changes_nothing_more(empty_database_url: str) -> None:
    migrations.upgrade(empty_database_url)
    migrations.upgrade(empty_database_url)
    migrations.check(empty_database_url)
    assert differences(empty_database_url, laid_out(empty_database_url)) == []


def test_a_table_that_no_migration_makes_is_seen(database_url: str) -> None:
    wanted = laid_out(database_url)
    Table("forgotten", wanted, Column("id", Integer, primary_key=True))
    (difference,) = differences(database_url, wanted)
    assert "forgotten" in str(difference)
