"""A database that cannot be reached: the operator is told where and why, nobody is told a secret."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import make_url

from client_sdk.kernel.formats.complaint import Complaint
from registry_server.storage import migrations
from registry_server.storage.errors import StorageError, StorageFault
from registry_server.usecases.failures import complaint_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine that is taken and at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


def told(url: str, attempt: Callable[[str], object] = migrations.check) -> str:
    with pytest.raises(StorageError) as failed:
        attempt(url)
    assert failed.value.fault is StorageFault.GONE
    # Clients learn the kind of the failure and nothing of the host.
    want = "a database that answers and has room"
    assert complaint_of(failed.value) == Complaint("STORAGE_UNAVAILABLE", "", "storage.gone", want=want)
    assert failed.value.__suppress_context__
    return str(failed.value)


@pytest.mark.parametrize("attempt", [migrations.check, migrations.current, migrations.upgrade])
def test_host_port_and_database_are_named_and_no_secret(attempt: Callable[[str], object], closed_port: int) -> None:
    url = f"postgresql+psycopg://somebody:hidden@127.0.0.1:{closed_port}/credit?application_name=secret-name"
    assert told(url, attempt) == f"the database is gone: credit at 127.0.0.1:{closed_port}: Connection refused"


def test_what_is_not_in_the_url_is_the_drivers_own(closed_port: int) -> None:
    shown = told(f"postgresql+psycopg://?host=127.0.0.1&port={closed_port}")
    assert shown == "the database is gone: the default database at the driver's own host:5432: Connection refused"


def test_the_servers_own_words_are_told_unless_a_secret_is_in_them(postgres_url: str) -> None:
    server = make_url(postgres_url)
    missing = server.set(database="none_such").render_as_string(hide_password=False)
    assert told(missing).endswith('FATAL:  database "none_such" does not exist')
    stranger = server.set(username="stranger", database="none_such").render_as_string(hide_password=False)
    shown = told(stranger)
    assert shown.endswith(": OperationalError")
    assert "stranger" not in shown


def test_words_that_quote_the_query_are_not_told(closed_port: int) -> None:
    shown = told(f"postgresql+psycopg://somebody:hidden@127.0.0.1:{closed_port}/credit?no_such_option=5")
    assert shown == f"the database is gone: credit at 127.0.0.1:{closed_port}: ProgrammingError"
