"""Cosignatures of the witnesses that a member trusts, as they tell of the log of an answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.kernel.formats.moment import moment
from client_sdk.kernel.ledger.head_time import CLOCKS_DIFFER_MS
from client_sdk.models.witnessed import Witnessed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.kernel.formats.witness_quorum import WitnessQuorum
    from client_sdk.kernel.ledger.cosigned import Cosigned

__all__ = ["witnessed"]


def witnessed(
    cosigned: Cosigned | None, size: int, quorums: Sequence[WitnessQuorum], now_ms: int | None = None
) -> Witnessed | None:
    """Return what a quorum has cosigned of a log; None where no witnesses are demanded.

    Args:
        cosigned: verified to be of one history with the log; None where the registry holds nothing.
        size: leaves of the log.
        quorums: that the reader demands, all of which must be met.
        now_ms: the reader's clock, ms since 1970 UTC: a cosignature from beyond it, and a minute more, counts for
            nothing. None for a file, which is read at any time.

    Raises:
        FormatError: the line of a trusted witness does not verify.
    """
    if not quorums:
        return None
    latest = None if now_ms is None else (now_ms + CLOCKS_DIFFER_MS) // 1_000
    at = None if cosigned is None else cosigned.met_at(quorums, latest)
    if cosigned is None or at is None:
        return Witnessed()
    return Witnessed(size=cosigned.size, at=moment(at * 1_000), whole=cosigned.size >= size)
