"""The program's own log: lines wait a moment for each other, errors for nobody."""

from __future__ import annotations

import io
import threading

from registry_server.logs import LogLines


class Written(io.StringIO):
    """A file that tells when it was written to."""

    def __init__(self) -> None:
        super().__init__()
        self.flushed = threading.Event()

    def flush(self) -> None:
        self.flushed.set()


def word(event: dict[str, object]) -> str:
    return str(event["event"])


def test_lines_are_written_together_after_a_moment() -> None:
    file = Written()
    lines = LogLines(file, word, 0.01)
    lines.add({"event": "one"})
    lines.add({"event": "two"})
    assert file.flushed.wait(30)
    lines.flush()
    assert file.getvalue() == "one\ntwo\n"


def test_an_error_is_written_at_once_with_what_waits_before_it() -> None:
    file = Written()
    lines = LogLines(file, word, 3_600)
    lines.add({"event": "one"})
    assert not file.getvalue()
    lines.add({"event": "error"}, at_once=True)
    assert file.getvalue() == "one\nerror\n"
    lines.flush()
    assert file.getvalue() == "one\nerror\n"
