"""Running our commands to their end, and saying what they said when they fail."""

from __future__ import annotations

import multiprocessing
import shlex
import tempfile
import threading
from multiprocessing import connection
from pathlib import Path
from typing import TYPE_CHECKING

from demo import programs

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["CommandError", "run"]

# Seconds.
_LIMIT = 300
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload([programs.__name__])
# Starting a process looks after all others of this one, which must not be done by two threads at once.
_STARTING = threading.Lock()


class CommandError(RuntimeError):
    """A command ended with an error; the text holds the command and what it said."""


def run(command: Sequence[str], folder: Path, *, expected: int = 0) -> str:
    """Run a command to its end and return what it wrote to standard output.

    Args:
        command: name of one of our programs, and its arguments.
        folder: in which it runs.
        expected: exit code.

    Raises:
        CommandError: it ended otherwise, or not in time.
    """
    with tempfile.TemporaryDirectory(prefix="demo-") as temporary:
        output, errors = Path(temporary, "output"), Path(temporary, "errors")
        process = _CONTEXT.Process(target=programs.enter, args=(tuple(command), folder, output, errors))
        with _STARTING:
            process.start()
        try:
            ended = connection.wait([process.sentinel], _LIMIT)
        finally:
            with _STARTING:
                if process.is_alive():
                    process.terminate()
                process.join()
        shown = shlex.join(command)
        if not ended:
            raise CommandError(f"{shown}\ndid not end within {_LIMIT} s")
        said = output.read_text()
        if process.exitcode != expected:
            complaint = errors.read_text() or said
            raise CommandError(f"{shown}\nended with {process.exitcode}, not {expected}:\n{complaint}")
        return said
