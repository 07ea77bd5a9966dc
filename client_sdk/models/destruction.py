"""Certificate that a registry has destroyed its data, already verified (proto/README.md 8)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, datetime

__all__ = ["DestructionCertificate"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DestructionCertificate(Plain):
    """What a registry has said last, signed, of the data that it held.

    Attributes:
        registry: its name.
        destroyed_at: when its data was destroyed, UTC.
        rows: of each table that was destroyed.
        way: word for where the data went: TRANSFER, HAND_OVER or DESTROY.
        successor: name of the registry that holds an export; empty where the data was destroyed for good.
        open_until: last day on which members were served.
        approval: number of the supervisor's document.
        index: place of the closing act in the log.
        size: leaves of the log.
        root: of all of them, 32 bytes: old checkpoints and evidence stay true under it.
    """

    registry: str
    destroyed_at: datetime
    rows: Mapping[str, int] = field(default_factory=dict)
    way: str
    successor: str
    open_until: date
    approval: str
    index: int
    size: int
    root: bytes
