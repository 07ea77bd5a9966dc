"""A warning about a row that looks wrong although no rule forbids it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from client_sdk.kernel.formats.plain import LEFT_OUT, Plain

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["RowWarning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowWarning(Plain):
    """One thing in a report that is allowed and probably a mistake; it never keeps a row back.

    Attributes:
        row: line of the file or place in the input, counted from 1; 0 where nothing is counted.
        column: name of the column.
        rule: stable id of what looks wrong, e.g. ``money.hundredfold``.
        text: what it is, and what to look at; never an identity number, a name, an amount or another secret.
        cells: what the row says there, by column, an amount with its currency: shown to the person who reports alone,
            in no dictionary and no text.
        held: what the version before says there, where the warning compares the two.
    """

    row: int = 0
    column: str
    rule: str
    text: str
    cells: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False, metadata=LEFT_OUT)
    held: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False, metadata=LEFT_OUT)

    def __str__(self) -> str:
        place = f"row {self.row}: " if self.row else ""
        return f"{place}warning at {self.column}, rule {self.rule}: {self.text}"
