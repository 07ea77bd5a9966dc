"""Private files, mode 0600, written durably and whole, and private folders, for the SDK and for both servers.

It imports nothing of ours and raises ``OSError`` alone, which ``client_sdk._files`` and
``registry_server.serving.files`` turn into ``ConfigError`` and ``FileError``.
"""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = [
    "FILE_MODE",
    "FOLDER_MODE",
    "OTHERS",
    "create",
    "create_for_sqlite",
    "destroy",
    "give_name",
    "replace",
    "replace_by",
    "sync",
    "take_folder",
]

FOLDER_MODE = 0o700
FILE_MODE = 0o600
# The bits of a mode with which group or others may read, write or enter.
OTHERS = 0o077


def take_folder(folder: Path) -> bool:
    """Make a folder with mode 0700, or take one that is there; an empty one is given that mode.

    Returns:
        False where others may enter it and it holds something already: it is then left as it is.

    Raises:
        OSError: it cannot be made, or the path leads to something else.
    """
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    if os.name != "posix" or not stat.S_IMODE(folder.stat().st_mode) & OTHERS:
        return True
    if any(folder.iterdir()):
        return False
    folder.chmod(FOLDER_MODE)
    return True


def create(path: Path, data: bytes) -> None:
    """Write a new file; nothing of it is left where that fails.

    Raises:
        FileExistsError: something is at the path.
        OSError: it cannot be written.
    """
    with _draft(path, data) as draft:
        give_name(draft, path)
    sync(path.parent)


def replace(path: Path, data: bytes) -> None:
    """Replace a file, or make it, atomically: a crash leaves the old one or the new one.

    Any number of threads and processes may do so at once; each crash may leave a draft beside the file.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    with _draft(path, data) as draft:
        draft.replace(path)
    sync(path.parent)


def replace_by(draft: Path, path: Path, data: bytes) -> None:
    """Replace a file as ``replace`` does, by a draft of that name, so that any number of crashes leaves one draft.

    Two that replace the same file at once must keep each other out: both would write the one draft.

    Raises:
        OSError: it cannot be written; the old one is still there.
    """
    _write(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE), data)
    draft.replace(path)
    sync(path.parent)


def give_name(draft: Path, path: Path) -> None:
    """Give a whole draft the name of a path at which nothing is; never over anything.

    Raises:
        FileExistsError: something is there.
        OSError: the folder takes no file.
    """
    try:
        # A link, unlike a rename, fails where something is.
        path.hardlink_to(draft)
    except FileExistsError:
        raise
    except OSError:
        # A file system without hard links: the name is taken first, then the draft put in the place of our own file.
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE))
        try:
            draft.replace(path)
        except OSError:
            path.unlink()
            raise


def create_for_sqlite(path: Path) -> None:
    """Make an empty file of mode 0600, if there is none: SQLite gives its -wal, -shm and -journal files the same mode.

    A file that is there is not opened. To close it would take the locks of SQLite off it, those of every connection of
    this process (POSIX), and another process would then delete the write-ahead log under them.

    Raises:
        OSError: it cannot be made.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE))


def sync(path: Path) -> None:
    """Make durable the content of a file, or the names in a folder.

    Raises:
        OSError: the system cannot.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def destroy(path: Path) -> None:
    """Overwrite a file with zeros, durably, and remove it.

    Raises:
        FileNotFoundError: it is not there.
        OSError: it cannot be overwritten or removed.
    """
    # It may be a key that its owner has made read-only.
    path.chmod(FILE_MODE)
    with path.open("r+b") as file:
        file.write(bytes(path.stat().st_size))
        file.flush()
        os.fsync(file.fileno())
    path.unlink()
    sync(path.parent)


@contextmanager
def _draft(path: Path, data: bytes) -> Iterator[Path]:
    """Yield a file beside a path that durably holds the data; it is gone afterwards, unless it was moved."""
    descriptor, name = tempfile.mkstemp(".new", f".{path.name}.", path.parent)
    try:
        _write(descriptor, data)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _write(descriptor: int, data: bytes) -> None:
    """Write the whole content durably, and close the file."""
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
