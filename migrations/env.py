"""How migrations run: on SQLite or PostgreSQL, one at a time, and never waiting for ever."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.pool import NullPool

from registry_server.serving.postgresql import postgresql_engine

# Any number will do, as long as nobody else uses it: who migrates holds it.
ADVISORY_LOCK = 0x6372656469740001
# Milliseconds: give up rather than block the servers' tables.
LIMITS = {"lock_timeout": 10_000, "statement_timeout": 600_000}


def main() -> None:
    """Migrate the database named by the caller, or by ``-x url=...`` on alembic's own command line.

    All migrations are one transaction, so that limits and lock hold through a pooler too.
    """
    url = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True)["url"]
    engine = engine_of(url)
    with engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            keep_others_out(connection)
        context.configure(connection=connection, render_as_batch=engine.dialect.name == "sqlite")
        context.run_migrations()
    engine.dispose()


def engine_of(url: str) -> Engine:
    """Return an engine whose transactions begin where they say so."""
    if make_url(url).get_backend_name() == "postgresql":
        return postgresql_engine(make_url(url), "registry-server db", LIMITS, pool=NullPool)
    engine = create_engine(url, poolclass=NullPool)
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def keep_others_out(connection: Connection) -> None:
    """Keep other migrations out until this transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})


main()
