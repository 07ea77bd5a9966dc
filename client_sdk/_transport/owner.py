"""Ownership check of connections: they are used only by the process and event loop that opened them.

gRPC's threads and locks do not survive a fork: a call in the child would wait for ever.
"""

from __future__ import annotations

import asyncio
import os
from typing import Self

from client_sdk.errors import ConfigError

__all__ = ["Owner"]


class Owner:
    """The process that opens connections.

    Args:
        loop: the event loop in which they are used; None for connections that block.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        self._process = os.getpid()
        self._loop = loop
        self._closed = False

    @classmethod
    def of_running_loop(cls) -> Self:
        """Return an owner with the event loop that is running.

        Raises:
            ConfigError: none is.
        """
        loop = _running_loop()
        if loop is None:
            raise ConfigError("there is no event loop: open a client for asyncio inside of the loop that uses it")
        return cls(loop)

    def check(self) -> None:
        """Check that the caller may use the connections; before a lock is taken, which a fork may have left locked.

        Raises:
            ConfigError: they are closed, or of another process or event loop.
        """
        self.check_open()
        self._check_loop()

    def check_open(self) -> None:
        """Check as ``check`` does, for work that belongs to no event loop, such as in a thread beside it.

        Raises:
            ConfigError: they are closed, or of another process.
        """
        if os.getpid() != self._process:
            raise ConfigError("made in another process: open the client after the fork")
        if self._closed:
            raise ConfigError("the client is closed")

    def close(self) -> bool:
        """Take note that the connections are closed from now on.

        Returns:
            Whether the caller has to close them: not where they are closed already, nor where they belong to the
            process from which this one was forked.

        Raises:
            ConfigError: they are of another event loop.
        """
        if self._closed or os.getpid() != self._process:
            return False
        self._check_loop()
        self._closed = True
        return True

    def _check_loop(self) -> None:
        if self._loop is not None and _running_loop() is not self._loop:
            raise ConfigError("made in another event loop: open a client in each loop that uses one")


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
