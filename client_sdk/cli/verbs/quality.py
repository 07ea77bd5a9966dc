"""``quality``: which rules the rows of a portfolio break, the worst first."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.identity_input import STANDARD_INPUT
from client_sdk.cli.ui.input_file import check_file
from client_sdk.cli.ui.output import counted, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.target import OutputFile
from client_sdk.cli.ui.verb import verb
from client_sdk.lending.files import Encoding, read_portfolio

__all__ = ["register"]

_HINT = "give the portfolio that `report` takes."


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "quality",
        examples=["quality portfolio.csv", "quality portfolio.csv --svg quality.svg", "quality - --json"],
    )
    def quality(
        session: Run,
        /,
        *,
        file: Annotated[
            Path, typer.Argument(metavar="FILE", help="Portfolio, as for `report`; - for a pipe.", show_default=False)
        ],
        svg: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="Draw the worst rules to a new file.", show_default=False),
        ] = None,
        encoding: Annotated[
            Encoding | None,
            typer.Option(case_sensitive=False, help="How FILE is written; found out if left out.", show_default=False),
        ] = None,
    ) -> ExitCode:
        """Show which rules the rows of a portfolio break, the worst first, with rows to look at; nothing is sent.

        RECORD and FIELD keep a row back, WARNING does not. Ends with 1 where a row is kept back.
        """
        piped = str(file) == STANDARD_INPUT
        if not piped:
            check_file(file, _HINT, pipe=True)
        with OutputFile(svg) as plot:
            reports = list(read_portfolio(sys.stdin.buffer if piped else file, encoding=encoding))
            if not reports:
                raise UsageError("that portfolio holds no row", _HINT)
            with session.client() as client:
                found = client.preflight(reports).quality()
            plot.write(session.output, found.to_svg().encode())
        session.output.result(
            found.to_dict() | {"svg": plot.written},
            f"{counted(found.rows, 'row')}: {found.score / 100:.2f} % break no rule, "
            f"{found.rejected_rows:,} kept back, {found.warned_rows:,} with warnings only",
            table(
                ("  tier", "rule", "field", "rows", "such as row"),
                [
                    (f"  {item.tier}", item.rule, item.field, f"{item.rows:,}", ", ".join(map(str, item.examples)))
                    for item in found.rules
                ],
            )
            if found.rules
            else "  Nothing to correct.",
            *([] if plot.written is None else [f"  written to {plot.written}"]),
        )
        return max(plot.code, ExitCode.FOUND if found.rejected_rows else ExitCode.OK)
