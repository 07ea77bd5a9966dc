"""A relay before PostgreSQL that stops forwarding: it keeps every connection, takes new ones, and answers nothing.

So a network looks that was cut after the connection was made, where a proxy still takes what the client sends. What was
held back is delivered once the relay goes on.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from sqlalchemy import make_url

from client_sdk.testing.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Stall", "stall"]

_MOST_BYTES = 65_536
_DEFAULT_PORT = 5432
# Shorter than a driver waits before it looks at anything else.
_DRIP_SECONDS = 0.09


class Stall:
    """The relay.

    Args:
        url: of a database that is reached by a socket file or by TCP.

    Attributes:
        url: of the same database through the relay.
        stalled: set from the moment at which it stopped forwarding.
        taken: connections that clients have made to it.
    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._folder, self._port = parsed.query.get("host"), parsed.port or _DEFAULT_PORT
        self._host = parsed.host or HOST
        self._listener = socket.create_server((HOST, 0))
        port = self._listener.getsockname()[1]
        self.url = parsed.set(host=HOST, port=port, query={}).render_as_string(hide_password=False)
        self.stalled = threading.Event()
        self.taken = 0
        self._open = threading.Event()
        self._open.set()
        self._drips = False
        # What the client must say for the relay to stop, and whether the server still gets it.
        self._at: tuple[bytes, bool] | None = None
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self) -> None:
        """Forward nothing any more, in either direction."""
        self._open.clear()
        self.stalled.set()

    def stall_at(self, word: bytes, *, passed: bool) -> None:
        """Stall once the client says a word.

        Args:
            word: in what it says.
            passed: whether the server still gets it, and its answer alone is held back.
        """
        self._at = word, passed

    def drip(self) -> None:
        """Deliver what the server answers byte by byte, as slowly as a client may take for one that hangs."""
        self._drips = True

    def go_on(self) -> None:
        """Deliver what was held back, and forward again."""
        self._at = None
        self.stalled.clear()
        self._open.set()

    def close(self) -> None:
        """Take no more connections, and end those that there are."""
        self._listener.close()
        for end in self._ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self.go_on()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self.taken += 1
                self._ends.append(client)
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        self._open.wait()
        server = self._connected()
        self._ends.append(server)
        threading.Thread(target=self._answer, args=(server, client), daemon=True).start()
        with suppress(OSError):
            while data := client.recv(_MOST_BYTES):
                if self._at is not None and self._at[0] in data:
                    passed = self._at[1]
                    self._at = None
                    self.stall()
                    if passed:
                        server.sendall(data)
                        continue
                self._open.wait()
                server.sendall(data)
        self._end(client, server)

    def _answer(self, server: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := server.recv(_MOST_BYTES):
                self._open.wait()
                for piece in (data[at : at + 1] for at in range(len(data))) if self._drips else (data,):
                    if self._drips:
                        time.sleep(_DRIP_SECONDS)
                    client.sendall(piece)
        self._end(client, server)

    def _connected(self) -> socket.socket:
        if self._folder is None:
            return socket.create_connection((self._host, self._port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self._folder}/.s.PGSQL.{self._port}")
        return server

    @staticmethod
    def _end(*ends: socket.socket) -> None:
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextmanager
def stall(url: str) -> Iterator[Stall]:
    """Stand before a database while the block lasts."""
    made = Stall(url)
    try:
        yield made
    finally:
        made.close()
