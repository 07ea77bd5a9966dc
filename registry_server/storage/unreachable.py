"""Error message for an unreachable database: address and cause, without secrets.

The text is for the operator's terminal. Clients get the kind of the failure alone (usecases.failures).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from registry_server.storage.errors import StorageError, StorageFault

if TYPE_CHECKING:
    from sqlalchemy import URL
    from sqlalchemy.exc import DBAPIError

__all__ = ["unreachable"]

_DEFAULT_PORT = 5432
# A shorter secret counts where it is a word of its own: a single letter is part of almost every line.
_LONG_ENOUGH = 4


def unreachable(url: URL, error: DBAPIError) -> StorageError:
    """Return the error that names host, port and database, never the user, the password or what follows the ``?``.

    Args:
        url: of the database.
        error: of the attempt to open it.
    """
    if url.get_backend_name() != "postgresql":
        return StorageError(StorageFault.GONE, type(error.orig).__name__)
    place = f"{url.database or 'the default database'} at {_hosts(url)}"
    return StorageError(StorageFault.GONE, f"{place}: {_reason(url, error)}{_advice(error)}")


def _hosts(url: URL) -> str:
    several = url.query.get("host", "")
    if isinstance(several, tuple):
        return f"any of {len(several)} hosts"
    host = url.host or "the driver's own host"
    shown = f"[{host}]" if ":" in host else host
    return f"{shown}:{url.port or _DEFAULT_PORT}"


def _advice(error: DBAPIError) -> str:
    """Return what to do where a pooler refuses what a session asks for."""
    refused = "unsupported startup parameter: options" in str(error.orig)
    return "; behind PgBouncer let the URL say ?pooler=transaction" if refused else ""


def _reason(url: URL, error: DBAPIError) -> str:
    """Return the first line of the driver's words where no secret is in it, else the code or the name of the error."""
    first = (str(error.orig).splitlines() or [""])[0]
    # Before these words the driver says where it tried.
    said = first.rpartition(" failed: ")[2].strip()
    if said and not any(_says(said, secret) for secret in _secrets(url)):
        return said
    return getattr(error.orig, "sqlstate", None) or type(error.orig).__name__


def _secrets(url: URL) -> set[str]:
    secrets = {url.username or "", str(url.password or "")}
    for name, values in url.query.items():
        secrets |= {name, *([values] if isinstance(values, str) else values)}
    return secrets - {""}


def _says(text: str, secret: str) -> bool:
    pattern = re.escape(secret)
    return bool(re.search(pattern if len(secret) >= _LONG_ENOUGH else rf"(?<!\w){pattern}(?!\w)", text))
