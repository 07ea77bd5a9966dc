"""Removal of an entry from the courts' list of dishonest judgment debtors, and by when the copy is withdrawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import Plain

if TYPE_CHECKING:
    from datetime import date

__all__ = ["ListingRemoval"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingRemoval(Plain):
    """By when a LISTING must be withdrawn.

    Attributes:
        removed_on: day on which the court removed the entry.
        due_on: last day on which the copy is withdrawn: the third working day after it.
        today: in the registry's legal time zone.
    """

    removed_on: date
    due_on: date
    today: date

    @property
    def late(self) -> bool:
        """Whether that day is over."""
        return self.today > self.due_on
