"""Input files that are read to their end: regular ones, of limited length.

A pipe could wait for its writer for ever, and a device may have no end.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from io import BufferedReader
    from pathlib import Path

__all__ = ["MAX_BYTES", "open_regular", "read_whole"]

# More than any file that is kept in memory and has no limit of its own.
MAX_BYTES = 16 * 1024 * 1024
_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
}


def open_regular(path: Path) -> BufferedReader:
    """Open a regular file to read it.

    Raises:
        OSError: it is something else, or cannot be opened; ``strerror`` says what.
    """
    # The opening of a pipe waits for who writes, unless it is said not to.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    kind = stat.S_IFMT(os.fstat(descriptor).st_mode)
    if kind != stat.S_IFREG:
        os.close(descriptor)
        raise OSError(errno.EINVAL, f"it is no regular file but {_KINDS.get(kind, 'a device')}", str(path))
    return os.fdopen(descriptor, "rb")


def read_whole(path: Path, most: int = MAX_BYTES) -> bytes:
    """Return the bytes of a regular file.

    Args:
        path: of the file.
        most: bytes that it may have.

    Raises:
        OSError: it is no regular file, is longer, or cannot be read; ``strerror`` says what.
    """
    with open_regular(path) as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(errno.EFBIG, f"it is longer than {most:,} bytes", str(path))
    return data
