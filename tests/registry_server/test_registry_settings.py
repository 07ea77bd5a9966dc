"""Settings of the registry and of a key service: what is not in order is named, and what is secret never shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from registry_server.serving.database_url import WANTED as WANT
from registry_server.settings import SettingsError, load_settings
from registry_server.subject_key_service import SetupError
from registry_server.subject_key_service.settings import make_settings

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "hidden"
KEY_SERVICE = {"name": "key-service-a", "url": "a.example:443", "listen": "127.0.0.1:0"}
NO_DATABASES = {
    "no URL": PASSWORD,
    "no such driver": f"postgresql+nodriver://u:{PASSWORD}@h/x",
    "an async driver": f"postgresql+psycopg_async://u:{PASSWORD}@h/x",
    "a driver that is not installed": f"postgresql+psycopg2://u:{PASSWORD}@h/x",
    "another database": f"mysql://u:{PASSWORD}@h/x",
    "a port that is no number": f"postgresql+psycopg://u:{PASSWORD}@127.0.0.1:bad/x",
    "an SQLite file on a host": f"sqlite://u:{PASSWORD}@h/x",
    "a word where SQLite wants a number": f"sqlite:///x?timeout={PASSWORD}",
}
DATABASES = [
    "",
    "sqlite:////var/lib/registry.sqlite",
    "postgresql+psycopg://u:p@[::1]:5432/x",
    "postgresql+psycopg://u@/x?host=/run/postgresql",
    # The library's own choice of a driver, which is the one that is installed.
    "postgresql://u:p@127.0.0.1/x",
]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "registry.toml").write_text('registry = "example"\n')
    return tmp_path


@pytest.mark.parametrize(
    ("database", "standby"),
    [("", "postgresql+psycopg://u@h/d"), ("postgresql+psycopg://u@h/d", "sqlite:///d.sqlite")],
)
def test_only_a_server_of_postgresql_has_a_standby(home: Path, database: str, standby: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(home, {"database_url": database, "database_read_url": standby})
    assert "database_read_url needs a database_url of PostgreSQL" in str(refused.value)


@pytest.mark.parametrize("name", NO_DATABASES)
def test_what_is_no_database_is_refused_and_not_shown(home: Path, name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings(home, {"database_url": NO_DATABASES[name]})
    assert str(refused.value) == f"the command line: database_url: {WANT}"
    assert refused.value.__suppress_context__
    with pytest.raises(SetupError) as refused_too:
        make_settings({**KEY_SERVICE, "database_url": NO_DATABASES[name]})
    assert str(refused_too.value) == f"setting database_url: {WANT}"
    assert refused_too.value.__suppress_context__


@pytest.mark.parametrize("url", DATABASES)
def test_databases_are_taken_as_they_are_named(home: Path, url: str) -> None:
    assert load_settings(home, {"database_url": url}).database_url.get_secret_value() == url
    assert make_settings({**KEY_SERVICE, "database_url": url}).database_url == url


@pytest.mark.parametrize(
    ("content", "want"),
    [
        (b'registry = "ex\xe9mple"\n', "is not UTF-8: byte 14, want TOML, which is UTF-8"),
        ('registry = "example"\n'.encode("utf-16"), "is not UTF-8: byte 0, want TOML, which is UTF-8"),
        (b"registry = ", "is no TOML: "),
        (b"hosts = " + b"[" * 100_000, "is n"),
    ],
)
def test_a_file_that_is_no_toml_is_named(home: Path, content: bytes, want: str) -> None:
    (home / "registry.toml").write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        load_settings(home)
    assert str(refused.value).startswith(f"{home / 'registry.toml'} {want}")


def test_a_list_in_the_environment_that_is_no_json_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REGISTRY_HOSTS", "[secret")
    with pytest.raises(SettingsError) as refused:
        load_settings(home)
    assert str(refused.value) == 'error parsing value for field "hosts" from source "EnvSettingsSource": want JSON'
