"""Waits for PostgreSQL end: of an answer that comes byte by byte, and of many quick answers."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import psycopg
import pytest
from sqlalchemy import make_url
from sqlalchemy.exc import OperationalError

from registry_server.serving.answered import AnsweredConnection, answers_within
from registry_server.serving.postgresql import postgresql_engine
from registry_server.storage.errors import StorageError, StorageFault
from registry_server.storage.unit_of_work import Database
from tests.conftest import postgres_database
from tests.support.stalling import stall

if TYPE_CHECKING:
    from collections.abc import Iterator

SECONDS = 1.0


@pytest.fixture(scope="module")
def server_url(postgres_url: str, postgres_template: str) -> Iterator[str]:
    with postgres_database(postgres_url, template=postgres_template) as url:
        yield url


def test_an_answer_that_comes_byte_by_byte_is_given_up(server_url: str) -> None:
    """Within some minutes it would be whole: there is always something to read."""
    with stall(server_url) as between:
        engine = postgresql_engine(make_url(between.url), "test", {}, answer_seconds=SECONDS)
        with engine.connect() as connection:
            raw = connection.connection.driver_connection
            between.drip()
            with pytest.raises(OperationalError) as failed:
                connection.exec_driver_sql("SELECT repeat('x', 2000)")
        assert failed.value.connection_invalidated
        assert isinstance(raw, AnsweredConnection)
        assert raw.closed
        engine.dispose()


def test_a_snapshot_of_many_quick_answers_is_given_up(server_url: str) -> None:
    with Database(server_url, serving=False, answer_seconds=SECONDS) as database:

        def read_on() -> None:
            with database.snapshot() as work:
                for _ in range(60):
                    work.connection.exec_driver_sql("SELECT pg_sleep(0.5)")

        with pytest.raises(StorageError) as failed:
            read_on()
        assert failed.value.fault is StorageFault.GONE
        # Each has its own time.
        for _ in range(2):
            with database.snapshot() as work:
                work.connection.exec_driver_sql(f"SELECT pg_sleep({SECONDS * 0.6})")


def test_what_is_asked_in_a_block_has_one_time_together(server_url: str) -> None:
    engine = postgresql_engine(make_url(server_url), "test", {}, answer_seconds=60)
    with closing(engine.raw_connection()) as raw, closing(raw.cursor()) as cursor, answers_within(SECONDS):

        def ask_on() -> None:
            for _ in range(60):
                cursor.execute("SELECT pg_sleep(0.5)")

        with pytest.raises(psycopg.OperationalError):
            ask_on()
        # Nor does it connect anew.
        with pytest.raises(OperationalError, match="no time is left"):
            engine.connect()
    engine.dispose()
