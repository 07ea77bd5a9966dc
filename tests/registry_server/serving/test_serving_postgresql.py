"""PostgreSQL straight and through a real pooler in transaction mode: no session is trusted to stay the same."""

from __future__ import annotations

import gc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url, text

from client_sdk.kernel.formats.checkpoint import Checkpoint
from client_sdk.kernel.formats.words import KeyUse
from registry_server.serving.database_url import is_database_url
from registry_server.storage import migrations, schema
from registry_server.storage.driver import select_in, upsert
from registry_server.storage.errors import LimitsError, StorageError, StorageFault
from registry_server.storage.register import DatabaseRegister
from registry_server.storage.unit_of_work import Database
from registry_server.subject_key_service.request_log import RequestLog, drop_log
from tests.conftest import postgres_database
from tests.postgres_server import postgres_server
from tests.support.pooler import pooler
from tests.support.registry_world import World, accept
from tests.support.reverification import reverify
from tests.support.standby import Server, standby
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITERS = 10
NOTICED = {
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
COMMITS = 40


@pytest.fixture(scope="module")
def server_url(postgres_url: str, postgres_template: str) -> Iterator[str]:
    with postgres_database(postgres_url, template=postgres_template) as url:
        yield url


@pytest.fixture(scope="module")
def through_pooler(server_url: str) -> Iterator[str]:
    with pooler(server_url) as url:
        yield url


@pytest.fixture
def pooled_url(through_pooler: str) -> str:
    return f"{through_pooler}?pooler=transaction"


def quota(writer: int, count: int) -> tuple[str, str, str, int]:
    return f"lender-{writer}", "INQUIRE", "2026-11-28", count


def write(url: str, writer: int) -> int:
    """Commit a writer's counts one after the other and read each back, in transactions of their own."""
    with Database(url) as database:
        for count in range(1, COMMITS + 1):
            with database.append() as work:
                upsert(work, schema.quotas, [quota(writer, count)])
                work.commit()
            with database.snapshot() as work:
                names = ("institution", "what", "day")
                key = [schema.quotas.c[name] for name in names]
                rows = select_in(work, "SELECT used FROM quotas", key, [quota(writer, 0)[:3]])
                assert rows == [(count,)]
    return COMMITS


@pytest.mark.pooler
def test_ten_writers_commit_through_a_pooler_of_three_sessions(pooled_url: str, server_url: str) -> None:
    with ThreadPoolExecutor(WRITERS) as threads:
        assert sum(threads.map(lambda writer: write(pooled_url, writer), range(WRITERS))) == WRITERS * COMMITS
    with Database(server_url) as database, database.append() as work:
        work.connection.execute(schema.quotas.delete())
        work.commit()


@pytest.mark.pooler
def test_limits_are_in_force_in_every_transaction_and_in_no_foreign_one(pooled_url: str, through_pooler: str) -> None:
    with Database(pooled_url, patience_ms=1_234) as database:
        database.check_primary()
        with database.append() as first:
            for _ in range(2):
                assert first.connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "1234ms"
                first.renew()
        with database.snapshot() as read:
            assert read.connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "1234ms"
    plain = migrations._engine(make_url(through_pooler))
    with plain.connect() as connection:
        assert connection.exec_driver_sql("SHOW lock_timeout").scalar_one() == "0"
    plain.dispose()


@pytest.mark.pooler
def test_a_registry_is_founded_and_reports_are_logged_through_a_pooler(postgres_url: str) -> None:
    with postgres_database(postgres_url) as url, pooler(url) as through:
        pooled = f"{through}?pooler=transaction"
        migrations.upgrade(pooled)
        migrations.check(pooled)
        world = World()
        with world.ledger(pooled) as ledger:
            for number in range(20):
                accept(ledger, world.report("lender-1", f"loan {number}"))
            assert ledger.database.purge([schema.live_records])
        reverify(url)


@pytest.mark.pooler
def test_a_register_moves_through_a_pooler(pooled_url: str) -> None:
    first, second = (Checkpoint("registry.example/log/1", size, bytes(32)) for size in (1, 2))
    register = DatabaseRegister(pooled_url, first.origin)
    assert register.create(first) == first
    assert register.move(first, second) == second
    assert register.read() == second
    register.close()


@pytest.mark.pooler
def test_a_key_service_keeps_its_log_through_a_pooler(pooled_url: str) -> None:
    log = RequestLog(pooled_url)
    try:
        assert [log.used("lender-1", KeyUse.REPORT, "2026-11-28") for _ in range(10)] == [0] * 10
    finally:
        log.close()
        assert drop_log(pooled_url)


@pytest.mark.pooler
def test_a_pooler_that_drops_limits_in_silence_is_found(server_url: str) -> None:
    with pooler(server_url, ignore="options") as url, Database(url) as database, pytest.raises(LimitsError) as failed:
        database.check_primary()
    assert str(failed.value).startswith("the database's limits are not in force: lock_timeout is 0 ms, want 10000")
    assert "?pooler=transaction" in str(failed.value)


@pytest.mark.pooler
def test_a_pooler_that_is_not_named_is_refused_with_what_to_do(through_pooler: str) -> None:
    with pytest.raises(StorageError) as failed, Database(through_pooler) as database:
        database.check_primary()
    assert failed.value.fault is StorageFault.GONE
    assert str(failed.value).endswith(
        "unsupported startup parameter: options; behind PgBouncer let the URL say ?pooler=transaction"
    )


@pytest.mark.pooler
def test_no_registry_is_destroyed_through_a_pooler_that_hides_who_uses_it(pooled_url: str) -> None:
    with pytest.raises(StorageError, match="--database-url of the server itself"), Database(pooled_url) as database:
        database.others()


@pytest.mark.parametrize(
    ("url", "accepted"),
    [
        ("postgresql+psycopg://user@host/database?pooler=transaction", True),
        ("postgresql+psycopg://user@/database?host=a:1&host=b:2&target_session_attrs=read-write", True),
        ("postgresql+psycopg://user@/database?host=a:1&host=b:2&pooler=transaction", True),
        ("postgresql+psycopg://user@host/database?pooler=session", False),
        ("postgresql+psycopg://user@host/database?pooler=transaction&pooler=transaction", False),
        ("postgresql+psycopg://user@a:1,b:2/database", False),
        ("sqlite:///file?pooler=transaction", False),
    ],
)
def test_only_a_pooler_in_transaction_mode_before_postgresql_can_be_named(url: str, accepted: bool) -> None:  # noqa: FBT001 - a row of the table
    assert is_database_url(url) is accepted


def test_a_standby_is_named_as_one(server_url: str) -> None:
    with standby(server_url) as following, Database(following.url) as database, pytest.raises(StorageError) as failed:
        database.check_primary()
    assert failed.value.fault is StorageFault.STANDBY
    assert str(failed.value).startswith("the database is a standby: it takes no reports and no inquiries")


def test_sessions_ask_the_server_to_notice_that_their_machine_has_vanished(server_url: str) -> None:
    asked = text("SELECT name, reset_val FROM pg_settings WHERE name = ANY(:names)")
    with Database(server_url, serving=False) as database, database.snapshot() as work:
        found = {str(name): int(value) for name, value in work.connection.execute(asked, {"names": list(NOTICED)})}
    assert found == NOTICED
    # Where a pooler drops what sessions ask for, the server's own settings count.
    given = (Path(__file__).parents[3] / "deploy" / "patroni.yml").read_text()
    for name, value in NOTICED.items():
        assert f"        {name}: {value}\n" in given


@pytest.mark.parametrize("answer_seconds", [None, 2.0])
def test_a_connection_that_a_hanging_server_never_took_is_closed_without_the_garbage_collector(
    answer_seconds: float | None,
) -> None:
    others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    with postgres_server() as server, postgres_database(server) as url:
        hung = Server(url)
        gc.disable()
        try:
            with Database(url, serving=False, answer_seconds=answer_seconds) as database:
                with hung.hanging(), pytest.raises(StorageError), database.snapshot():
                    pass
                # The server, which goes on, ends a session whose client has closed it.
                wait_until(lambda: hung.ask(others) == 0)
        finally:
            gc.enable()
