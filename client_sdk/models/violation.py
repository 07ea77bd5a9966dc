"""Broken rules, as pre-flight and the registry report them."""

from __future__ import annotations

from dataclasses import dataclass

from client_sdk.kernel.formats.plain import Plain

__all__ = ["Violation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation(Plain):
    """One broken rule.

    Attributes:
        row: line of the file or place in the input, counted from 1; 0 where nothing is counted.
        reason: stable word of the error catalogue, e.g. ``NOTICE_LATE``.
        field: path of the field, e.g. ``facts.notice.sent_at``, or the name of a column.
        rule: stable id of the rule.
        got: what was found; never an identity number, a name, an amount or another secret.
        want: what the rule asks for.
    """

    row: int = 0
    reason: str
    field: str
    rule: str
    got: str = ""
    want: str = ""

    def __str__(self) -> str:
        place = f"row {self.row}: " if self.row else ""
        detail = [f"got {self.got}"] if self.got else []
        detail += [f"want {self.want}"] if self.want else []
        return f"{place}{self.reason} at {self.field}, rule {self.rule}" + (f" ({', '.join(detail)})" if detail else "")
