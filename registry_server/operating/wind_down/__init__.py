"""The end of a registry: its data exported, taken over by a successor, and destroyed under supervision.

    exporting       wind-down export, verify    a copy of the database that verifies by itself
    taking_over     wind-down take-over         the successor signs which export it holds
    destroying      wind-down destroy           everything is erased, and a certificate says so

Each may be interrupted anywhere, and is finished by being run again.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from client_sdk.kernel.rules.errors import RuleError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.kernel.ledger.closing import Closing
    from client_sdk.kernel.ledger.directory import Directory
    from registry_server.storage.unit_of_work import Database

__all__ = ["WindDownError", "closing_of", "no_progress", "while_not_served"]


# A connection that was closed just now is still counted for a moment.
_PATIENCE_SECONDS = 3.0
_PAUSE_SECONDS = 0.1


class WindDownError(RuntimeError):
    """The registry cannot be exported, taken over or destroyed like this; the text says why and what to do."""


def no_progress(_: str) -> None:
    """Report no progress: what is called after each step where a caller wants to hear of none."""


@contextmanager
def while_not_served(database: Database) -> Iterator[None]:
    """Check that no server of the registry runs on a database.

    Raises:
        WindDownError: one has connections to it.
    """
    ends = time.monotonic() + _PATIENCE_SECONDS
    while others := database.others():
        if time.monotonic() > ends:
            want = "stop every server of this registry first"
            raise WindDownError(f"{others} connections of other registry servers: {want}")
        time.sleep(_PAUSE_SECONDS)
    yield


def closing_of(directory: Directory) -> Closing:
    """Return how the administrators have closed a registry.

    Raises:
        RuleError: CLOSING_INVALID: no act has closed it.
    """
    if directory.closing is None:
        want = "an act that closes the registry: credit-registry act propose closing"
        raise RuleError("CLOSING_INVALID", "registry", "closing.decided", got="no closing act", want=want)
    return directory.closing
