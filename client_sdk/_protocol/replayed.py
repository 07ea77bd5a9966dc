"""Cosignatures of the auditors that a member trusts, as they tell of the log of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.formats.witness_quorum import NO_QUORUM
from client_sdk.kernel.ledger.cosigned import replayed_up_to
from client_sdk.models.replayed import REPLAY_MAX_LAG, Replayed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.note import VerifierKey
    from client_sdk.kernel.formats.witness_quorum import WitnessQuorum
    from client_sdk.kernel.ledger.cosigned import Cosigned

__all__ = ["NONE_NAMED", "Demands", "DemandsAt", "ReplayTrust", "nothing_demanded", "replayed"]


class ReplayTrust(NamedTuple):
    """What a reader demands of auditors that rebuild the log.

    Attributes:
        quorum: the auditors, and how many of them; None where the rulebook names none.
        max_lag: seconds between their replay and an answer, above which the answer is labelled late.
        idle: keys of the quorum that do not count, as their owners are no active auditors.
    """

    quorum: WitnessQuorum | None = None
    max_lag: float = REPLAY_MAX_LAG
    idle: frozenset[VerifierKey] = frozenset()

    @classmethod
    def of(cls, named: WitnessQuorum | None, max_lag: float) -> ReplayTrust:
        """Return the trust in the auditors that a reader names; one whose quorum is "none" trusts nobody."""
        return cls(None if named is None or named.quorum == NO_QUORUM else named, max_lag)


NONE_NAMED = ReplayTrust()


class Demands(NamedTuple):
    """What the reader of an answer demands of those who cosign its log.

    Attributes:
        quorums: witnesses, each of which must be met.
        replay: auditors that rebuild the log.
    """

    quorums: tuple[WitnessQuorum, ...] = ()
    replay: ReplayTrust = NONE_NAMED


class DemandsAt(Protocol):
    """Says what is demanded of an answer whose log has so many leaves."""

    def __call__(self, size: int, /) -> Demands:
        """Return the demands that hold for it."""
        ...


def nothing_demanded(_size: int) -> Demands:
    """Demand nothing, of any answer."""
    return Demands()


def replayed(shown: Sequence[Cosigned], as_of: int, trust: ReplayTrust) -> Replayed:
    """Return how far auditors have replayed the log of an answer.

    Args:
        shown: verified to be of one history with the log.
        as_of: of the answer, ms since 1970 UTC.
        trust: of the reader.

    Raises:
        FormatError: the line of a trusted auditor does not verify.
    """
    if trust.quorum is None:
        return Replayed()
    found = replayed_up_to(shown, trust.quorum, trust.idle)
    if found is None:
        return Replayed(named=True)
    # Either way: a clock that is so far ahead says nothing of when the log was rebuilt.
    late = abs(as_of - found.at * 1_000) > trust.max_lag * 1_000
    return Replayed(size=found.size, at=moment(found.at * 1_000), late=late, named=True)
