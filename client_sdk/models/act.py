"""Acts in the log, as every member sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.models.moment import moment

if TYPE_CHECKING:
    from datetime import datetime

    from client_sdk.kernel.formats.act import Act

__all__ = ["LoggedAct"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedAct:
    """An act that was followed from the trust root: its signatures, its number and its place were verified.

    Attributes:
        index: place of its leaf in the log.
        logged_at_ms: milliseconds since 1970 UTC that the leaf carries.
        leaf: its bytes.
        act: what was decided, parsed.
        approved_by: institution ids of the administrators who signed, ascending.
    """

    index: int
    logged_at_ms: int
    leaf: bytes
    act: Act
    approved_by: tuple[str, ...]

    @property
    def logged_at(self) -> datetime:
        """When it was logged, UTC."""
        return moment(self.logged_at_ms)
