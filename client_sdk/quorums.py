"""Quorums of witnesses and auditors that a member demands, by the files of its home: the followed rulebook's, its own.

Before the first act was followed, the rulebook is that of genesis. An answer names no witnesses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk._protocol.replayed import DemandsAt
from client_sdk.following import DirectoryFollower, DirectoryKeeper, EvidenceDemands
from client_sdk.kernel.formats.witness_quorum import WitnessQuorum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.config import ClientConfig

__all__ = ["DemandsAt", "WitnessQuorum", "demands_of_home", "quorums_of_home"]


def quorums_of_home(config: ClientConfig) -> tuple[WitnessQuorum, ...]:
    """Return the witnesses that the member of a home demands of the newest log; nobody is asked.

    Raises:
        ConfigError: the trust root, the member's own policy or what is kept of the directory is missing or damaged.
    """
    follower = _followed(config)
    return tuple(quorum for quorum in (follower.quorum, config.own_quorum()) if quorum is not None)


def demands_of_home(
    config: ClientConfig,
    quorums: Sequence[WitnessQuorum] | None = None,
    replaying: WitnessQuorum | None = None,
    replay_max_lag: float | None = None,
) -> EvidenceDemands:
    """Return what the member of a home demands of evidence, by the size of its log; nobody is asked.

    Args:
        config: of the home.
        quorums: witnesses instead of those of the rulebook and its own; None for those.
        replaying: likewise auditors that rebuild the log; one whose quorum is "none" trusts nobody.
        replay_max_lag: seconds; None for what the home says.

    Raises:
        ConfigError: as ``quorums_of_home``.
    """
    lag = config.replay_max_lag if replay_max_lag is None else replay_max_lag
    return EvidenceDemands(_followed(config), config.own_quorum(), lag, quorums, replaying)


def _followed(config: ClientConfig) -> DirectoryFollower:
    follower = DirectoryFollower(config.trust_root())
    path = config.state_folder / "directory"
    if path.exists():
        DirectoryKeeper(follower, path)
    return follower
