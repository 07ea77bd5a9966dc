"""Acts on their way into the log, as administrators see them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from datetime import datetime

    from client_sdk.kernel.formats.act import Act
    from client_sdk.kernel.formats.leaf import Approval
    from client_sdk.kernel.formats.plain import Json

__all__ = ["Approved", "ProposalView"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalView(Plain):
    """An act that waits for signatures.

    Attributes:
        proposal_id: SHA-256 of the payload, 32 bytes.
        payload: canonical Act, what is signed.
        act: the same, parsed.
        approvals: signatures so far, ascending by key id; those of known administrators were verified.
        approved_by: institution ids of the administrators who have signed.
        threshold: how many must sign.
        proposed_at: when it was proposed, UTC.
        lapses_at: when it is gone unless enough have signed, UTC.
    """

    proposal_id: bytes
    payload: bytes = field(repr=False)
    act: Act
    approvals: tuple[Approval, ...]
    approved_by: tuple[str, ...]
    threshold: int
    proposed_at: datetime
    lapses_at: datetime

    def to_dict(self) -> dict[str, Json]:
        """Return the fields as ``Plain.to_dict`` does, and the type of the act's body, e.g. ``KeyGrantBody``."""
        return {**Plain.to_dict(self), "body_type": type(self.act.body).__name__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Approved(Plain):
    """Result of a proposal or an approval.

    Attributes:
        proposal: how it stands.
        index: place of the act in the log; None while signatures are missing.
        leaf: of the act; empty while signatures are missing.
    """

    proposal: ProposalView
    index: int | None = None
    leaf: bytes = field(default=b"", repr=False)

    @property
    def logged(self) -> bool:
        """Whether the threshold was reached and the act is in the log."""
        return self.index is not None
