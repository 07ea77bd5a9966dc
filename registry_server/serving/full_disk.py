"""Whether a failure is a full disk, by the code of the operating system or of the database."""

from __future__ import annotations

import errno

__all__ = ["is_full"]

# No room, a quota that is used up, a file that may not grow further.
_ERRNO = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
# disk_full of PostgreSQL's class 53.
_SQLSTATE = "53100"
_SQLITE = "SQLITE_FULL"


def is_full(error: object) -> bool:
    """Return whether an error of the operating system, of sqlite3 or of psycopg says that there is no room."""
    if isinstance(error, OSError) and error.errno in _ERRNO:
        return True
    return getattr(error, "sqlstate", "") == _SQLSTATE or getattr(error, "sqlite_errorname", "") == _SQLITE
