"""A relay between client and server that cuts its first connection at a chosen byte, and lets the others through."""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from client_sdk.testing.ports import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Direction", "Relay", "relay"]

# From the client to the server, or back.
Direction = int
TO_SERVER: Direction = 0
TO_CLIENT: Direction = 1
_MOST_BYTES = 65_536
_HEADER_BYTES = 5
# A socket that is closed with this option sends a reset: neither side gets what is still under way.
_RESET = struct.pack("ii", 1, 0)


class Relay:
    """The relay.

    Args:
        server: address of the server, host:port.
        cut: how many bytes of the first connection are let through in this direction; None lets all through.

    Attributes:
        passed: bytes of the first connection that went to the server, and to the client.
        records: where each TLS record of the first connection begins, on the way to the server, and to the client.
        connections: how many were made.
    """

    def __init__(self, server: str, cut: tuple[Direction, int] | None) -> None:
        host, _, port = server.rpartition(":")
        self._server = (host, int(port))
        self._cut = cut
        self._listener = socket.create_server((HOST, 0))
        self.address = f"{HOST}:{self._listener.getsockname()[1]}"
        self.passed = [0, 0]
        self.records: list[list[int]] = [[], []]
        self._unread = [b"", b""]
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Take no more connections; those that there are end with their client."""
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                first, self.connections = self.connections == 0, self.connections + 1
                server = socket.create_connection(self._server)
                ends = (client, server)
                for direction in (TO_SERVER, TO_CLIENT):
                    threading.Thread(target=self._carry, args=(ends, direction, first), daemon=True).start()

    def _carry(self, ends: tuple[socket.socket, socket.socket], direction: Direction, first: bool) -> None:  # noqa: FBT001 - of a thread
        source, target = ends[direction], ends[1 - direction]
        with suppress(OSError):
            while data := source.recv(_MOST_BYTES):
                left = self._left(direction) if first else None
                target.sendall(data[:left])
                if first:
                    self._note(direction, data[:left])
                if left is not None and len(data) >= left:
                    for end in ends:
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                    break
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _note(self, direction: Direction, data: bytes) -> None:
        # What is kept are the bytes from where the next record begins, or has begun; RFC 8446 section 5.1.
        begins, kept = self.passed[direction] - len(self._unread[direction]), self._unread[direction] + data
        self.passed[direction] += len(data)
        while len(kept) >= _HEADER_BYTES:
            length = _HEADER_BYTES + int.from_bytes(kept[3:_HEADER_BYTES])
            if len(kept) < length:
                break
            self.records[direction].append(begins)
            begins, kept = begins + length, kept[length:]
        self._unread[direction] = kept

    def _left(self, direction: Direction) -> int | None:
        if self._cut is None or self._cut[0] != direction:
            return None
        return self._cut[1] - self.passed[direction]


@contextmanager
def relay(server: str, cut: tuple[Direction, int] | None = None) -> Iterator[Relay]:
    """Relay connections to a server while the block lasts; arguments as of ``Relay``."""
    made = Relay(server, cut)
    try:
        yield made
    finally:
        made.close()
