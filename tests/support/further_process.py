"""Further processes of a registry that runs: the same folder and database, another address."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from client_sdk.testing.ports import HOST, free_port
from client_sdk.testing.programs import Programs, Server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.testing import TestRegistry

__all__ = ["FurtherProcess", "further_process"]

NAME = "registry-2"


class FurtherProcess:
    """A second process of a registry on PostgreSQL.

    Args:
        running: the registry.
        database_url: of both.
    """

    def __init__(self, running: TestRegistry, database_url: str) -> None:
        self._programs = Programs(running.folder, {"REGISTRY_DATABASE_URL": database_url})
        self._port = free_port()
        self.address = f"{HOST}:{self._port}"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        command = ("registry-server", "serve", "--home", "registry", "--listen", self.address)
        self._programs.start(Server(NAME, command, self._port))

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int | None:
        """Stop it; return its exit code, None where it did not run."""
        return next(iter(self._programs.stop(NAME, by=by)), None)

    def process_id(self) -> int:
        """Return its process id."""
        return self._programs.pid(NAME)


@contextmanager
def further_process(running: TestRegistry, database_url: str) -> Iterator[FurtherProcess]:
    """Run a second process while the block lasts."""
    process = FurtherProcess(running, database_url)
    process.start()
    try:
        yield process
    finally:
        process.stop()
