"""``quality``: which rules a portfolio breaks, and what was right and wrong with what members reported, by month."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.identity_input import STANDARD_INPUT
from client_sdk.cli.ui.input_file import check_file
from client_sdk.cli.ui.output import counted, table
from client_sdk.cli.ui.portfolio_input import EncodingOption, MappingOption, PortfolioReading, SheetOption
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.target import OutputFile
from client_sdk.cli.ui.verb import verb
from client_sdk.texts import N_, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from client_sdk.models import MemberQuality, QualityMonth

__all__ = ["register"]

_HINT = N_("give the portfolio that `report` takes.")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])", re.ASCII)
# Rules by which submissions were refused that a month shows; --json has all.
_WORST = 10


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "quality",
        examples=[
            "quality portfolio.csv",
            "quality portfolio.csv --svg quality.svg",
            "quality",
            "quality --month 2026-10 --member lender-1",
        ],
    )
    def quality(
        session: Run,
        /,
        *,
        file: Annotated[
            Path | None,
            typer.Argument(
                metavar="[FILE]",
                help="Portfolio, as for `report`; - for a pipe. Without it: what was reported.",
                show_default=False,
            ),
        ] = None,
        month: Annotated[
            str, typer.Option(metavar="YYYY-MM", help="Without FILE: this month alone; else all that are over.")
        ] = "",
        member: Annotated[
            str, typer.Option(metavar="ID", help="Without FILE, for auditors: what this member reported.")
        ] = "",
        svg: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE", help="Draw the worst rules, or the months, to a new file.", show_default=False
            ),
        ] = None,
        encoding: EncodingOption = None,
        sheet: SheetOption = None,
        mapping: MappingOption = None,
    ) -> ExitCode:
        """Show which rules a portfolio breaks, the worst first, with rows; or the score of what was reported, by month.

        Of FILE nothing is sent. RECORD and FIELD keep a row back, WARNING does not; ends with 1 where a row is kept
        back. Without FILE: what the registry counted of you in months that are over; of all members for an auditor.
        """
        if file is None:
            if (encoding, sheet, mapping) != (None, None, None):
                raise UsageError(say("--encoding, --sheet and --mapping are about FILE"), _HINT)
            return _reported(session, month, member, svg)
        if month or member:
            raise UsageError(
                say("--month and --member are about what was reported"), say("leave out FILE, or leave out these.")
            )
        return _portfolio(session, file, svg, PortfolioReading(encoding, sheet, mapping))


def _portfolio(session: Run, file: Path, svg: Path | None, reading: PortfolioReading) -> ExitCode:
    if str(file) != STANDARD_INPUT:
        check_file(file, _HINT, pipe=True)
    with OutputFile(svg) as plot:
        reports = list(reading.portfolio(file))
        if not reports:
            raise UsageError(say("that portfolio holds no row"), _HINT)
        with session.client() as client:
            found = client.preflight(reports).quality()
        plot.write(session.output, found.to_svg().encode())
    session.output.result(
        found.to_dict() | {"svg": plot.written},
        say(
            "{rows}: {score:.2f} % break no rule, {rejected_rows:,} kept back, {warned_rows:,} with warnings only",
            rows=counted(found.rows, "row"),
            score=found.score / 100,
            rejected_rows=found.rejected_rows,
            warned_rows=found.warned_rows,
        ),
        table(
            ("  tier", "rule", "field", "rows", "such as row"),
            [
                (f"  {item.tier}", item.rule, item.field, f"{item.rows:,}", ", ".join(map(str, item.examples)))
                for item in found.rules
            ],
        )
        if found.rules
        else say("  Nothing to correct."),
        *([] if plot.written is None else [say("  written to {written}", written=plot.written)]),
    )
    return max(plot.code, ExitCode.FOUND if found.rejected_rows else ExitCode.OK)


def _reported(session: Run, month: str, member: str, svg: Path | None) -> ExitCode:
    if month and _MONTH.fullmatch(month) is None:
        raise UsageError(say("--month is no month"), say("give it as YYYY-MM."))
    with OutputFile(svg) as plot:
        with session.client() as client:
            found = client.member_quality(first_month=month, last_month=month)
        if member:
            found = found.of(member)
        plot.write(session.output, found.to_svg().encode())
    session.output.result(
        found.to_dict() | {"svg": plot.written},
        say(
            "Quality of what was reported, of months before {before}, in a log of {size} leaves",
            before=found.before,
            size=found.size,
        ),
        *_lines(found),
        *([] if plot.written is None else [say("  written to {written}", written=plot.written)]),
    )
    return plot.code


def _lines(found: "MemberQuality") -> "Iterator[RenderableType]":
    if not found.months:
        yield say("  nothing was counted: a month is shown once it is over")
    for item in found.months:
        yield f"{item.month}  {item.member}  {item.score / 100:.2f} %"
        yield table(("  event", "count", "weight each"), _events(item))
        if item.refused:
            rows = [(f"    {rule}", f"{count:,}") for rule, count in list(item.refused.items())[:_WORST]]
            yield table(("    refused by rule", "submissions"), rows)


def _events(item: "QualityMonth") -> "list[tuple[str, str, str]]":
    """Return the events of a month, those that cost most first."""
    costs = {event: item.weights[event] * count for event, count in item.counts.items()}
    return [
        (f"  {event.name}", f"{item.counts[event]:,}", str(item.weights[event]) if item.weights[event] else "")
        for event in sorted(item.counts, key=lambda event: (-costs[event], event))
    ]
