"""Backups of the database, encrypted to a key whose secret half the registry never has, and their restore.

keys         backup keygen    the pair of keys
container    the file         header in clear, rows in an authenticated stream that cannot be cut short unseen
making       backup make      one snapshot of the database, while it is served
restoring    restore          into an empty database, verified, and compared with what was signed last
refilling    refill           leaves that were signed since
sources                       copies of the log elsewhere
"""

from __future__ import annotations

from client_sdk.kernel.formats.moment import DAY_MS

__all__ = ["MAX_AGE_DAYS", "MAX_AGE_MS", "BackupError"]

# What was erased since is still in it, so that no backup is kept for longer (THREATS.md).
MAX_AGE_DAYS = 35
MAX_AGE_MS = MAX_AGE_DAYS * DAY_MS


class BackupError(RuntimeError):
    """A backup cannot be made, or is damaged, foreign or too old; the text says why and what to do."""
