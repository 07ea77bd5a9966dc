"""A PostgreSQL whose processes are killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from pathlib import Path
from typing import Self

from tests.postgres_server import PostgresUnavailableError, prepared_folder, run

__all__ = ["Postgres"]

# Its other processes hold the shared memory until they notice that the first one is gone.
_START_SECONDS = 60.0
_LOOK = 0.1


class Postgres:
    """A server in a folder of its own, which is deleted at the end; every commit is synced to the disk.

    Attributes:
        url: of its database.
    """

    def __init__(self) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="pg-"))
        self._programs = prepared_folder(self._root) / "bin"
        self._data = self._root / "data"
        self.url = f"postgresql+psycopg://postgres@/postgres?host={self._root}"

    def __enter__(self) -> Self:
        options = ("--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale")
        run([self._programs / "initdb", "--pgdata", self._data, *options])
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._root, ignore_errors=True)

    def start(self) -> None:
        """Start it, and wait until it takes connections.

        Raises:
            PostgresUnavailableError: it does not start in time.
        """
        options = f"-c listen_addresses='' -c unix_socket_directories={self._root} -c max_connections=200"
        control = self._programs / "pg_ctl"
        command: list[str | Path] = [control, "--pgdata", self._data, "--wait", "--log", self._root / "server.log"]
        deadline = time.monotonic() + _START_SECONDS
        while True:
            try:
                run([*command, "--options", options, "start"])
            except PostgresUnavailableError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_LOOK)
            else:
                return

    def kill(self) -> None:
        """Kill its first process, at which the others end."""
        file = self._data / "postmaster.pid"
        if file.exists():
            os.kill(int(file.read_text().split()[0]), signal.SIGKILL)
