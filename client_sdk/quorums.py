"""Quorums of witnesses and auditors that a member demands, by the files of its home: the followed rulebook's, its own.

Before the first act was followed, the rulebook is that of genesis. An answer names no witnesses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.following import DirectoryFollower, DirectoryKeeper
from client_sdk.kernel.formats.witness_quorum import WitnessQuorum

if TYPE_CHECKING:
    from client_sdk.config import ClientConfig

__all__ = ["WitnessQuorum", "quorums_of_home", "replaying_of_home"]


def quorums_of_home(config: ClientConfig) -> tuple[WitnessQuorum, ...]:
    """Return what the member of a home demands; nobody is asked.

    Raises:
        ConfigError: the trust root, the member's own policy or what is kept of the directory is missing or damaged.
    """
    follower = _followed(config)
    return tuple(quorum for quorum in (follower.quorum, config.own_quorum()) if quorum is not None)


def replaying_of_home(config: ClientConfig) -> WitnessQuorum | None:
    """Return the auditors whose replay of the log counts for the member of a home, from its files alone.

    Raises:
        ConfigError: the trust root, or what is kept of the directory, is missing or damaged.
    """
    return _followed(config).replaying


def _followed(config: ClientConfig) -> DirectoryFollower:
    follower = DirectoryFollower(config.trust_root())
    path = config.state_folder / "directory"
    if path.exists():
        DirectoryKeeper(follower, path)
    return follower
