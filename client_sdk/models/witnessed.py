"""Confirmation of an answer's log by witnesses: how far, and when; and what a member demands of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["WitnessDemand", "Witnessed"]


class WitnessDemand(StrEnum):
    """What a member demands of witnesses, where a quorum is named at all."""

    # An answer counts once a quorum has cosigned its whole log: it is waited for, and UNVERIFIABLE without.
    STRICT = "strict"
    # An answer is given at once; that its log is the one that witnesses see is confirmed afterwards.
    FOLLOW_UP = "follow_up"
    # Nothing is looked at.
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Witnessed(Plain):
    """What a quorum of witnesses has cosigned of the log.

    Attributes:
        size: leaves of the newest checkpoint that a quorum has cosigned; 0 where there is none.
        at: when it had, by the witnesses' clocks, UTC; None where there is none. Where a home was shown more than is
            confirmed, no later than since when it awaits that.
        whole: whether all leaves that the answer rests on are among them.
    """

    size: int = 0
    at: datetime | None = None
    whole: bool = False
