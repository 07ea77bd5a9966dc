"""The databases that both servers can be on, by their URL."""

from __future__ import annotations

from urllib.parse import urlsplit

__all__ = ["WANTED", "has_password", "is_database_url"]

WANTED = (
    "want sqlite:///path or postgresql+psycopg://user@host:port/database; for a cluster "
    "postgresql+psycopg://user@/database?host=one:5432&host=two:5432&target_session_attrs=read-write; "
    "behind PgBouncer in transaction mode with pooler=transaction"
)
_DATABASES = {("sqlite", "pysqlite"), ("postgresql", "psycopg")}


def is_database_url(url: str) -> bool:
    """Return whether a URL is one of a database that a server can be on; nothing is asked of the database."""
    # The database library takes longer to import than most commands take to run.
    from sqlalchemy import make_url  # noqa: PLC0415 - loads that library
    from sqlalchemy.exc import ArgumentError  # noqa: PLC0415 - likewise

    from registry_server.serving.postgresql import has_pooler, without_pooler  # noqa: PLC0415 - likewise

    try:
        parsed = make_url(url)
        dialect = parsed.get_dialect()
        if has_pooler(parsed) and dialect.name != "postgresql":
            return False
        dialect().create_connect_args(without_pooler(parsed))
    except (ArgumentError, ImportError, ValueError):
        # The library's words quote the URL, which may hold a password.
        return False
    return (dialect.name, dialect.driver) in _DATABASES and not dialect.is_async


def has_password(url: str) -> bool:
    """Return whether a URL carries a password; on a command line every user of the machine could read it."""
    try:
        parts = urlsplit(url)
    except ValueError:
        # No URL at all: what reads it says so.
        return False
    return parts.password is not None or "password=" in parts.query
