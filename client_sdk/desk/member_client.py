"""The client of the desk's member, opened when it is first needed.

Before the founding of a registry an administrator's home has neither certificate nor trust root, and nothing to open a
client with: its desk then guides through the founding, and goes on as soon as both are there.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from client_sdk.client import Client
from client_sdk.clock import clock_ms
from client_sdk.errors import ConfigError
from client_sdk.forms import day_of
from client_sdk.models import KeyUsage
from client_sdk.verification import read_trust_root

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date

    from client_sdk.config import ClientConfig

__all__ = ["MemberClient"]


class MemberClient:
    """The client of a member; thread-safe.

    Args:
        config: of the member.
        clock: returns ms since 1970 UTC.
    """

    def __init__(self, config: ClientConfig, clock: Callable[[], int] = clock_ms) -> None:
        self._config = config
        self._clock = clock
        self._lock = threading.Lock()
        self._client: Client | None = None
        self._time_zone = ""

    @property
    def founding(self) -> bool:
        """Whether this is the home of an administrator that still lacks certificate or trust root."""
        config = self._config
        files = (config.trust_root_file, config.tls_certificate, config.tls_ca)
        return KeyUsage.ADMINISTER in config.keys and not all(file.exists() for file in files)

    def open(self) -> Client:
        """Return the client.

        Raises:
            ConfigError: settings, trust root, TLS files or keys are not in order.
        """
        with self._lock:
            if self._client is None:
                if self.founding:
                    raise ConfigError("this home has no certificate or no trust root yet: follow the page Founding")
                self._client = Client(self._config)
            return self._client

    @property
    def today(self) -> date:
        """The day in the registry's legal time zone, which rules and due days are in.

        Raises:
            ConfigError: there is no trust root that can be read.
        """
        if not self._time_zone:
            self._time_zone = read_trust_root(self._config.trust_root_file).time_zone
        return day_of(self._clock(), self._time_zone)

    def close(self) -> None:
        """Close the client."""
        with self._lock:
            if self._client is not None:
                self._client.close()
