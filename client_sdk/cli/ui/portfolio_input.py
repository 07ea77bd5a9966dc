"""Options for how a portfolio file is read: encoding, sheet, and a mapping of the bank's own headings."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from client_sdk.cli.ui.identity_input import STANDARD_INPUT
from client_sdk.lending.files import Encoding, headings_of, read_customers, read_portfolio

if TYPE_CHECKING:
    from collections.abc import Iterator

    from client_sdk.lending.columns import CustomerRow
    from client_sdk.lending.files import Portfolio
    from client_sdk.models.batch import RejectedRow

__all__ = ["EncodingOption", "MappingOption", "PortfolioReading", "SheetOption"]

EncodingOption = Annotated[
    Encoding | None,
    typer.Option(
        case_sensitive=False,
        help="How the text of FILE is written; found out if left out, and shown in the plan.",
        show_default=False,
    ),
]
SheetOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Of a workbook: name or place of the sheet; if left out, the one that is shown, or called portfolio.",
        show_default=False,
    ),
]
MappingOption = Annotated[
    Path | None,
    typer.Option(
        metavar="MAPPING.toml",
        help="What your own headings, codes, days and amounts stand for; `report FILE --mapping-template` writes one.",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class PortfolioReading:
    """How a portfolio is read.

    Attributes:
        encoding: of its text; None finds it out.
        sheet: of a workbook, by name or place; None for the only one.
        mapping: file with the columns of its headings; None where they are columns.
    """

    encoding: Encoding | None = None
    sheet: str | None = None
    mapping: Path | None = None

    def portfolio(self, file: Path) -> Portfolio:
        """Open a portfolio; ``-`` is standard input. Errors as for ``read_portfolio``."""
        return read_portfolio(_source(file), encoding=self.encoding, sheet=self.sheet, mapping=self.mapping)

    def customers(self, file: Path) -> Iterator[CustomerRow | RejectedRow]:
        """Yield the customers of a portfolio; ``-`` is standard input. Errors as for ``read_customers``."""
        return read_customers(_source(file), encoding=self.encoding, sheet=self.sheet, mapping=self.mapping)

    def headings(self, file: Path) -> list[str]:
        """Return the headings of a portfolio. Errors as for ``headings_of``."""
        return headings_of(_source(file), encoding=self.encoding, sheet=self.sheet)


def _source(file: Path) -> Path | BinaryIO:
    return sys.stdin.buffer if str(file) == STANDARD_INPUT else file
