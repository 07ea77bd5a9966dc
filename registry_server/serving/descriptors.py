"""Open files of the process: connections never take those that the database and the log need."""

from __future__ import annotations

import resource

__all__ = ["RESERVED", "connections_within", "raise_limit"]

# Left for the database, its files, the listening sockets, metrics and the program's own files.
RESERVED = 256
# More is not asked for: some systems set the hard limit to a billion, and tables are made for as many.
_ENOUGH = 65_536


def raise_limit() -> int:
    """Raise this process's soft limit of open files to the hard one; return what it is then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else min(hard, _ENOUGH)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return _ENOUGH if soft == resource.RLIM_INFINITY else soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted


def connections_within(most: int) -> int:
    """Return how many connections may be open: no more than wanted, nor than the limit of open files leaves.

    Args:
        most: what the settings allow.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    left = most if soft == resource.RLIM_INFINITY else soft - RESERVED
    # A limit below the reserve is one for tests of something else; a quarter is left to connections then.
    return max(1, min(most, left if left > 0 else soft // 4))
