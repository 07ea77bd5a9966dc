"""Metro 2 base segments of 426 characters (CDIA Credit Reporting Resource Guide), as the table of a portfolio.

Its fields are headings, which a mapping brings to columns. Beside them stand ``standing``, ``days_past_due`` and
``collection_stage`` and ``ended_on``, which follow from dates and codes: the account status through the code list
``metro2-status``, held against the days between the two dates. What a segment cannot say is refused, row by row.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from client_sdk.kernel.rules.codes.crosswalk import days_of
from client_sdk.kernel.rules.errors import RuleError
from client_sdk.lending.refusal import refused
from client_sdk.tables.values import TableRow, Unclear

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from client_sdk.tables.values import Value

__all__ = ["BASE_LENGTH", "HEADINGS", "is_metro2", "metro2_rows"]

BASE_LENGTH = 426
_BEGINNING = b"0426"
# Records that are no account stand at both ends of a file.
_ENDS = frozenset(("HEADER", "TRAILE"))
_LIST = "metro2-status"
# 93 is assigned to collections, 97 an unpaid loss.
_UNPAID = {"93": "COLLECTING", "97": "WRITTEN_OFF"}
_PAID = frozenset(("61", "62", "63", "64", "65"))
_NINE_DIGITS = re.compile(r"[0-9]{9}")


class _Field(NamedTuple):
    """A field: name, first character counted from 1, length, and T for text, D for a day or M for money."""

    name: str
    start: int
    length: int
    kind: str = "T"


_FIELDS = (
    _Field("identification_number", 21, 20),
    _Field("consumer_account_number", 43, 30),
    _Field("portfolio_type", 73, 1),
    _Field("account_type", 74, 2),
    _Field("date_opened", 76, 8, "D"),
    _Field("account_status", 124, 2),
    _Field("payment_rating", 126, 1),
    _Field("special_comment", 151, 2),
    _Field("compliance_condition_code", 153, 2),
    _Field("current_balance", 155, 9, "M"),
    _Field("amount_past_due", 164, 9, "M"),
    _Field("original_charge_off_amount", 173, 9, "M"),
    _Field("date_of_account_information", 182, 8, "D"),
    _Field("date_of_first_delinquency", 190, 8, "D"),
    _Field("date_closed", 198, 8, "D"),
    _Field("date_of_last_payment", 206, 8, "D"),
    _Field("surname", 232, 25),
    _Field("first_name", 257, 20),
    _Field("social_security_number", 298, 9),
    _Field("date_of_birth", 307, 8, "D"),
    _Field("ecoa_code", 325, 1),
    _Field("country_code", 328, 2),
)
_DERIVED = ("standing", "days_past_due", "collection_stage", "ended_on")
HEADINGS = (*(field.name for field in _FIELDS), *_DERIVED)


def is_metro2(first: bytes) -> bool:
    """Say whether the first bytes of a file are those of a base segment or of its header record."""
    return first.startswith(_BEGINNING)


def metro2_rows(open_: Callable[[], BinaryIO]) -> Iterator[TableRow]:
    """Yield the accounts of a file, by their line; an empty row for a line without one.

    Raises:
        PreflightError: a line is no base segment, so that the lines after it cannot be told apart either.
    """
    with open_() as file:
        number = 0
        while line := file.readline(BASE_LENGTH + 3):
            number += 1
            text = line.rstrip(b"\r\n").decode("latin-1")
            if not text.strip():
                yield TableRow(number, [])
                continue
            if len(text) != BASE_LENGTH or not line.startswith(_BEGINNING):
                want = f"base segments of {BASE_LENGTH} characters, one a line, without appended segments"
                raise refused(number, "file", "metro2.segment", want, got=f"{len(text)} characters")
            yield TableRow(number, [] if text[4:10] in _ENDS else _values(text))


def _values(text: str) -> list[Value]:
    values = {field.name: _value(field, text[field.start - 1 : field.start - 1 + field.length]) for field in _FIELDS}
    return [*values.values(), *_derived(values)]


def _value(field: _Field, text: str) -> Value:
    if field.kind == "D":
        return _day(text)
    if field.kind == "M":
        # Whole units of the currency; blanks where nothing is reported.
        if not text.strip():
            return None
        return Decimal(text) if _NINE_DIGITS.fullmatch(text) else Unclear("metro2.amount", "no 9 digits", "9 digits")
    return text.strip()


def _day(text: str) -> Value:
    """Return a day that is written MMDDYYYY; zeros are none."""
    if not text.strip(" 0"):
        return None
    try:
        return date(int(text[4:]), int(text[:2]), int(text[2:4])) if text.isascii() and text.isdigit() else _no_day()
    except ValueError:
        return _no_day()


def _no_day() -> Unclear:
    return Unclear("metro2.day", "8 characters that are no day", "a day as MMDDYYYY")


def _derived(values: dict[str, Value]) -> list[Value]:
    """Return standing, days past due, stage of the collection, and the day on which a paid debt ended."""
    status, as_of = str(values["account_status"]), values["date_of_account_information"]
    began = values["date_of_first_delinquency"]
    if status in _PAID:
        return ["CURED", _days(as_of, began), "ENDED", values["date_closed"]]
    days = _days(as_of, began)
    if status in _UNPAID:
        return ["OPEN", days, _UNPAID[status], None]
    try:
        wanted = days_of(status, _LIST, as_of if isinstance(as_of, date) else date.max)
    except RuleError:
        wanted = None
    if wanted is None or wanted.least == 0:
        got = "an account status that is no default" if wanted else "an account status that has no standing here"
        refusal = Unclear("metro2.status", got, "71, 78, 80, 82, 83, 84, 93 or 97, or 61 to 65 once it is paid")
        return [refusal, days, None, None]
    if isinstance(days, int) and not wanted.least <= days <= (wanted.most or days):
        most = "more" if wanted.most is None else str(wanted.most)
        days = Unclear("metro2.days", f"{days} days between the dates", f"{wanted.least} to {most}, as the status says")
    return ["OPEN", days, "COLLECTING", None]


def _days(as_of: Value, began: Value) -> Value:
    if not isinstance(as_of, date) or not isinstance(began, date):
        return Unclear("metro2.days", "no date of first delinquency or of account information", "both")
    return (as_of - began).days
