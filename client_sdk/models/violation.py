"""Broken rules, as pre-flight and the registry report them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from client_sdk.kernel.formats.complaint import Complaint
from client_sdk.kernel.formats.plain import Plain

__all__ = ["Violation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation(Complaint, Plain):
    """One broken rule, in the words of a complaint: ``reason``, ``field``, ``rule``, ``got`` and ``want``.

    ``field`` is a path, e.g. ``facts.notice.sent_at``, or the name of a column.

    Attributes:
        row: line of the file or place in the input, counted from 1; 0 where nothing is counted.
    """

    row: int = 0

    @classmethod
    def of(cls, complaint: Complaint, *, row: int = 0) -> Self:
        """Return the violation that a complaint makes of a row."""
        return cls(
            row=row,
            reason=complaint.reason,
            field=complaint.field,
            rule=complaint.rule,
            got=complaint.got,
            want=complaint.want,
        )

    def __str__(self) -> str:
        # No super(): dataclasses with slots are made twice.
        text = Complaint.__str__(self)
        return f"row {self.row}: {text}" if self.row else text
