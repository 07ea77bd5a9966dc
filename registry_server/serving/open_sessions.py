"""Sessions on PostgreSQL that a process which ends can end, whatever they wait for.

A server that hangs keeps its connections, and a commit waits for its synchronous standby as long as that is away: the
driver waits with them, and the process that was told to stop would wait for ever.
"""

from __future__ import annotations

import os
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

import psycopg
from sqlalchemy import event

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

__all__ = ["OpenSessions"]


class OpenSessions:
    """The sessions of an engine; thread-safe.

    Args:
        engine: on PostgreSQL, before its first connection.
    """

    def __init__(self, engine: Engine) -> None:
        self._lock = threading.Lock()
        self._open: WeakSet[psycopg.Connection] = WeakSet()
        self._ended = False
        event.listen(engine, "do_connect", self._refuse, insert=True)
        event.listen(engine, "connect", self._note)

    def end(self) -> None:
        """End every session, so that each thread that waits for an answer gets an error; from now on none begins."""
        with self._lock:
            self._ended = True
            for connection in self._open:
                _shut_down(connection)

    def _refuse(self, *_: object) -> None:
        if self._ended:
            raise psycopg.OperationalError("the process ends")

    def _note(self, opened: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        if not isinstance(opened, psycopg.Connection):
            return
        with self._lock:
            self._open.add(opened)
            if self._ended:
                _shut_down(opened)


def _shut_down(connection: psycopg.Connection) -> None:
    """End both directions of a connection: its thread finds that it is over, and closes it."""
    # Where it is closed already, there is nothing to do.
    with suppress(psycopg.Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as shared:
        shared.shutdown(socket.SHUT_RDWR)
