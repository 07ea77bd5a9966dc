"""The one-time link: how the person who started a desk without users gets in, and nobody else on the machine.

The name in it is below ``localhost`` and random: browsers send a cookie to every port of the host that set it, so that
under a name that others know a program of another local user could be sent the session of a person who visits it.
"""

from __future__ import annotations

import re
import secrets
import threading
import time

__all__ = ["StartLink", "is_name_of_a_run"]

_TOKEN_BYTES = 24
_NAME_BYTES = 8
# A link that was used, or asked for, too often would fill the terminal.
_PAUSE_SECONDS = 3.0
_NAME = re.compile(r"desk-[0-9a-f]{16}\.localhost")


class StartLink:
    """The links of one run; one is good at a time, and once."""

    def __init__(self) -> None:
        self.host = f"desk-{secrets.token_hex(_NAME_BYTES)}.localhost"
        self._lock = threading.Lock()
        self._token = ""
        self._made = float("-inf")

    def make(self) -> str:
        """Return the token of a new link; the one before is good no more."""
        with self._lock:
            self._token = secrets.token_urlsafe(_TOKEN_BYTES)
            self._made = time.monotonic()
            return self._token

    def wanted(self) -> bool:
        """Whether a visitor who is not signed in should be given a new link: the last one was used, a while ago."""
        with self._lock:
            return not self._token and time.monotonic() - self._made >= _PAUSE_SECONDS

    def use(self, token: str) -> bool:
        """Use a link up; return whether it was good."""
        with self._lock:
            good = bool(self._token) and secrets.compare_digest(token.encode(), self._token.encode())
            if good:
                self._token = ""
            return good


def is_name_of_a_run(host: str) -> bool:
    """Whether a host is named as the links of a desk are, of this run or of an earlier one."""
    return bool(_NAME.fullmatch(host))
