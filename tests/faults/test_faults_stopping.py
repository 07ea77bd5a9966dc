"""A registry that is told to stop ends in its time, whatever its database does, and loses nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from client_sdk import Client
from client_sdk.errors import TransportError
from client_sdk.testing import TestRegistry
from tests.client_sdk.sdk_samples import default_report
from tests.conftest import migrate, postgres_database
from tests.postgres_server import postgres_server
from tests.support.further_process import further_process
from tests.support.standby import Server
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

WAITING = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


def set_standbys(url: str, names: str) -> None:
    """Let commits wait for standbys of these names."""
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'"))
        connection.execute(text("SELECT pg_reload_conf()"))
    engine.dispose()


@contextmanager
def without_standbys(server: Server) -> Iterator[Callable[[], bool]]:
    """Let commits wait for standbys that are away; yield whether one does."""
    set_standbys(server.url, "away")
    wait_until(lambda: server.ask("SHOW synchronous_standby_names") == "away")
    try:
        yield lambda: server.ask(WAITING) != 0
    finally:
        set_standbys(server.url, "")


@contextmanager
def hanging(server: Server) -> Iterator[Callable[[], bool]]:
    """Let the server stand still, which cannot be asked whether anything waits for it."""
    with server.hanging():
        yield lambda: True


@pytest.mark.parametrize("befalls", [hanging, without_standbys])
def test_a_registry_whose_database_answers_nothing_ends_in_its_time(
    befalls: Callable[[Server], AbstractContextManager[Callable[[], bool]]],
) -> None:
    with postgres_server(durable=True) as server, postgres_database(server) as url:
        migrate(url)
        with TestRegistry(environment={"REGISTRY_DATABASE_URL": url}) as running:
            with (running.registry_home / "registry.toml").open("a") as settings:
                settings.write("shutdown_grace_seconds = 1\n")
            with further_process(running, url) as stopped:
                config = replace(running.config("lender-1"), registry=stopped.address)
                with Client(config) as lender, ThreadPoolExecutor(1) as thread:
                    first = lender.report(default_report(1)).index
                    with befalls(Server(url)) as is_waited_for:
                        reporting = thread.submit(lender.report, default_report(2))
                        wait_until(is_waited_for)
                        assert stopped.stop() == 0
                        with pytest.raises(TransportError):
                            reporting.result()
                stopped.start()
                with Client(config) as lender:
                    reported = lender.report(default_report(2))
                    assert (reported.version, reported.index > first) == (1, True)
