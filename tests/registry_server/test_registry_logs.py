"""The program's own log: lines wait a moment for each other, errors for nobody."""

from __future__ import annotations

import errno
import io
import os
import threading

from registry_server.logs import LogLines


class Written(io.RawIOBase):
    """A file that tells when it was written to, takes some bytes at a time, and has no room when told so."""

    def __init__(self) -> None:
        super().__init__()
        self.held = b""
        self.full = False
        self.written = threading.Event()

    def write(self, data: bytes) -> int:  # type: ignore[override]  # only bytes are written
        if self.full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.held += data[:5]
        if self.held.endswith(b"\n"):
            self.written.set()
        return len(data[:5])


def word(event: dict[str, object]) -> str:
    return str(event["event"])


def test_lines_are_written_together_after_a_moment() -> None:
    file = Written()
    lines = LogLines(file, word, 0.01)
    lines.add({"event": "one"})
    lines.add({"event": "two"})
    assert file.written.wait(30)
    lines.flush()
    assert file.held == b"one\ntwo\n"


def test_an_error_is_written_at_once_with_what_waits_before_it() -> None:
    file = Written()
    lines = LogLines(file, word, 3_600)
    lines.add({"event": "one"})
    assert file.held == b""
    lines.add({"event": "error"}, at_once=True)
    assert file.held == b"one\nerror\n"
    lines.flush()
    assert file.held == b"one\nerror\n"


def test_lines_that_a_full_disk_does_not_take_are_lost_and_counted() -> None:
    file = Written()
    lines = LogLines(file, lambda event: f"{event['event']} {event.get('lines', '')}", 3_600)
    file.full = True
    for name in ("one", "two", "three"):
        lines.add({"event": name}, at_once=True)
    file.full = False
    lines.add({"event": "four"}, at_once=True)
    lines.add({"event": "five"}, at_once=True)
    assert file.held == b"log lines lost 3\nfour \nfive \n"
