"""A connection that is watched too long is cut, whatever its other side has done (whole: test_sequencing_standby)."""

from __future__ import annotations

import socket
import struct

import pytest

from registry_server.storage.answer_watch import _cut

LIMIT = 30.0
# Closed so, a side sends a reset, and keeps nothing for the other one.
AT_ONCE = struct.pack("ii", 1, 0)


@pytest.mark.parametrize("reset", [False, True])
def test_a_connection_is_cut_in_both_directions_also_where_it_was_reset(*, reset: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        ours = socket.create_connection(listening.getsockname(), LIMIT)
        theirs, _ = listening.accept()
    with ours, theirs:
        if reset:
            theirs.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
            theirs.close()
            with pytest.raises(ConnectionResetError):
                ours.recv(1)
        _cut(ours.fileno())
        assert ours.recv(1) == b""
