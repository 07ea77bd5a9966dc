"""Acts on their way into the log, as administrators see them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.models.moment import moment

if TYPE_CHECKING:
    from datetime import datetime

    from client_sdk.kernel.formats.act import Act
    from client_sdk.kernel.formats.leaf import Approval

__all__ = ["Approved", "ProposalView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView:
    """An act that waits for signatures.

    Attributes:
        proposal_id: SHA-256 of the payload, 32 bytes.
        payload: canonical Act, what is signed.
        act: the same, parsed.
        approvals: signatures so far, ascending by key id; those of known administrators were verified.
        approved_by: institution ids of the administrators who have signed.
        threshold: how many must sign.
        proposed_at_ms: milliseconds since 1970 UTC.
        lapses_at_ms: milliseconds since 1970 UTC.
    """

    proposal_id: bytes
    payload: bytes
    act: Act
    approvals: tuple[Approval, ...]
    approved_by: tuple[str, ...]
    threshold: int
    proposed_at_ms: int
    lapses_at_ms: int

    @property
    def lapses_at(self) -> datetime:
        """When it is gone, UTC."""
        return moment(self.lapses_at_ms)


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved:
    """Result of a proposal or an approval.

    Attributes:
        proposal: how it stands.
        index: place of the act in the log; None while signatures are missing.
        leaf: of the act; empty while signatures are missing.
    """

    proposal: ProposalView
    index: int | None = None
    leaf: bytes = b""

    @property
    def logged(self) -> bool:
        """Whether the threshold was reached and the act is in the log."""
        return self.index is not None
