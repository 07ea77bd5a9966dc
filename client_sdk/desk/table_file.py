"""A small TOML file of the desk in the home, mode 0600: rows by name, read again whenever it has changed."""

from __future__ import annotations

import json
import threading
import tomllib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

from filelock import FileLock, Timeout

from client_sdk.errors import ConfigError
from client_sdk.home import read_private, replace_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

__all__ = ["TableFile", "TableRow"]

R = TypeVar("R")
TableRow: TypeAlias = "Mapping[str, str | list[str]]"

_LOCK_SECONDS = 10.0


class TableFile(Generic[R]):
    """The rows of a file ``[table.NAME]``; thread-safe.

    Args:
        file: in the home of the member.
        table: name of its only table.
        maker: command that writes it, told in its first line.
        parse: makes a row of its name and of what stands in the file; raises ConfigError, whose text holds no secret.
        encode: writes a row.
    """

    def __init__(
        self,
        file: Path,
        table: str,
        maker: str,
        parse: Callable[[str, Mapping[str, object]], R],
        encode: Callable[[R], TableRow],
    ) -> None:
        self.file, self._table, self._maker = file, table, maker
        self._parse, self._encode = parse, encode
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._rows: dict[str, R] = {}

    def read(self) -> dict[str, R]:
        """Return the rows by name; none where there is no file.

        Raises:
            ConfigError: the file cannot be read, is readable for others, or is not in order.
        """
        with self._lock:
            seen = self._state()
            if seen is None:
                self._rows = {}
            elif seen != self._seen:
                self._rows = self._parsed(read_private(self.file))
            self._seen = seen
            return dict(self._rows)

    @contextmanager
    def changing(self) -> Iterator[dict[str, R]]:
        """Give the rows to be changed, and write them; one program at a time.

        Raises:
            ConfigError: as ``read``, or the file cannot be written.
        """
        lock = FileLock(self.file.with_name(f"{self.file.name}.lock"), mode=0o600)
        try:
            with lock.acquire(timeout=_LOCK_SECONDS):
                rows = self.read()
                yield rows
                replace_file(self.file, self._encoded(rows))
        except Timeout:
            raise ConfigError(f"{self.file} is being changed by another program: try again") from None
        except OSError as error:
            raise ConfigError(f"{self.file} cannot be written: {error.strerror}") from error

    def _state(self) -> tuple[int, int, int] | None:
        try:
            found = self.file.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError(f"{self.file} cannot be read: {error.strerror}") from error
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _encoded(self, rows: dict[str, R]) -> bytes:
        lines = [f"# Made by `{self._maker}`."]
        for name in sorted(rows):
            # A JSON string is a basic string of TOML, and a list of them an array.
            lines += ["", f"[{self._table}.{json.dumps(name)}]"]
            lines += [f"{key} = {json.dumps(value)}" for key, value in self._encode(rows[name]).items()]
        return ("\n".join(lines) + "\n").encode()

    def _parsed(self, data: bytes) -> dict[str, R]:
        try:
            content = tomllib.loads(data.decode())
        except (ValueError, RecursionError):
            raise ConfigError(f"{self.file} is no TOML") from None
        rows = content.get(self._table, {})
        if set(content) - {self._table} or not isinstance(rows, dict):
            raise ConfigError(f"{self.file}: want tables [{self._table}.NAME] alone")
        return {name: self._row(name, row) for name, row in rows.items()}

    def _row(self, name: str, row: object) -> R:
        if not isinstance(row, dict):
            raise ConfigError(f"{self.file}: want tables [{self._table}.NAME] alone")
        try:
            return self._parse(name, row)
        except ConfigError as error:
            raise ConfigError(f"{self.file}: {error}") from None
