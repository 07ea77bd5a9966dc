"""The program's own log: one line an event, on standard error, for machines or for people.

Events are gathered for a moment, then rendered and written together: doing so for each of some thousand calls a second
would cost more than answering them. What is worse than a warning is written at once.

Where a line cannot be written, such as to a full disk, it is lost, and the program goes on; how many were lost is said
as soon as one can be written again.
"""

from __future__ import annotations

import atexit
import logging
import threading
from io import FileIO
from typing import TYPE_CHECKING

import structlog

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import RawIOBase
    from typing import TypeAlias

    Event: TypeAlias = dict[str, object]

__all__ = ["LogLines", "log_to_standard_error"]

_STANDARD_ERROR = 2
GATHERED_SECONDS = 0.2


class LogLines:
    """Writes events to a file, a line each, some at a time.

    Args:
        file: where they go, without a buffer: what was not written is not kept and tried again.
        render: returns the line of an event.
        seconds: how long an event waits at most.
    """

    def __init__(self, file: RawIOBase, render: Callable[[Event], str], seconds: float = GATHERED_SECONDS) -> None:
        self._file = file
        self._render = render
        self._seconds = seconds
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._timer: threading.Timer | None = None
        self._lost = 0

    def add(self, event: Event, *, at_once: bool = False) -> None:
        """Write an event soon, or at once with all that wait before it."""
        with self._lock:
            self._events.append(event)
            if self._timer is None and not at_once:
                self._timer = threading.Timer(self._seconds, self.flush)
                self._timer.daemon = True
                self._timer.start()
        if at_once:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            events, self._events, self._timer = self._events, [], None
            if not events:
                return
            told: list[Event] = [{"event": "log lines lost", "level": "error", "lines": self._lost}] * bool(self._lost)
            try:
                self._write("".join(f"{self._render(event)}\n" for event in [*told, *events]).encode())
            except OSError:
                self._lost += len(events)
            else:
                self._lost = 0

    def _write(self, data: bytes) -> None:
        while data:
            written = self._file.write(data)
            if not written:
                raise BlockingIOError("nobody takes the lines")
            data = data[written:]


class _Logger:
    """Renderer of structlog: called with each complete event."""

    def __init__(self, lines: LogLines) -> None:
        self._lines = lines

    def debug(self, **event: object) -> None:
        """Write an event that can wait."""
        self._lines.add(event)

    info = warning = debug

    def error(self, **event: object) -> None:
        """Write an event that cannot."""
        self._lines.add(event, at_once=True)

    critical = exception = error


def log_to_standard_error(level: str, form: str) -> None:
    """Set up the log of this process.

    Args:
        level: debug, info, warning or error.
        form: json or text.
    """
    renderer = structlog.dev.ConsoleRenderer(colors=False) if form == "text" else structlog.processors.JSONRenderer()
    # Standard error by its number: the buffer of Python's own object is passed by.
    file = FileIO(_STANDARD_ERROR, "wb", closefd=False)
    lines = LogLines(file, lambda event: str(renderer(None, "", event)))
    atexit.register(lines.flush)
    logger = _Logger(lines)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: logger,
        cache_logger_on_first_use=True,
    )
