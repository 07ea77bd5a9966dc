"""Engines on PostgreSQL: straight to a server, or through a pooler in transaction mode (PgBouncer).

Behind such a pooler each transaction may get another session of the server: what a session keeps from one transaction
to the next, such as settings and prepared statements, is then another client's or missing. A URL that leads to a pooler
says so, ``?pooler=transaction``: nothing is prepared in the server, and each transaction sets its own limits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import psycopg
from sqlalchemy import create_engine, event, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from registry_server.serving.answered import AnsweredConnection, seconds_left

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from psycopg.rows import TupleRow
    from sqlalchemy import URL, Connection, Dialect, Engine, Pool
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["POOLER", "LimitError", "check_limits", "cluster_id", "has_pooler", "postgresql_engine", "without_pooler"]

POOLER = "pooler"
_MODE = "transaction"
CONNECT_TIMEOUT_SECONDS = 5
# A server whose machine is gone answers nothing: it is given up after some ten seconds, whichever side speaks next.
_GONE = {"tcp_user_timeout": 10_000, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}
# The server does the same: else what this machine has locked would stay locked for two minutes after its loss.
_NOTICED = {
    "tcp_user_timeout": 10_000,
    "tcp_keepalives_idle": 5,
    "tcp_keepalives_interval": 2,
    "tcp_keepalives_count": 3,
}


class LimitError(Exception):
    """A limit that was asked for is not in force in the sessions that the URL leads to."""


def has_pooler(url: URL) -> bool:
    """Return whether a URL says that a pooler stands before the server.

    Raises:
        ValueError: it says something else about a pooler than the mode in which one can be used.
    """
    said = url.query.get(POOLER)
    if said is None:
        return False
    if said != _MODE:
        raise ValueError(f"{POOLER}={_MODE} is the only mode")
    return True


def without_pooler(url: URL) -> URL:
    """Return a URL that the driver takes: without the word about the pooler."""
    return url.difference_update_query([POOLER])


def postgresql_engine(
    url: URL,
    name: str,
    limits: Mapping[str, int],
    *,
    pool: type[Pool] | None = None,
    pool_size: int = 5,
    max_overflow: int = 10,
    pool_timeout: float = 30.0,
    pre_ping: bool = False,
    answer_seconds: float | None = None,
) -> Engine:
    """Return an engine that connects to PostgreSQL within five seconds or not at all.

    Args:
        url: of SQLAlchemy, with ``pooler=transaction`` where a pooler stands before the server.
        name: of the program, as the server's list of sessions shows it.
        limits: settings of PostgreSQL for each transaction, in milliseconds. ``statement_timeout`` is none of them for
            what acknowledges a commit: one that waits for a synchronous standby and is cut short looks like a commit
            that has reached it.
        pool: class of the pool; without it one that keeps ``pool_size`` connections.
        pool_size: connections that are kept; not for a pool that keeps none, as the next two.
        max_overflow: further connections at one time.
        pool_timeout: seconds that a caller waits for one.
        pre_ping: try a kept connection before each use.
        answer_seconds: how long the server may take for one answer, whereupon its connection is closed; None where
            nothing but the end of the connection may end the wait.

    Raises:
        ValueError: as ``has_pooler``.
    """
    pooled = has_pooler(url)
    connect: dict[str, str | int | None] = {
        **_GONE,
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": name,
    }
    if pooled:
        connect["prepare_threshold"] = None
    elif limits:
        connect["options"] = " ".join(f"-c {setting}={value}" for setting, value in {**limits, **_NOTICED}.items())
    options: dict[str, object] = {"connect_args": connect, "isolation_level": "READ COMMITTED"}
    if pool is None:
        options |= {"pool_size": pool_size, "max_overflow": max_overflow, "pool_timeout": pool_timeout}
    else:
        options["poolclass"] = pool
    engine = create_engine(without_pooler(url), pool_pre_ping=pre_ping, **options)
    _let_go_of_failures(engine, answer_seconds)
    if pooled and limits:
        setting = "; ".join(f"SET LOCAL {limit} = {value}" for limit, value in limits.items())
        event.listen(engine, "begin", lambda connection: _limit(connection, setting))
    return engine


def cluster_id(url: URL) -> str | None:
    """Return what a server and all its standbys call themselves, through a pooler as well; None where it does not say.

    Raises:
        ValueError: as ``has_pooler``.
    """
    engine = postgresql_engine(url, "registry-server", {}, pool=NullPool)
    try:
        with engine.connect() as connection:
            return str(connection.execute(text("SELECT system_identifier FROM pg_control_system()")).scalar_one())
    except SQLAlchemyError:
        return None
    finally:
        engine.dispose()


def check_limits(connection: Connection, limits: Mapping[str, int]) -> None:
    """Check that limits are in force in a transaction.

    Raises:
        LimitError: one is not.
    """
    query = text("SELECT name, setting FROM pg_settings WHERE name = ANY(:names)")
    in_force = {str(name): str(value) for name, value in connection.execute(query, {"names": list(limits)})}
    for limit, wanted in limits.items():
        if in_force.get(limit) != str(wanted):
            raise LimitError(
                f"{limit} is {in_force.get(limit, 'unknown')} ms, want {wanted}: something between drops what sessions "
                f"ask for; where that is PgBouncer in transaction mode, let the URL say ?{POOLER}={_MODE}"
            )


def _let_go_of_failures(engine: Engine, answer_seconds: float | None) -> None:
    """Let an engine close at once what could not be connected, and end waits for answers where they have an end.

    The frames of the driver's attempt hold the connection, the error holds these frames, and they the error: it would
    stay open, at the server too, until the garbage collector happens to look.
    """

    def connect(
        _dialect: Dialect, _record: ConnectionPoolEntry, arguments: list[str], settings: dict[str, Any]
    ) -> psycopg.Connection[TupleRow]:
        try:
            if answer_seconds is None:
                return psycopg.Connection.connect(*arguments, **settings)
            return _connect_in_time(answer_seconds, arguments, settings)
        except psycopg.Error as error:
            raise error.with_traceback(None) from None

    event.listen(engine, "do_connect", connect)


def _connect_in_time(seconds: float, arguments: list[str], settings: dict[str, Any]) -> AnsweredConnection:
    """Return a connection that ends its waits."""
    left = seconds_left()
    if left <= 0:
        raise psycopg.OperationalError("no time is left to connect")
    if left < CONNECT_TIMEOUT_SECONDS:
        settings = {**settings, "connect_timeout": math.ceil(left)}
    connection = AnsweredConnection.connect(*arguments, **settings)
    connection.answer_seconds = seconds
    return connection


def _limit(connection: Connection, setting: str) -> None:
    raw = connection.connection.driver_connection
    # Outside of a transaction, as VACUUM runs, nothing could be set for one.
    if raw is not None and not raw.autocommit:
        connection.exec_driver_sql(setting)
