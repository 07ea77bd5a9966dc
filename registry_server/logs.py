"""The program's own log: one line an event, on standard error, for machines or for people (design 7).

Lines are gathered for a moment and written together: a system call for each of some thousand calls a second would cost
more than answering them. What is worse than a warning is written at once.
"""

from __future__ import annotations

import atexit
import logging
import sys
import threading
from typing import TextIO

import structlog

__all__ = ["LogLines", "log_to_standard_error"]

GATHERED_SECONDS = 0.2


class LogLines:
    """Writes lines to a file, some at a time.

    Args:
        file: where they go.
        seconds: how long a line waits at most.
    """

    def __init__(self, file: TextIO, seconds: float = GATHERED_SECONDS) -> None:
        self._file = file
        self._seconds = seconds
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._timer: threading.Timer | None = None

    def add(self, line: str, *, at_once: bool = False) -> None:
        """Write a line soon, or at once with all that wait before it."""
        with self._lock:
            self._lines.append(line)
            if self._timer is None and not at_once:
                self._timer = threading.Timer(self._seconds, self.flush)
                self._timer.daemon = True
                self._timer.start()
        if at_once:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        with self._lock:
            lines, self._lines, self._timer = self._lines, [], None
            if lines:
                self._file.write("\n".join(lines) + "\n")
                self._file.flush()


class _Logger:
    """What structlog calls with a finished line."""

    def __init__(self, lines: LogLines) -> None:
        self._lines = lines

    def debug(self, line: str) -> None:
        """Write a line that can wait."""
        self._lines.add(line)

    info = warning = debug

    def error(self, line: str) -> None:
        """Write a line that cannot."""
        self._lines.add(line, at_once=True)

    critical = exception = error


def log_to_standard_error(level: str, form: str) -> None:
    """Set up the log of this process.

    Args:
        level: debug, info, warning or error.
        form: json or text.
    """
    lines = LogLines(sys.stderr)
    atexit.register(lines.flush)
    logger = _Logger(lines)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.dev.ConsoleRenderer(colors=False) if form == "text" else structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_: logger,
        cache_logger_on_first_use=True,
    )
