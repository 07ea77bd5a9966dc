"""What the tests of the promises share: a PostgreSQL of their own, whose files they may search."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from tests.conftest import DATABASE_KINDS, DatabaseKind
from tests.postgres_server import postgres_server
from tests.support.held import Site, running_site
from tests.support.registry import RunningRegistry, running_registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def searched_postgres_url() -> Iterator[str]:
    """A server that nobody else writes to; the one named by REGISTRY_TEST_POSTGRES_URL where there is one."""
    given = os.environ.get("REGISTRY_TEST_POSTGRES_URL")
    if given:
        yield make_url(given).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        return
    with postgres_server(durable=True) as url:
        yield url


@pytest.fixture(scope="session", params=DATABASE_KINDS)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A real registry with two key services and two lenders, on each kind of database."""
    kind: DatabaseKind = request.param
    url = request.getfixturevalue("searched_postgres_url") if kind == "postgresql" else ""
    with running_site(kind, tmp_path_factory.mktemp(kind) / "site", url) as running:
        yield running


@pytest.fixture
def running(tmp_path: Path, database_url: str) -> Iterator[RunningRegistry]:
    """A registry in this process on each kind of database; its whole log is recomputed at the end."""
    with running_registry(tmp_path, database_url) as registry:
        yield registry
        registry.verify_log()
