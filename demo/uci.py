"""The real portfolio: 30,000 credit-card clients of 2005, read strictly and without what names a kind of person.

I-Cheng Yeh (2009), Default of Credit Card Clients, UCI Machine Learning Repository 350, DOI 10.24432/C55S3H, CC BY 4.0.
The columns are addressed by position, because the names of the months are spelt unevenly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["MONTHS", "Client", "Month", "PortfolioError", "parse_portfolio"]

COLUMNS = 25
# Last days of April to September, moved by 20 years: five years after 2005 nothing of it may be held (C07).
MONTHS = (
    date(2025, 4, 30),
    date(2025, 5, 31),
    date(2025, 6, 30),
    date(2025, 7, 31),
    date(2025, 8, 31),
    date(2025, 9, 30),
)
# Columns 2 to 5 (gender, education, marital status, age) are read over: nobody needs them to report a default (P01).
_ID = 0
_LIMIT = 1
_DEFAULTED = 24
_STATUS = slice(6, 12)
_BILLED = slice(12, 18)
_PAID = slice(18, 24)
_CELL = re.compile(r"0|-?[1-9][0-9]{0,9}")
# -2 no consumption, -1 paid duly, 0 revolving, k >= 1 k months late; the source documents up to 9.
_STATUSES = range(-2, 10)
_LINE_END = "\r\n"


class PortfolioError(ValueError):
    """The file is not what it should be; the text names line and column, never a client's values."""


@dataclass(frozen=True, slots=True)
class Month:
    """One month of one client.

    Attributes:
        as_of: last day of the month.
        late: months late; 0 or less means nothing is overdue.
        billed: bill statement, whole dollars; may be negative.
        paid: whole dollars.
    """

    as_of: date
    late: int
    billed: int
    paid: int


@dataclass(frozen=True, slots=True)
class Client:
    """One client of the portfolio.

    Attributes:
        number: running number, from 1.
        months: oldest first.
        limit: of the card, whole dollars.
        defaulted: whether the month after the last one was not paid.
    """

    number: int
    months: tuple[Month, ...]
    limit: int
    defaulted: bool


def parse_portfolio(data: bytes, limit: int | None = None) -> list[Client]:
    """Return the clients of the file, checked cell by cell.

    Args:
        data: the unpacked file: ASCII, CRLF, a header and one line a client.
        limit: take only the first so many clients; None for all.

    Raises:
        PortfolioError: a line end, a column, a cell or a running number is not what it should be.
    """
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError as error:
        raise PortfolioError(f"byte {error.start} is not ASCII") from None
    if not text.endswith(_LINE_END) or text.count("\n") != text.count(_LINE_END):
        raise PortfolioError("every line must end with CRLF, the last one too")
    header, *lines = text[: -len(_LINE_END)].split(_LINE_END)
    if len(header.split(",")) != COLUMNS or not header.startswith("ID,"):
        raise PortfolioError(f"line 1: want a header of {COLUMNS} columns that begins with ID")
    if not lines:
        raise PortfolioError("there is no client in it")
    return [_client(line, number) for number, line in enumerate(lines[:limit], start=1)]


def _client(line: str, number: int) -> Client:
    cells = _integers(line, number + 1)
    if cells[_ID] != number:
        raise PortfolioError(f"line {number + 1}: want client {number} here")
    # Newest first in the file.
    columns = zip(cells[_STATUS], cells[_BILLED], cells[_PAID], strict=True)
    months = [Month(as_of, *month) for as_of, month in zip(reversed(MONTHS), columns, strict=True)]
    if any(month.late not in _STATUSES for month in months) or any(month.paid < 0 for month in months):
        raise PortfolioError(f"line {number + 1}: a status or a payment is out of range")
    if cells[_LIMIT] < 0 or cells[_DEFAULTED] not in {0, 1}:
        raise PortfolioError(f"line {number + 1}: the limit or the outcome is out of range")
    return Client(number, tuple(reversed(months)), cells[_LIMIT], bool(cells[_DEFAULTED]))


def _integers(line: str, place: int) -> Sequence[int]:
    cells = line.split(",")
    if len(cells) != COLUMNS:
        raise PortfolioError(f"line {place}: {len(cells)} columns, want {COLUMNS}")
    for column, cell in enumerate(cells, start=1):
        if not _CELL.fullmatch(cell):
            raise PortfolioError(f"line {place}, column {column}: want a whole number")
    return [int(cell) for cell in cells]
