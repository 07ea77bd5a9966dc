"""Storage for what grows with the log while a command replays it, so that its memory is bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._state_file import StateFile

if TYPE_CHECKING:
    from registry_server.settings import Settings

__all__ = ["replay_state"]


def replay_state(settings: Settings) -> StateFile:
    """Return a file of the registry's folder, to be used as a block; encrypted, and without a name while it is open.

    Raises:
        ConfigError: when used: the folder takes no file, or its disk is full.
    """
    return StateFile(settings.home / "replay.state")
