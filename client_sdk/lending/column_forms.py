"""In which form each column of a portfolio is written: what its cells are in files that know numbers and days."""

from __future__ import annotations

from enum import Enum

from client_sdk.lending.column_guide import GUIDE, words_of_column

__all__ = ["FORMS", "MONEY", "ColumnForm", "form_of"]


class ColumnForm(Enum):
    """What a cell of a column holds."""

    # Text that no program may take for a number: leading zeros and the 16th digit would be lost.
    TEXT = "text"
    DAY = "day"
    TIME = "time"
    NUMBER = "number"
    FLAG = "flag"
    LIST = "list"


_FLAGS = frozenset(("estimated", "days_estimated"))
_LISTS = frozenset(("measures", "contacts", "grounds"))
_PARTS = ("principal", "interest", "penalty", "fees")
# Amounts of money, in minor units.
MONEY = frozenset((*_PARTS, *(f"executed_{part}" for part in _PARTS)))
_NUMBERS = MONEY | {"attempt", "days_past_due", "arrangement_instalments", "arrangement_paid"}
_DAYS = frozenset(("as_of", "retain_until", "listed_until"))


def _form(column: str) -> ColumnForm:
    if column.endswith(("_on", "_day", "_date")) or column in _DAYS:
        return ColumnForm.DAY
    if column == "notice_sent_at":
        return ColumnForm.TIME
    if column in _NUMBERS:
        return ColumnForm.NUMBER
    if column in _FLAGS:
        return ColumnForm.FLAG
    return ColumnForm.LIST if column in _LISTS else ColumnForm.TEXT


FORMS = {column: _form(column) for column in GUIDE}

_DIGESTS = frozenset(("notice_digest", "consent_digest"))
_WRITTEN = {ColumnForm.DAY: "YYYY-MM-DD", ColumnForm.NUMBER: "NUMBER", ColumnForm.FLAG: "TRUE|FALSE"}


def form_of(name: str) -> str:
    """Return in which form a column is written, such as ``YYYY-MM-DD`` or its words."""
    if words := words_of_column(name):
        return "|".join(words)
    if name in _DIGESTS:
        return "SHA256"
    return "MINOR-UNITS" if name in MONEY else _WRITTEN.get(FORMS[name], "TEXT")
