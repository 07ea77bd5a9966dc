"""What every other test relies on: a database of its own, of each kind, and empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import create_engine, inspect, text

if TYPE_CHECKING:
    from tests.conftest import DatabaseKind


def test_a_database_is_of_the_kind_asked_for_and_empty(empty_database_url: str, database_kind: DatabaseKind) -> None:
    engine = create_engine(empty_database_url)
    assert engine.dialect.name == database_kind
    assert inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE left_behind (id INTEGER)"))
    engine.dispose()


def test_what_another_test_wrote_is_not_seen(empty_database_url: str) -> None:
    engine = create_engine(empty_database_url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()
