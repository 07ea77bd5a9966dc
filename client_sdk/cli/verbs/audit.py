"""``audit``: verify the whole log, without access to facts."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.target import OutputFile
from client_sdk.cli.ui.verb import verb

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "audit",
        examples=["--home auditor audit", "--home auditor audit --html audit.html", "--home auditor audit --json"],
    )
    def audit(
        session: Run,
        /,
        *,
        html: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE", help="Also write the report to a new file, as one HTML page.", show_default=False
            ),
        ] = None,
        text: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="Also write the report to a new file, as text.", show_default=False),
        ] = None,
        json_file: Annotated[
            Path | None,
            typer.Option(metavar="FILE", help="Also write the report to a new file, as JSON.", show_default=False),
        ] = None,
        state: Annotated[
            Path | None,
            typer.Option(
                metavar="DIR",
                help="Where the audit keeps how far it came; without it the home's audit/.",
                show_default=False,
            ),
        ] = None,
        jobs: Annotated[
            int, typer.Option("--jobs", "-j", min=1, help="Processes that verify signatures.", show_default="all cores")
        ] = os.cpu_count() or 1,
    ) -> ExitCode:
        """Audit the registry from where the last audit ended: signatures, keys, chains, acts, lapses, map, inquiries.

        Ends with 0 only if nothing was found, now or earlier.
        """
        from client_sdk.auditing.auditor import Auditor  # noqa: PLC0415 - verbs that work offline load no gRPC
        from client_sdk.auditing.report import as_html, as_text  # noqa: PLC0415 - Jinja is for this verb alone

        with OutputFile(html) as as_page, OutputFile(text) as as_words, OutputFile(json_file) as as_document:
            with _progress(session) as report_progress:
                report = Auditor(session.config(), state=state).audit(progress=report_progress, jobs=jobs)
            content, words = report.to_dict(), as_text(report)
            document = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            targets = {as_page: as_html(report), as_words: words, as_document: document}
            for target, text_of_report in targets.items():
                if target:
                    target.write(session.output, text_of_report.encode())
        session.output.result(content, words.rstrip("\n"))
        session.output.note(*(f"Wrote {target.written}" for target in targets if target.written))
        if report.exit_code:
            return ExitCode.FOUND
        return max(target.code for target in targets)


@contextmanager
def _progress(session: Run) -> Iterator[Callable[[int, int], None] | None]:
    """Show progress, if standard error is a terminal."""
    if session.output.as_json or not session.output.err.is_terminal:
        yield None
        return
    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn(), TextColumn("leaves"), TimeRemainingColumn())
    with Progress(*columns, console=session.output.err, transient=True) as bar:
        task = bar.add_task("verifying", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
