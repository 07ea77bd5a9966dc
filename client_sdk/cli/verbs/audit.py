"""``audit``: verify the whole log, without access to facts."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.options import DaskOption
from client_sdk.cli.ui.progress import progress_bar
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.target import OutputFile
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.audit_accept import AcceptOption, ReasonOption
from client_sdk.cli.verbs.audit_accept import accept as accept_findings
from client_sdk.errors import CreditRegistryError
from client_sdk.forms import moment_text, plain
from client_sdk.texts import say

if TYPE_CHECKING:
    from client_sdk.auditing.auditor import Auditor
    from client_sdk.auditing.report import AuditReport
    from client_sdk.cli.ui.output import Json

    _AuditOnce = Callable[["_Progress | None"], AuditReport]

__all__ = ["register"]

# Seconds between two audits.
_EVERY = 600
# Of findings that are named in one line.
_NAMED = 5

_Progress = Callable[[int, int], None]

HtmlOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Also write the report to a new file, as one HTML page.", show_default=False),
]
TextOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Also write the report to a new file, as text.", show_default=False),
]
JsonFileOption = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Also write the report to a new file, as JSON.", show_default=False),
]
StateOption = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Where the audit keeps how far it came; without it the home's audit/.",
        show_default=False,
    ),
]
JobsOption = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        "-j",
        min=1,
        help="Processes that verify signatures and compute the map.",
        show_default="all cores",
    ),
]
FollowOption = Annotated[
    bool, typer.Option("--follow", help="Go on: audit what is new every so many seconds, until SIGTERM.")
]
EveryOption = Annotated[
    int | None,
    typer.Option(
        min=1, max=86_400, metavar="SECONDS", help="Between two audits under --follow.", show_default=str(_EVERY)
    ),
]
CosignOption = Annotated[
    bool,
    typer.Option(
        "--cosign",
        help="Cosign the log unless a finding tells against it, with the key of `key replay`, for members' answers.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "audit",
        examples=[
            "--home auditor audit",
            "--home auditor audit --html audit.html",
            "--home auditor audit --json",
            "--home auditor audit --dask tls://scheduler.auditor.example:8786",
            "--home auditor audit --follow --cosign",
        ],
    )
    def audit(
        session: Run,
        /,
        *,
        html: HtmlOption = None,
        text: TextOption = None,
        json_file: JsonFileOption = None,
        state: StateOption = None,
        jobs: JobsOption = None,
        dask: DaskOption = None,
        follow: FollowOption = False,
        every: EveryOption = None,
        cosign: CosignOption = False,
        accept: AcceptOption = None,
        reason: ReasonOption = "",
    ) -> ExitCode:
        """Audit the registry from where the last audit ended: signatures, keys, chains, acts, lapses, map, inquiries.

        Ends with 0 only if nothing was found, now or earlier, that nobody has accepted. Under --follow, a registry that
        is away or a connection that breaks is reported and tried again; each audit reads only what is new, and after a
        crash it goes on from the last whole one.
        """
        from client_sdk.auditing.auditor import Auditor  # noqa: PLC0415 - verbs that work offline load no gRPC
        from client_sdk.auditing.report import as_html, as_text  # noqa: PLC0415 - Jinja is for this verb alone

        if dask is not None and jobs is not None:
            raise UsageError(
                say("--dask and --jobs"), say("give one of them: the work is done by your cluster or by processes.")
            )
        auditor = Auditor(session.config(), state=state)
        if accept:
            if follow or cosign or html or text or json_file:
                raise UsageError(say("--accept goes alone"), say("accept first, with --reason; then audit again."))
            return accept_findings(session, auditor, accept, reason)
        if reason:
            raise UsageError(say("--reason is for --accept alone"), say("give --accept REFERENCE as well."))
        audit_once = _auditing(auditor, jobs or os.cpu_count() or 1, dask)
        if cosign:
            # A key that is missing is no reason to audit for hours first.
            auditor.config.replay_signer()
        if follow:
            if named := [file for file in (html, text, json_file) if file is not None]:
                hint = say("leave --html, --text and --json-file to a single audit; --json gives a line for each.")
                raise UsageError(say("{named}: --follow writes no report to a file", named=named[0]), hint)
            return _follow(session, auditor, audit_once, _EVERY if every is None else every, cosign=cosign)
        if every is not None:
            raise UsageError(
                say("--every is for --follow alone"), say("give --follow as well, or leave it out for one audit.")
            )
        with OutputFile(html) as as_page, OutputFile(text) as as_words, OutputFile(json_file) as as_document:
            with progress_bar(session, say("verifying"), say("leaves")) as report_progress:
                report = audit_once(report_progress)
            content, words = report.to_dict(), as_text(report)
            document = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
            targets = {as_page: as_html(report), as_words: words, as_document: document}
            for target, text_of_report in targets.items():
                if target:
                    target.write(session.output, text_of_report.encode())
        session.output.result(content, words.rstrip("\n"))
        session.output.note(*(say("Wrote {written}", written=target.written) for target in targets if target.written))
        if cosign:
            # Last: a registry that does not take it costs no report.
            session.output.note(_cosigned_words(auditor.cosign(), report.silencing))
        if report.exit_code:
            return ExitCode.FOUND
        return max(target.code for target in targets)


def _auditing(auditor: "Auditor", jobs: int, dask: str | None) -> "_AuditOnce":
    """Return a function that audits once, on so many processes or on a cluster; a broken cluster is reached anew."""

    def audit_once(progress: _Progress | None) -> "AuditReport":
        if dask is None:
            return auditor.audit(progress=progress, jobs=jobs)
        from client_sdk.dask_executor import dask_executor  # noqa: PLC0415 - for this option alone

        with dask_executor(dask) as executor:
            return auditor.audit(progress=progress, executor=executor)

    return audit_once


class _SigtermError(BaseException):
    """SIGTERM came; no ``except Exception`` of a library on the way may take it for its own."""


def _follow(
    session: Run,
    auditor: "Auditor",
    audit_once: "_AuditOnce",
    every: int,
    *,
    cosign: bool,
) -> ExitCode:
    """Audit again and again; end with 1 on SIGTERM where something was found."""

    def end(_number: int, _frame: object) -> None:
        raise _SigtermError

    code = ExitCode.OK
    before = signal.signal(signal.SIGTERM, end)
    try:
        while True:
            code = _round(session, auditor, audit_once, code, cosign=cosign)
            time.sleep(every)
    except _SigtermError:
        return code
    finally:
        signal.signal(signal.SIGTERM, before)


def _round(
    session: Run,
    auditor: "Auditor",
    audit_once: "_AuditOnce",
    code: ExitCode,
    *,
    cosign: bool,
) -> ExitCode:
    """Audit once, and print one line; return the exit code for what was found up to now."""
    try:
        report = audit_once(None)
        code = ExitCode.FOUND if report.exit_code else ExitCode.OK
        cosigned = auditor.cosign() if cosign else 0
    except CreditRegistryError as error:
        # It is tried again: the registry may come back, the rulebook name the key, another audit end.
        session.output.tell(f"{type(error).__name__}: {error}")
        return code
    content: dict[str, Json] = {
        "audited_at": plain(report.audited_at),
        "size": report.size,
        "previous_size": report.previous_size,
        "findings": len(report.findings),
        "new": report.new,
        "cosigned": cosigned,
    }
    line = say(
        "{audited_at}  {size} leaves: {verdict}",
        audited_at=moment_text(report.audited_at),
        size=report.size,
        verdict=report.verdict,
    )
    session.output.line(content, f"{line} {_cosigned_words(cosigned, report.silencing)}" if cosign else line)
    return code


def _cosigned_words(size: int, silencing: tuple[str, ...]) -> str:
    if size:
        return say("Cosigned {size} leaves.", size=size)
    named = f": {', '.join(silencing[:_NAMED])}{', ...' if len(silencing) > _NAMED else ''}" if silencing else ""
    return say("NOT cosigned: findings tell against this log{named}.", named=named)
