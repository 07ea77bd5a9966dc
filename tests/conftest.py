"""Databases for the tests: every test that asks for one gets its own, on SQLite and again on PostgreSQL."""

from __future__ import annotations

import gc
import os
import shutil
import signal
import tempfile
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import pytest
from hypothesis import HealthCheck, settings
from selenium.webdriver import Chrome, ChromeOptions, ChromeService
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from registry_server.storage import migrations
from tests.postgres_server import postgres_server
from tests.support.compiled_statements import share_compiled_statements
from tests.support.registers import forget_register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.held import Site

DatabaseKind: TypeAlias = Literal["sqlite", "postgresql"]
DATABASE_KINDS: tuple[DatabaseKind, ...] = get_args(DatabaseKind)
# For a test that shows what is done before anything is stored, in many cases.
ON_ONE_DATABASE = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

# Machines differ in speed; a deadline an example would make a test fail for being run on a slow one.
settings.register_profile("registry", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=25)
# For a long search, `HYPOTHESIS_PROFILE=thorough make test`.
settings.register_profile("thorough", settings.get_profile("registry"), max_examples=1_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "registry"))


# Temporary files in memory, where the machine has room: no test cuts the power, so none needs what a disk keeps, and
# waiting for it is half of the time that a registry takes to be founded.
MEMORY = Path("/dev/shm")  # noqa: S108 - not a file, the folder in which the tests make theirs
ROOM_BYTES = 2 << 30
AVAILABLE_KB = 4 << 20


def pytest_configure() -> None:
    """Let children of the tests be interrupted, also where what started them ignores it, as ``&`` does."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    share_compiled_statements()
    # What the command says is held in English, whatever the locale is; a test of Chinese asks for it.
    os.environ["CREDIT_REGISTRY_LANG"] = "en"
    if "TMPDIR" not in os.environ and has_room_in_memory():
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


# Tests that take a minute and more; begun last, they would run alone at the end.
LONG = ("tests/readme/", "tests/demo/", "tests/cluster/", "tests/faults/test_faults_hanging.py", "tests/promises/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest; otherwise the order stays."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_collection() -> None:
    """Do not look for garbage while tests are loaded: nearly all of it stays."""
    gc.disable()


def pytest_collection_finish() -> None:
    """Leave all that was loaded out of the collections of garbage: some hundred megabytes, which stay to the end."""
    gc.collect()
    gc.freeze()
    gc.enable()


def has_room_in_memory() -> bool:
    """Whether the system keeps a folder in memory that holds all that the tests write."""
    try:
        room = shutil.disk_usage(MEMORY).free
        told = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        available = int(told["MemAvailable"].split()[0])
    except (OSError, KeyError, ValueError):
        return False
    return room >= ROOM_BYTES and available >= AVAILABLE_KB and os.access(MEMORY, os.W_OK)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Where PostgreSQL is: the server named by REGISTRY_TEST_POSTGRES_URL, else one of this worker's own."""
    given = os.environ.get("REGISTRY_TEST_POSTGRES_URL")
    if given:
        yield make_url(given).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        return
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def local_postgres_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A server whose files lie on this machine, so that a test can spoil them."""
    if not os.environ.get("REGISTRY_TEST_POSTGRES_URL"):
        yield request.getfixturevalue("postgres_url")
        return
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def searched_postgres_url() -> Iterator[str]:
    """A server that only real registries write to, so that its files may be searched; the one that is given, if any."""
    given = os.environ.get("REGISTRY_TEST_POSTGRES_URL")
    if given:
        yield make_url(given).set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        return
    with postgres_server(durable=True) as url:
        yield url


@pytest.fixture(scope="session", params=DATABASE_KINDS)
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A real registry with two key services and two lenders, child processes, on each kind of database."""
    from tests.support.held import running_site

    kind: DatabaseKind = request.param
    url = request.getfixturevalue("searched_postgres_url") if kind == "postgresql" else ""
    with running_site(kind, tmp_path_factory.mktemp(kind) / "site", url) as running:
        yield running


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    """A real Chromium for all tests that look at a page."""
    with chromium(tmp_path_factory.mktemp("chromium")) as driver:
        yield driver


@contextmanager
def chromium(folder: Path) -> Iterator[Chrome]:
    """A real Chromium without a window, which asks nothing of any network by itself and keeps its files in a folder."""
    options = ChromeOptions()
    for switch in (
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--no-first-run",
        f"--user-data-dir={folder}",
    ):
        options.add_argument(switch)
    options.binary_location = program("chromium", "chromium-browser", "google-chrome")
    with Chrome(options=options, service=ChromeService(program("chromedriver"))) as driver:
        yield driver


def program(*names: str) -> str:
    """Where the first of these programs is that the machine has."""
    found = [path for path in map(shutil.which, names) if path]
    if not found:
        pytest.fail(f"no {' or '.join(names)} on this machine; .ci/run installs it")
    return found[0]


@pytest.fixture(params=DATABASE_KINDS)
def database_kind(request: pytest.FixtureRequest) -> DatabaseKind:
    """Run the test once on each kind of database."""
    kind: DatabaseKind = request.param
    return kind


@pytest.fixture
def empty_database_url(database_kind: DatabaseKind, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the test's own that holds no table."""
    if database_kind == "sqlite":
        path = tmp_path / "registry.sqlite"
        path.touch()
        yield sqlite_url(path)
        return
    with postgres_database(request.getfixturevalue("postgres_url")) as url:
        yield url


@pytest.fixture
def database_url(database_kind: DatabaseKind, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database of the test's own, migrated to the newest version and otherwise empty."""
    if database_kind == "sqlite":
        copied = shutil.copyfile(request.getfixturevalue("sqlite_template"), tmp_path / "registry.sqlite")
        yield sqlite_url(copied)
        return
    template = request.getfixturevalue("postgres_template")
    with postgres_database(request.getfixturevalue("postgres_url"), template=template) as url:
        yield url


@pytest.fixture
def local_database_url(
    database_kind: DatabaseKind, request: pytest.FixtureRequest, sqlite_template: Path, tmp_path: Path
) -> Iterator[str]:
    """A migrated database of the test's own whose files lie on this machine."""
    if database_kind == "sqlite":
        yield sqlite_url(shutil.copyfile(sqlite_template, tmp_path / "registry.sqlite"))
        return
    with postgres_database(request.getfixturevalue("local_postgres_url")) as url:
        migrate(url)
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file that tests copy."""
    path = tmp_path_factory.mktemp("template") / "registry.sqlite"
    migrate(sqlite_url(path))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> Iterator[str]:
    """The name of a migrated PostgreSQL database that tests copy."""
    with postgres_database(postgres_url) as url:
        migrate(url)
        name = make_url(url).database
        assert name is not None
        yield name


def migrate(url: str) -> None:
    """Bring the database to the newest version, the way an operator does: by its migrations."""
    migrations.upgrade(url)


def sqlite_url(path: Path) -> str:
    """The URL of an SQLite file."""
    return f"sqlite:///{path}"


@contextmanager
def postgres_database(server: str, *, template: str = "template1") -> Iterator[str]:
    """Create a database as a copy of another while the block lasts; yield its URL."""
    name = f"test_{uuid.uuid4().hex}"
    url = make_url(server)
    execute(url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        forget_register(url.set(database=name).render_as_string(hide_password=False))
        # FORCE closes the connections of a process that the test has killed.
        execute(url, f'DROP DATABASE "{name}" WITH (FORCE)')


def execute(url: URL, statement: str) -> None:
    """Run one statement that may not stand in a transaction."""
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
