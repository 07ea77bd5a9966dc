"""Demands of a member on those who cosign the log of an answer, by the directory under which it was given.

An answer of now is held against the newest directory. Evidence is held against the one that its own leaves make, as far
as this home has followed the acts: witnesses and auditors that the rulebook named then, and members that were active
then. So a key that was replaced since does not make old evidence worthless, and one that was given since proves nothing
of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk._protocol.replayed import Demands, ReplayTrust
from client_sdk.kernel.ledger.replay_keys import idle_auditors

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.following.core import DirectoryFollower
    from client_sdk.kernel.formats.witness_quorum import WitnessQuorum
    from client_sdk.kernel.ledger.directory import Directory
    from client_sdk.kernel.ledger.trust_root import TrustRoot

__all__ = ["EvidenceDemands", "replay_trust"]


@dataclass(frozen=True, slots=True)
class EvidenceDemands:
    """Demands of one member, by the size of an answer's log.

    Attributes:
        follower: knows the acts; before its first round the trust root counts alone.
        own: witnesses that the member demands beside those of the rulebook; None for none.
        max_lag: seconds, of the auditors' replay.
        quorums: witnesses that the reader names instead of all these; None for none.
        replaying: likewise auditors; one whose quorum is "none" trusts nobody.
    """

    follower: DirectoryFollower
    own: WitnessQuorum | None
    max_lag: float
    quorums: Sequence[WitnessQuorum] | None = None
    replaying: WitnessQuorum | None = None

    def __call__(self, size: int) -> Demands:
        """Return what is demanded of an answer whose log has so many leaves."""
        root, view = self.follower.trust_root, self.follower.view
        directory = None if view is None else view.at(size)
        quorum = root.quorum if directory is None else directory.rulebook.quorum
        own = tuple(each for each in (quorum, self.own) if each is not None)
        quorums = own if self.quorums is None else tuple(self.quorums)
        if self.replaying is not None:
            return Demands(quorums, ReplayTrust.of(self.replaying, self.max_lag))
        return Demands(quorums, replay_trust(directory, root, self.max_lag))


def replay_trust(directory: Directory | None, root: TrustRoot, max_lag: float) -> ReplayTrust:
    """Return whose replay of the log counts under a directory; None for that which the trust root makes."""
    if directory is None:
        return ReplayTrust(root.replaying, max_lag)
    return ReplayTrust(directory.rulebook.replaying, max_lag, idle_auditors(directory))
