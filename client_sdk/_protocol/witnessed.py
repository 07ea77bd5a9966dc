"""Cosignatures of the witnesses that a member trusts, as they tell of the log of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.moment import moment
from client_sdk.models.witnessed import Witnessed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.witness_quorum import WitnessQuorum
    from client_sdk.kernel.ledger.cosigned import Cosigned

__all__ = ["witnessed"]


def witnessed(cosigned: Cosigned | None, size: int, quorums: Sequence[WitnessQuorum]) -> Witnessed | None:
    """Return what a quorum has cosigned of a log; None where no witnesses are demanded.

    Args:
        cosigned: verified to be of one history with the log; None where the registry holds nothing.
        size: leaves of the log.
        quorums: that the reader demands, all of which must be met.

    Raises:
        FormatError: the line of a trusted witness does not verify.
    """
    if not quorums:
        return None
    at = None if cosigned is None else cosigned.met_at(quorums)
    if cosigned is None or at is None:
        return Witnessed()
    return Witnessed(size=cosigned.size, at=moment(at * 1_000), whole=cosigned.size >= size)
