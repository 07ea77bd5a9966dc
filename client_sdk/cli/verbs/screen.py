"""``screen`` and ``watch``: which customers of a portfolio are listed, and what has changed about them."""

import json
import os
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from client_sdk.cli.ui.criteria_input import read_criteria
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError, violation_content
from client_sdk.cli.ui.identity_input import STANDARD_INPUT
from client_sdk.cli.ui.options import DaskOption, OfficerOption, word_option, words_of
from client_sdk.cli.ui.output import Json, counted, pairs, table
from client_sdk.cli.ui.portfolio_input import EncodingOption, MappingOption, PortfolioReading, SheetOption
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.shown import replayed_line
from client_sdk.cli.ui.target import OutputFile
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.report_plan import rejected_lines
from client_sdk.cli.verbs.screen_portfolio import change_contents, line_contents, progress_of, read_screened
from client_sdk.forms import moment_text
from client_sdk.lending.screened import RESULT_COLUMNS, ScreenedPortfolio, look_at, result_rows, screened_table
from client_sdk.models import Criteria, Purpose
from client_sdk.models.answer import Verdict
from client_sdk.models.screening import Customer, ScreenFinding, ScreenReport, WatchReport
from client_sdk.texts import N_, say

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from rich.console import RenderableType

    from client_sdk.cli.verbs.watch_hook import WatchHook
    from client_sdk.client import Client

__all__ = ["register"]

R = TypeVar("R")

_SHOWN = 20
# Row, reference, finding and outcome.
_WITH_OUTCOME = 4
_PURPOSES = [name for name in words_of(Purpose) if name not in {Purpose.REPORTING.name, Purpose.SUBJECT_ACCESS.name}]
_MEANINGS = {
    ScreenFinding.LISTED: N_("other lenders have live records; ask about each by `check`, with its consent"),
    ScreenFinding.OWN: N_("all live records are your own"),
    ScreenFinding.CLEAR: N_("no live record, proved"),
}

FileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="Portfolio: CSV, or JSON Lines (.jsonl); may be .gz; - for a pipe.")
]
PurposeOption = Annotated[Purpose, word_option(Purpose, "Why you ask (征信业管理条例 Art. 18, 20).", words=_PURPOSES)]
LinesOption = Annotated[bool, typer.Option("--jsonl", help="Print one JSON object a line, and nothing else.")]

OutputOption = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="New file with a line for each row: CSV, or JSON Lines (.jsonl).",
        show_default=False,
    ),
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on with a screening of FILE that was interrupted.")]
CheckOption = Annotated[
    bool, typer.Option("--check", help="Ask about each listed one by an inquiry of its own, and assess it.")
]
CriteriaOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE.toml", help="Your own criteria for --check.", show_default=False),
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Read the portfolio, show what is wrong with it, and end.")
]
ExitCodeOption = Annotated[bool, typer.Option("--exit-code", help="End with 1 where anybody is listed.")]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    _register_screen(app)
    _register_watch(app)


def _register_screen(app: typer.Typer) -> None:
    @verb(
        app,
        "screen",
        examples=[
            "screen portfolio.csv --purpose POST_LOAN_REVIEW --officer desk-1 -o found.csv",
            "screen portfolio.csv … --dry-run",
            "screen portfolio.csv … --resume",
            "screen portfolio.csv … --check -o found.csv",
            "screen portfolio.csv … --jsonl | grep LISTED",
        ],
    )
    def screen(
        session: Run,
        /,
        *,
        file: FileArgument,
        purpose: PurposeOption,
        officer: OfficerOption,
        output: OutputOption = None,
        resume: ResumeOption = False,
        check: CheckOption = False,
        criteria: CriteriaOption = None,
        dry_run: DryRunOption = False,
        jsonl: LinesOption = False,
        encoding: EncodingOption = None,
        sheet: SheetOption = None,
        mapping: MappingOption = None,
        dask: DaskOption = None,
        exit_code: ExitCodeOption = False,
    ) -> ExitCode:
        """Find out which customers of a portfolio are listed, under one inquiry and without naming them.

        Of the columns of a portfolio (`report --columns`) it needs id_type, id_number and the consent to be asked
        about: consent_form, consent_date, consent_digest; reference is shown, the others are not read. The registry
        learns how many customers there are and in which pages of its map they would be, never whom you look for. What
        was asked of the key services is kept beside FILE, sealed, until the end: --resume asks for the rest alone.
        --dask has the pages verified elsewhere: no number and no pseudonym leaves this machine for it.
        """
        own = read_criteria(criteria)
        if criteria is not None and not check:
            raise UsageError(say("--criteria is about what --check assesses"), say("give --check too."))
        with OutputFile(None if dry_run else output) as target:
            kept = None if dry_run else _resumed(file, resume=resume)
            portfolio = read_screened(file, PortfolioReading(encoding, sheet, mapping))
            if dry_run:
                _show_dry_run(session, portfolio)
                return _code(portfolio, found=False)
            with session.client() as client:
                with progress_of(session) as progress, _executor(dask) as executor:
                    ask = partial(
                        client.screen,
                        purpose=purpose,
                        officer=officer,
                        resume=kept,
                        progress=progress,
                        executor=executor,
                    )
                    portfolio, report = look_at(portfolio, lambda some: ask(some.customers))
                asked = _listed(report) if check else []
                outcomes = {
                    place: _outcome(client, portfolio.rows[place].customer, purpose, officer, own) for place in asked
                }
            lines = result_rows(portfolio, report, outcomes)
            if output is not None:
                target.write(session.output, screened_table(output, RESULT_COLUMNS, lines))
            if jsonl:
                _print_lines(session, line_contents(lines))
            else:
                _show(session, portfolio, report, lines, target.written)
            if Verdict.UNVERIFIABLE.name in outcomes.values():
                return ExitCode.UNVERIFIABLE
            return max(target.code, _code(portfolio, found=exit_code and report.count(ScreenFinding.LISTED) > 0))


