"""The one file of an SQLite database, which must stay where it was found.

A file that is moved or deleted lives on in processes that have it open: SQLite goes on writing to it, and what was
acknowledged is lost once the process has ended. Where a name leads nowhere, SQLite makes an empty database.
Neither may happen to a registry (P6): at the beginning and at the end of every transaction it looks whether the name
still leads to the file that was opened, and only a migration makes a new one.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from registry_server.storage.errors import StorageError, StorageFault
from registry_server.storage.read_only import fault_of, unwritable

if TYPE_CHECKING:
    from typing import Self

    from sqlalchemy import URL

__all__ = ["SqliteFile", "is_missing", "located"]

_IN_MEMORY = ":memory:"
_MODE = 0o600


class SqliteFile:
    """An existing database file, identified by device and inode.

    Args:
        url: of the database.
        path: where it is.

    Raises:
        StorageError: it is not there, or cannot be written.
    """

    def __init__(self, url: URL, path: Path) -> None:
        self.path = path
        self.url = located(url, path)
        self._opened = self._identity()
        if why := unwritable(path):
            raise StorageError(StorageFault.READ_ONLY, why)

    @classmethod
    def of(cls, url: URL) -> Self | None:
        """Return the file of a database; None where it has none.

        Raises:
            StorageError: it is not there, or cannot be written.
        """
        path = _path(url)
        return None if path is None else cls(url, path)

    @classmethod
    def make(cls, url: URL) -> None:
        """Make the empty file of a new database, for its owner alone; SQLite gives its log the same mode.

        Raises:
            StorageError: it cannot be made.
        """
        path = _path(url)
        if path is None or path.exists():
            return
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _MODE))
        except OSError as error:
            raise StorageError(fault_of(error), f"{path}: {error.strerror}") from None

    def keep_private(self) -> None:
        """Set mode 0600 on the file and on SQLite's files beside it.

        Raises:
            StorageError: it belongs to another user.
        """
        for suffix in ("", "-wal", "-shm"):
            file = self.path.with_name(self.path.name + suffix)
            try:
                if stat.S_IMODE(file.stat().st_mode) & ~_MODE:
                    file.chmod(_MODE)
            except FileNotFoundError:
                continue
            except OSError as error:
                raise StorageError(fault_of(error), f"{file}: {error.strerror}") from None

    def check(self) -> None:
        """Check that the name still leads to the file that was opened.

        Raises:
            StorageError: it leads to none or to another one; what is being written may be found by nobody.
        """
        if self._identity() != self._opened:
            raise StorageError(StorageFault.GONE, f"{self.path} is another file than the one that was opened")

    def _identity(self) -> tuple[int, int]:
        try:
            found = os.stat(self.path)  # noqa: PTH116 - twice a commit; Path.stat takes longer
        except OSError as error:
            advice = (
                "; docs/operating.md says how a lost one is restored" if isinstance(error, FileNotFoundError) else ""
            )
            raise StorageError(fault_of(error), f"{self.path}: {error.strerror}{advice}") from None
        return found.st_dev, found.st_ino


def located(url: URL, path: Path) -> URL:
    """Return the URL under which SQLite opens a file and never makes one."""
    return url.set(database=f"file:{quote(str(path))}", query={**url.query, "mode": "rw", "uri": "true"})


def is_missing(url: URL) -> bool:
    """Whether this is a database in a file, and the file is not there."""
    path = _path(url)
    return path is not None and not path.exists()


def _path(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite" or not url.database or url.database == _IN_MEMORY:
        return None
    return Path(url.database).absolute()
