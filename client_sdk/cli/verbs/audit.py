"""``audit``: verify the whole log, without access to facts."""

import json
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.session import Session
from client_sdk.cli.ui.target import Target
from client_sdk.cli.ui.verb import verb

if TYPE_CHECKING:
    from client_sdk.auditing.report import AuditReport

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "audit",
        examples=["--home auditor audit", "--home auditor audit --html audit.html", "--home auditor audit --json"],
    )
    def audit(
        session: Session,
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
        from client_sdk.auditing.report import as_html, as_json, as_text  # noqa: PLC0415 - Jinja is for this verb alone

        with Target(html) as as_page, Target(text) as as_words, Target(json_file) as as_document:
            report = _audit(session, state or session.home / "audit", jobs)
            targets = {as_page: as_html, as_words: as_text, as_document: as_json}
            for target, form in targets.items():
                if target:
                    target.write(session.output, form(report).encode())
        session.output.result(json.loads(as_json(report)), as_text(report).rstrip("\n"))
        session.output.note(*(f"Wrote {target.written}" for target in targets if target.written))
        if report.exit_code:
            return ExitCode.FOUND
        return max(target.code for target in targets)


def _audit(session: Session, folder: Path, jobs: int) -> "AuditReport":
    import grpc  # noqa: PLC0415 - verbs that work offline load no gRPC

    from client_sdk._transport.channels import (  # noqa: PLC0415 - loads gRPC
        Deadlines,
        TlsMaterial,
        channel,
        error_of_call,
    )
    from client_sdk.auditing.audit import audit as run_audit  # noqa: PLC0415 - loads gRPC
    from client_sdk.auditing.home import AuditHome  # noqa: PLC0415 - loads the findings, which only an audit needs
    from client_sdk.auditing.source import RegistrySource  # noqa: PLC0415 - loads gRPC

    config = session.config()
    trust_root, tls = config.trust_root(), TlsMaterial.from_folder(config.tls_key.parent)
    # Threads of gRPC do not survive a fork.
    spawn = multiprocessing.get_context("spawn")
    executor = nullcontext() if jobs == 1 else ProcessPoolExecutor(jobs, mp_context=spawn)
    with channel(config.registry, tls, Deadlines()) as opened, executor as pool, _progress(session) as told:
        try:
            source = RegistrySource(opened)
            return run_audit(source, AuditHome(folder), trust_root, executor=pool, progress=told)
        except grpc.RpcError as error:
            raise error_of_call(error) from error


@contextmanager
def _progress(session: Session) -> Iterator[Callable[[int, int], None] | None]:
    """Show progress, if standard error is a terminal."""
    if session.output.as_json or not session.output.err.is_terminal:
        yield None
        return
    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn(), TextColumn("leaves"), TimeRemainingColumn())
    with Progress(*columns, console=session.output.err, transient=True) as bar:
        task = bar.add_task("verifying", total=None)
        yield lambda done, of: bar.update(task, completed=done, total=of)
