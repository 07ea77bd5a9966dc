"""Files to be filled in, written by the command: an empty portfolio, and a mapping of a file's own headings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.input_file import check_file
from client_sdk.lending.templates import columns_of_kind, mapping_template, write_portfolio_template
from client_sdk.new_file import NewFile
from client_sdk.tables.writing import TableKind
from client_sdk.texts import say

if TYPE_CHECKING:
    from pathlib import Path

    from client_sdk.cli.ui.portfolio_input import PortfolioReading
    from client_sdk.cli.ui.session import Run

__all__ = ["new_portfolio_template", "print_mapping_template"]


def new_portfolio_template(session: Run, file: Path, kind: str) -> ExitCode:
    """Write an empty portfolio to a new file, in the form that its name says.

    Args:
        session: of the verb.
        file: to be written.
        kind: of the records it is for; empty for all.

    Raises:
        UsageError: its name says a form that has no columns.
        ConfigError: it exists already, cannot be written, or a library of the extra ``files`` is missing.
    """
    form = TableKind.of(file)
    if form is TableKind.JSON_LINES or not file.suffix:
        raise UsageError(
            say("an empty portfolio has no such form"), say("name a new FILE.xlsx, FILE.csv or FILE.parquet.")
        )
    names = columns_of_kind(kind)
    with NewFile(file) as new:
        with new.draft.open("wb") as draft:
            write_portfolio_template(draft, file, names, say)
        new.publish()
    session.output.result(
        {"written": str(file), "columns": list(names)},
        say("Written to {file}: {count} columns", file=file, count=len(names)),
    )
    return ExitCode.OK


def print_mapping_template(session: Run, file: Path | None, reading: PortfolioReading) -> ExitCode:
    """Print a mapping for the headings of a file, to be filled in.

    Raises:
        UsageError: no file is given, or there is none of that name.
        CreditRegistryError: it cannot be read, or has no header.
    """
    if file is None:
        raise UsageError(
            say("--mapping-template was given without FILE"), say("it is written from the headings of FILE.")
        )
    check_file(file, say("name a portfolio with a header row."))
    text = mapping_template(reading.headings(file), say)
    session.output.result({"mapping": text}, text.rstrip())
    return ExitCode.OK
