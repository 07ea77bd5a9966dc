"""Files and folders that take no writes: which of them it is, why, and what to do about it."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

from registry_server.serving.full_disk import is_full
from registry_server.storage.errors import StorageFault

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["fault_of", "is_read_only", "unwritable"]

# The file system is mounted to be read alone; the file or its folder belongs to another user.
_ERRNO = frozenset((errno.EROFS, errno.EACCES, errno.EPERM))
# Others that begin alike mean that the file was moved, or what a crash has left of it.
_SQLITE = frozenset(("SQLITE_READONLY", "SQLITE_READONLY_DIRECTORY", "SQLITE_READONLY_CANTINIT"))
_ELSEWHERE = "copy the registry's folder to where it can be written, and name the copy with --home"


def is_read_only(error: object) -> bool:
    """Return whether an error of the operating system or of sqlite3 says that there can be no writing."""
    if isinstance(error, OSError) and error.errno in _ERRNO:
        return True
    return getattr(error, "sqlite_errorname", "") in _SQLITE


def fault_of(error: object) -> StorageFault:
    """Return what an error of a file means for what is kept in it."""
    if is_full(error):
        return StorageFault.FULL
    return StorageFault.READ_ONLY if is_read_only(error) else StorageFault.GONE


def unwritable(path: Path) -> str:
    """Return why an existing file, or another one beside it, cannot be written, and what to do; empty where both can.

    A database is read through a journal that lies beside it, so that reading it writes as well.
    """
    for place, mode in ((path.parent, os.W_OK | os.X_OK), (path, os.R_OK | os.W_OK)):
        if os.access(place, mode):
            continue
        if os.statvfs(place).f_flag & os.ST_RDONLY:
            return (
                f"{place} is on a file system that is mounted to be read only: mount it to be written, or {_ELSEWHERE}"
            )
        return f"{place} cannot be written by this user: run the command as the user of the registry, or {_ELSEWHERE}"
    return ""
