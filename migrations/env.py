"""How migrations run: on SQLite or PostgreSQL, one at a time, and never waiting for ever."""

from __future__ import annotations

from alembic import context
from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.pool import NullPool

# Any number will do, as long as nobody else uses it: who migrates holds it.
ADVISORY_LOCK = 0x6372656469740001
LOCK_TIMEOUT_MS = 10_000
STATEMENT_TIMEOUT_MS = 600_000


def main() -> None:
    """Migrate the database named by the caller, or by ``-x url=...`` on alembic's own command line."""
    url = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True)["url"]
    engine = create_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    with engine.connect() as connection:
        if engine.dialect.name == "postgresql":
            hold_lock(connection)
        context.configure(
            connection=connection,
            render_as_batch=engine.dialect.name == "sqlite",
            transaction_per_migration=True,
            transactional_ddl=True,
        )
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


def hold_lock(connection: Connection) -> None:
    """Keep other migrations out until this connection closes; give up rather than block the servers' tables."""
    connection.execute(text(f"SET lock_timeout = {LOCK_TIMEOUT_MS}"))
    connection.execute(text(f"SET statement_timeout = {STATEMENT_TIMEOUT_MS}"))
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": ADVISORY_LOCK})
    connection.commit()


main()