def _register_watch(app: typer.Typer) -> None:
    @verb(
        app,
        "watch",
        examples=[
            "watch portfolio.csv --purpose POST_LOAN_REVIEW --officer night-job",
            "watch portfolio.csv … --jsonl --exit-code",
            "watch portfolio.csv … --state /var/lib/lender/portfolio.watch",
            "watch portfolio.csv … --webhook https://hooks.lender.example/watch",
        ],
    )
    def watch(
        session: Run,
        /,
        *,
        file: FileArgument,
        purpose: PurposeOption,
        officer: OfficerOption,
        state: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE",
                help="Where the last look is kept, sealed; FILE.watch if left out. A pipe needs it.",
                show_default=False,
            ),
        ] = None,
        jsonl: LinesOption = False,
        encoding: EncodingOption = None,
        sheet: SheetOption = None,
        mapping: MappingOption = None,
        dask: DaskOption = None,
        webhook: Annotated[
            str | None,
            typer.Option(metavar="URL", help="Also post the changes there, signed and retried.", show_default=False),
        ] = None,
        exit_code: Annotated[bool, typer.Option("--exit-code", help="End with 1 where anything has changed.")] = False,
    ) -> ExitCode:
        """Screen a portfolio again, and show only what has changed since the last look.

        LISTED is who is listed by others now and was not before, CHANGED whose records by others have changed, GONE who
        is listed by them no more. The first look shows all who are listed. The key services are asked about new
        customers alone. Run it by cron or a timer; --jsonl prints a line for each change, for other programs. --webhook
        posts row, reference and change of each, 1,000 a message; what is not taken is attempted again by the next look
        with --webhook, or by `alerts deliver` (see there, and `alerts secret`).
        """
        if state is None and str(file) == STANDARD_INPUT:
            raise UsageError(
                say("a pipe has no name for the file of the last look"), say("name one: --state FILE.watch")
            )
        kept = state or file.with_name(f"{file.name}.watch")
        portfolio = read_screened(file, PortfolioReading(encoding, sheet, mapping))
        hook = None if webhook is None else _hook(session, webhook, file)
        with session.client() as client, progress_of(session) as progress, _executor(dask) as executor:

            def look(some: ScreenedPortfolio) -> WatchReport:
                take = None if hook is None else partial(hook.put, some.rows)
                return client.watch(
                    some.customers,
                    purpose=purpose,
                    officer=officer,
                    state=kept,
                    progress=progress,
                    take=take,
                    executor=executor,
                )

            portfolio, report = look_at(portfolio, look)
        changes = change_contents(portfolio.rows, report)
        if jsonl:
            _print_lines(session, changes)
        else:
            _show_changes(session, portfolio, report, changes)
        # Queued before the look was kept: what fails here is attempted again.
        if hook is not None:
            hook.deliver()
        return _code(portfolio, found=exit_code and bool(changes))


def _executor(dask: str | None) -> "AbstractContextManager[Executor | None]":
    """Return what verifies pages: a cluster, or none for this process."""
    if dask is None:
        return nullcontext()
    from client_sdk.dask_executor import dask_executor  # noqa: PLC0415 - for this option alone

    return dask_executor(dask)


def _resumed(file: Path, *, resume: bool) -> Path | None:
    """Return the file that keeps what was asked so far; None for a pipe.

    Raises:
        UsageError: a screening of the same portfolio was interrupted, and nobody says whether to go on; or none was.
    """
    if str(file) == STANDARD_INPUT:
        if resume:
            raise UsageError(say("a screening of a pipe is not kept"), say("screen a file to be able to resume it."))
        return None
    kept = file.with_name(f"{file.name}.screening")
    if os.path.lexists(kept) and not resume:
        raise UsageError(
            say("a screening of this portfolio was interrupted"),
            say("say --resume to go on with it, or delete {kept}.", kept=kept.name),
        )
    if resume and not os.path.lexists(kept):
        raise UsageError(say("no screening of this portfolio was interrupted"), say("leave out --resume."))
    return kept


