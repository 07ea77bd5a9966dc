"""Confirmation of an answer's log by auditors that have rebuilt it: how far, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["REPLAY_MAX_LAG", "Replayed"]

# Seconds; what a reader demands that says nothing.
REPLAY_MAX_LAG = 86_400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed(Plain):
    """How much of the log enough auditors have replayed and found in order, the map rebuilt.

    Only such a replay shows that no record was left out of the map: what an answer proves about a person rests on it.

    Attributes:
        size: leaves that enough of the named auditors have replayed; 0 where too few have, or none is named.
        at: when they had begun to, by their clocks, or when the HEAD that they rebuilt was logged, whichever is
            earlier, UTC; None where size is 0.
        late: whether that was longer before the answer than the reader's ``replay_max_lag``, or never.
        named: whether the rulebook, or the reader, names auditors that rebuild the log at all.
    """

    size: int = 0
    at: datetime | None = None
    late: bool = True
    named: bool = False
