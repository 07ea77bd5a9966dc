"""``report``: one record by options, or many from a file; a plan first, and nothing is sent before confirmation."""

from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.columns import cells_of, column_options, identity_cells
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.identity_input import read_identity
from client_sdk.cli.ui.options import IdentityFileOption, IdTypeOption, IssuingStateOption, YesOption, moment_text
from client_sdk.cli.ui.output import pairs
from client_sdk.cli.ui.session import Session
from client_sdk.cli.ui.shown import receipt_content
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.report_file import report_file
from client_sdk.errors import PreflightError
from client_sdk.kernel.subjects.identifiers import IdType
from client_sdk.lending.columns import COLUMNS, report_of
from client_sdk.models.batch import RejectedRow
from client_sdk.models.report import Report

__all__ = ["read_cells", "register"]

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show the plan and end: nothing is signed, sent or written.")
]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "report",
        examples=[
            "report portfolio.csv --dry-run",
            "report portfolio.csv --yes",
            "report --columns > portfolio.csv",
            "report --kind DEFAULT --standing OPEN --reference LOAN-4711 --identity-file number.txt …",
        ],
        options=column_options(),
    )
    def report(
        session: Session,
        /,
        *,
        file: Annotated[
            Path | None,
            typer.Argument(metavar="[FILE]", help="Portfolio: CSV, or JSON Lines (.jsonl); may be .gz."),
        ] = None,
        columns: Annotated[
            bool, typer.Option("--columns", help="Print the header of an empty portfolio and end.")
        ] = False,
        dry_run: DryRunOption = False,
        yes: YesOption = False,
        rejected: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE.csv",
                help="New file for rows that are not accepted, with the reasons; FILE.rejected.csv if left out.",
                show_default=False,
            ),
        ] = None,
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
        **cells: str | None,
    ) -> ExitCode:
        """Report defaults, judgments and enforcements: many from FILE, or one version of one record by options.

        Everything is held against the rules first and shown as a plan; it is sent when you agree (or with --yes). An
        interrupted run goes on where it ended when the same command is run again: nothing is lost or doubled.
        """
        given = cells_of(cells)
        if columns:
            session.output.result({"columns": list(COLUMNS)}, ",".join(COLUMNS))
            return ExitCode.OK
        if file is not None:
            if given or identity_file is not None:
                raise UsageError("a file and options for one record were given", "give one or the other.")
            return report_file(session, file, rejected, dry_run=dry_run, yes=yes)
        if not given:
            hint = "give FILE, or --kind, --standing, --reference and the facts; `report --help` lists them."
            raise UsageError("nothing to report was given", hint)
        identity = read_identity(session, identity_file, id_type, issuing_state)
        return _report_one(session, read_cells(given | identity_cells(identity)), dry_run=dry_run, yes=yes)


def read_cells(cells: dict[str, str]) -> Report:
    """Return the report of cells that came as options.

    Raises:
        PreflightError: a cell is missing or has a wrong form.
    """
    read = report_of(cells, 0)
    if isinstance(read, RejectedRow):
        raise PreflightError(read.violations)
    return read


def _report_one(session: Session, report: Report, *, dry_run: bool, yes: bool) -> ExitCode:
    """Show what would be reported, and report it after confirmation."""
    with session.client() as client:
        violations = client.preflight([report])
        if violations:
            raise PreflightError(violations)
        plan = f"{report.kind.name} {report.reference}: {report.standing.name}"
        if dry_run:
            session.output.result(
                {"dry_run": True, "rows": 1, "rejected": []}, f"Would report {plan}. Nothing was sent."
            )
            return ExitCode.OK
        if not yes:
            session.output.tell(f"To be reported: {plan}")
        session.confirm("Sign and send it?", yes=yes)
        receipt = client.report(report)
    session.output.result(
        receipt_content(receipt),
        f"{'Had been reported before' if receipt.repeated else 'Reported'}: {plan}",
        pairs(
            [
                ("  record", receipt.uuid),
                ("  version", receipt.version),
                ("  logged", f"{moment_text(receipt.logged_at_ms)} at leaf {receipt.index}"),
            ]
        ),
    )
    return ExitCode.OK