def _hook(session: Run, url: str, file: Path) -> "WatchHook":
    from client_sdk.cli.verbs.watch_hook import WatchHook  # noqa: PLC0415 - loaded where changes are posted alone

    return WatchHook(session, url, file.name)


def _outcome(client: "Client", customer: Customer, purpose: Purpose, officer: str, criteria: Criteria) -> str:
    """Return what an inquiry about one customer comes to."""
    answer = client.check(customer.identity, purpose=purpose, consent=customer.consent, officer=officer)
    if answer.verdict is Verdict.UNVERIFIABLE:
        return Verdict.UNVERIFIABLE.name
    return answer.assess(criteria).outcome.name


def _listed(report: ScreenReport) -> list[int]:
    return [place for place, finding in enumerate(report.findings) if finding is ScreenFinding.LISTED]


def _code(portfolio: ScreenedPortfolio, *, found: bool) -> ExitCode:
    return ExitCode.FOUND if found or portfolio.rejected else ExitCode.OK


def _print_lines(session: Run, contents: Iterable[dict[str, Json]]) -> None:
    session.output.printed = True
    for content in contents:
        session.output.out.file.write(json.dumps(content, ensure_ascii=False) + "\n")


def _show_dry_run(session: Run, portfolio: ScreenedPortfolio) -> None:
    session.output.result(
        {
            "dry_run": True,
            "customers": len(portfolio.rows),
            "rejected_rows": portfolio.rejected_rows,
            "rejected": [violation_content(item) for item in portfolio.rejected],
        },
        say("{count} would be screened", count=counted(len(portfolio.rows), "customer")),
        *rejected_lines(portfolio.rejected, None, "screen"),
        say("Nothing was signed or sent."),
    )


def _show(
    session: Run,
    portfolio: ScreenedPortfolio,
    report: ScreenReport,
    lines: Sequence[tuple[object, ...]],
    written: str | None,
) -> None:
    listed = [line for line in lines if line[2] == ScreenFinding.LISTED.name]
    # An outcome is there only after --check.
    shown = _WITH_OUTCOME if any(line[_WITH_OUTCOME - 1] for line in listed) else _WITH_OUTCOME - 1
    session.output.result(
        {
            **_content(report),
            "rejected_rows": portfolio.rejected_rows,
            "rejected": [violation_content(item) for item in portfolio.rejected],
            "rows": list(line_contents(lines)),
            "file": written,
        },
        say(
            "{count} screened by {pages} of the map, as of {as_of}",
            count=counted(len(portfolio.rows), "customer"),
            pages=counted(report.pages, "page"),
            as_of=moment_text(report.as_of),
        ),
        pairs(
            (f"  {finding.name}", f"{report.count(finding):>9,}  {say(_MEANINGS[finding])}")
            for finding in ScreenFinding
        ),
        *(
            [
                table(
                    ("  row", "reference", "finding", "outcome")[:shown],
                    [(f"  {line[0]}", *line[1:shown]) for line in listed[:_SHOWN]],
                )
            ]
            if listed
            else []
        ),
        *(
            [say("  and {count} more; -o FILE.csv lists all of them", count=len(listed) - _SHOWN)]
            if len(listed) > _SHOWN
            else []
        ),
        *rejected_lines(portfolio.rejected, written, "screen"),
        *([say("  results: {written}", written=written)] if written else []),
        _replayed_line(report),
        say("  inquiry: {inquiry_id}", inquiry_id=report.inquiry_id.hex()),
    )


def _show_changes(
    session: Run, portfolio: ScreenedPortfolio, report: WatchReport, changes: Sequence[dict[str, Json]]
) -> None:
    since = None if report.since is None else moment_text(report.since)
    customers, changed = counted(len(portfolio.rows), "customer"), counted(len(changes), "change")
    rows = [(f"  {item['row']}", item["reference"], item["change"]) for item in changes]
    session.output.result(
        {
            "since": since,
            **_content(report.screening),
            "changes": list(changes),
            "rejected_rows": portfolio.rejected_rows,
            "rejected": [violation_content(item) for item in portfolio.rejected],
        },
        say("{count}, {changes} at the first look", count=customers, changes=changed)
        if since is None
        else say("{count}, {changes} since {since}", count=customers, changes=changed, since=since),
        *([table(("  row", "reference", "change"), rows)] if rows else []),
        _replayed_line(report.screening),
        *rejected_lines(portfolio.rejected, None, "watch"),
    )


def _replayed_line(report: ScreenReport) -> "RenderableType":
    """Return how far the map was rebuilt by which customers are CLEAR."""
    return replayed_line(report.replayed, report.size, clear=report.count(ScreenFinding.CLEAR) > 0)


def _content(report: ScreenReport) -> dict[str, Json]:
    return {
        "customers": len(report.findings),
        **{finding.name.lower(): report.count(finding) for finding in ScreenFinding},
        "as_of": moment_text(report.as_of),
        "size": report.size,
        "pages": report.pages,
        "depth": report.depth,
        "replayed": report.replayed.to_dict(),
        "inquiry_id": report.inquiry_id.hex(),
        "consents_opening": report.consents_opening.hex(),
    }
