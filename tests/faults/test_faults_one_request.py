"""Two processes on one PostgreSQL are asked under one request at the same moment: about one person they answer."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from client_sdk import Client
from client_sdk.errors import RefusedError
from client_sdk.models import Purpose, Role, written_consent
from tests.client_sdk.sdk_samples import SIGNED_ON, person
from tests.support.further_process import further_process
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection

    from client_sdk.config import ClientConfig
    from tests.support.held import Site

OFFICE = "office-of-two-desks"
REQUEST = written_consent(document=b"show me what is held about me", given_on=SIGNED_ON)
FIRST = 71_000


def ask(config: ClientConfig, number: int) -> str:
    """Ask about a person under the request; return the rule that refuses it."""
    with Client(config) as office:
        try:
            office.check(person(number), purpose=Purpose.SUBJECT_ACCESS, consent=REQUEST, officer="desk-1")
        except RefusedError as refused:
            return refused.rule
    return ""


@contextmanager
def nobody_writes(url: str) -> Iterator[Connection]:
    """Keep whom inquiries ask about from being written, and yield a connection that sees who waits."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as holding, engine.connect() as looking:
        holding.execute(text("LOCK TABLE inquired_persons IN EXCLUSIVE MODE"))
        yield looking.execution_options(isolation_level="AUTOCOMMIT")
    engine.dispose()


def waiting(connection: Connection) -> int:
    """How many sessions wait for a lock."""
    query = "SELECT count(DISTINCT pid) FROM pg_locks WHERE NOT granted AND pid IN (SELECT pid FROM pg_stat_activity"
    found: int = connection.execute(text(f"{query} WHERE datname = current_database())")).scalar_one()
    return found


@pytest.mark.parametrize("site", ["postgresql"], indirect=True)
def test_of_two_processes_that_use_a_request_at_one_moment_one_is_answered(site: Site) -> None:
    running = site.registry
    running.enrol(OFFICE, Role.REPRESENTATIVE)
    with further_process(running, site.database_url) as further, ThreadPoolExecutor(2) as desks:
        addresses = (running.address, further.address)
        configs = [replace(running.config(OFFICE), registry=address) for address in addresses]
        with nobody_writes(site.database_url) as looking:
            asked = [desks.submit(ask, config, FIRST + place) for place, config in enumerate(configs)]
            # Each has looked whether the request was used, or waits for its turn to look.
            wait_until(lambda: waiting(looking) == len(asked))
        assert sorted(each.result() for each in asked) == ["", "request.one-person"]
