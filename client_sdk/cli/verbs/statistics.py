"""``statistics``: counts of what all lenders reported, as table, CSV, JSON and plot."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.options import word_option
from client_sdk.cli.ui.output import table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.target import OutputFile
from client_sdk.cli.ui.verb import verb
from client_sdk.models import Breakdown
from client_sdk.tables.writing import table_bytes
from client_sdk.texts import say

if TYPE_CHECKING:
    from rich.text import Text

    from client_sdk.models import StatisticsRow

__all__ = ["register"]

_COLUMNS = (("month", str), ("breakdown", str), ("column", str), ("count", int))


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "statistics",
        examples=[
            "statistics",
            "statistics --by OPENED_CAUSE --from 2026-01 --svg causes.svg",
            "statistics --csv statistics.csv",
        ],
    )
    def statistics(
        session: Run,
        /,
        *,
        by: Annotated[
            Breakdown,
            word_option(
                Breakdown,
                "What the table and the plot divide; the CSV file and --json hold all.",
                "--by",
                default=Breakdown.EVENT.name,
            ),
        ] = Breakdown.EVENT,
        first: Annotated[
            str, typer.Option("--from", metavar="YYYY-MM", help="First month; without it the oldest.")
        ] = "",
        last: Annotated[
            str, typer.Option("--to", metavar="YYYY-MM", help="Last month; without it the newest that is over.")
        ] = "",
        csv: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE",
                help="Write all counts to a new file: CSV, or .xlsx, .parquet, .jsonl by its name.",
                show_default=False,
            ),
        ] = None,
        svg: Annotated[
            Path | None, typer.Option(metavar="FILE", help="Draw the table to a new file.", show_default=False)
        ] = None,
    ) -> ExitCode:
        """Count what all lenders reported, by month: events, issuer sizes, products, causes; small counts withheld.

        A dash is a count that is withheld: it is below ten, or would let one below ten be recomputed. Counts are of
        statements and stay when records are erased; an audit holds them against the log.
        """
        with OutputFile(csv) as lines, OutputFile(svg) as plot:
            with session.client() as client:
                found = client.statistics(first_month=first, last_month=last)
            if csv is not None:
                lines.write(session.output, table_bytes(csv, _COLUMNS, found.counts()))
            plot.write(session.output, found.to_svg(by).encode())
        rows = found.of(by)
        session.output.result(
            found.to_dict() | {"csv": lines.written, "svg": plot.written},
            say(
                "Statements by {replace}, of months before {before}, in a log of {size} leaves",
                replace=by.replace("_", " ").lower(),
                before=found.before,
                size=found.size,
            ),
            _table(rows) if rows else say("  none: no month with statements is over yet"),
            *(say("  written to {written}", written=target.written) for target in (lines, plot) if target.written),
        )
        return max(lines.code, plot.code)


def _table(rows: "tuple[StatisticsRow, ...]") -> "Text":
    """Return a line a month, with the columns of which any line tells something."""
    columns = [name for name in rows[0].counts if any(row.counts[name] != 0 for row in rows if row.total is not None)]
    return table(
        ("  month", "total", *columns),
        [(f"  {row.month}", _shown(row.total), *(_shown(row.counts[name]) for name in columns)) for row in rows],
    )


def _shown(count: int | None) -> str:
    return "–" if count is None else f"{count:,}"
