"""Parquet and Arrow files, read in a process of their own (ADR 0092).

The library that reads them ends its process at some damaged bytes, by an exception in C++ that nothing catches. Here
such a file is refused as damaged (``TableError``), and the program goes on.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from os import strerror
from typing import IO, TYPE_CHECKING, Self

from client_sdk._helper_process import helper_environment
from client_sdk.errors import ConfigError
from client_sdk.tables.columnar import check_columns, numbered
from client_sdk.tables.columnar_lines import ENDED, ERRNO, NAMES, REFUSED, said
from client_sdk.tables.extra import check_library
from client_sdk.tables.values import TableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from client_sdk.tables.columnar import ColumnarKind
    from client_sdk.tables.columnar_lines import Said
    from client_sdk.tables.values import TableRow, Value

__all__ = ["PART_SECONDS", "ColumnFile", "end_readings"]

_MODULE = "client_sdk.tables.columnar_process"
# For some thousand rows: some tenths of a second, and for the first ones those of the start.
PART_SECONDS = 60.0
# Of some thousand rows in JSON: 32 MiB of texts, of which a character may take six, and other values.
_MOST_LINE = 256 * 1024 * 1024
_COPIED_BYTES = 1024 * 1024
# The library computes in one thread, and every byte that it takes is counted.
_ENVIRONMENT = {"ARROW_DEFAULT_MEMORY_POOL": "system", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


# Processes that read a file now.
_LIVING: set[subprocess.Popen[bytes]] = set()


def end_readings() -> None:
    """End all readings that are under way, as where the program ends; each fails as for a damaged file."""
    for process in list(_LIVING):
        process.kill()


class ColumnFile:
    """The table of a Parquet or Arrow file, which may be gone through again and again.

    Args:
        open_: opens its bytes, each time from their start.
        kind: its form.

    Attributes:
        names: of its columns.

    Raises:
        ConfigError: ``pyarrow`` is not installed, or no process can be started.
        TableError: it is damaged or encrypted, or has too many columns.
        OSError: it cannot be read.
    """

    def __init__(self, open_: Callable[[], IO[bytes]], kind: ColumnarKind) -> None:
        check_library("pyarrow")
        self._open, self._kind = open_, kind
        with self._reader() as reader:
            self.names = reader.names()

    def rows(self) -> Iterator[TableRow]:
        """Yield its rows, the first one under number 1; errors as of the class, and where there are too many rows."""
        with self._reader() as reader:
            if reader.names() != self.names:
                got = "a file that changes while it is read"
                raise TableError("file.form", got=got, want="a file that stays as it is")
            yield from numbered(reader.parts(len(self.names)))

    @contextmanager
    def _reader(self) -> Iterator[_FileReader]:
        with self._open() as file, _FileReader(file, self._kind) as reader:
            yield reader


class _FileReader:
    """The process that reads a file once, from its start to its end; used by one thread.

    Args:
        file: which it reads itself, or is sent where it is in memory.
        kind: its form.
    """

    def __init__(self, file: IO[bytes], kind: ColumnarKind) -> None:
        self._what = kind.value
        self._is_late = threading.Event()
        in_memory = not _has_descriptor(file)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", _MODULE, kind.name],
                stdin=subprocess.PIPE if in_memory else file,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=helper_environment("CREDIT_REGISTRY_") | _ENVIRONMENT,
            )
        except OSError as error:
            raise ConfigError(f"no process can be started that reads {self._what}: {error.strerror}") from error
        _LIVING.add(self._process)
        try:
            if in_memory:
                self._send(file)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        _LIVING.discard(self._process)
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(BrokenPipeError):
                    pipe.close()

    def names(self) -> list[str]:
        """Return the names of the columns, which come first.

        Raises:
            TableError: the file is refused.
            OSError: it cannot be read.
        """
        found = self._next()
        names = found.get(NAMES) if isinstance(found, dict) else None
        if not isinstance(names, list):
            raise self._damaged()
        columns = [str(name) for name in names]
        check_columns(columns)
        return columns

    def parts(self, width: int) -> Iterator[list[list[Value]]]:
        """Yield the values of the rows, some thousand rows at a time; errors as of ``names``.

        Args:
            width: how many columns there are.
        """
        while (found := self._next()) != ENDED:
            if not isinstance(found, list) or any(len(row) != width for row in found):
                raise self._damaged()
            yield found

    def _send(self, file: IO[bytes]) -> None:
        """Send what is in memory; a process that has ended takes no more of it."""
        assert self._process.stdin is not None  # noqa: S101 - a pipe
        with self._in_time(), suppress(BrokenPipeError), self._process.stdin as pipe:
            shutil.copyfileobj(file, pipe, _COPIED_BYTES)

    def _next(self) -> Said:
        """Return what the process says next."""
        assert self._process.stdout is not None  # noqa: S101 - a pipe
        with self._in_time():
            line = self._process.stdout.readline(_MOST_LINE)
        try:
            found = said(line) if line.endswith(b"\n") else {}
        except (ValueError, ArithmeticError, RecursionError):
            found = {}
        if not isinstance(found, dict):
            return found
        refused, number = found.get(REFUSED), found.get(ERRNO)
        if isinstance(refused, list):
            rule, got, want = map(str, refused)
            raise TableError(rule, got=got, want=want)
        if isinstance(number, int):
            raise OSError(number, strerror(number))
        if not found:
            raise self._damaged()
        return found

    def _damaged(self) -> TableError:
        """Return the error of a file at which the process has ended, or does not go on."""
        got = f"{self._what} that is damaged: the process that reads it breaks off"
        if self._is_late.is_set():
            got = f"{self._what} of which no row is read within {PART_SECONDS:.0f} seconds"
        return TableError("file.form", got=got, want=f"{self._what} that its program saves anew, or CSV UTF-8")

    @contextmanager
    def _in_time(self) -> Iterator[None]:
        """End the process where it takes too long, and with it what waits for it."""

        def end() -> None:
            self._is_late.set()
            self._process.kill()

        timer = threading.Timer(PART_SECONDS, end)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()


def _has_descriptor(file: IO[bytes]) -> bool:
    try:
        file.fileno()
    except OSError:
        return False
    return True
