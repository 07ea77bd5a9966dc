"""Acts in the log, as every member sees them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from datetime import datetime

    from client_sdk.kernel.formats.act import Act
    from client_sdk.kernel.formats.plain import Json

__all__ = ["LoggedAct"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedAct(Plain):
    """An act that was followed from the trust root: its signatures, its number and its place were verified.

    Attributes:
        index: place of its leaf in the log.
        logged_at: when it was logged, UTC: the time that the leaf carries.
        leaf: its bytes.
        act: what was decided, parsed.
        approved_by: institution ids of the administrators who signed, ascending.
    """

    index: int
    logged_at: datetime
    leaf: bytes = field(repr=False)
    act: Act
    approved_by: tuple[str, ...]

    def to_dict(self) -> dict[str, Json]:
        """Return the fields as ``Plain.to_dict`` does, and the type of the act's body, e.g. ``KeyGrantBody``."""
        return {**Plain.to_dict(self), "body_type": type(self.act.body).__name__}
