"""``report``: one record by options, or many from a file; a plan first, and nothing is sent before confirmation."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.column_guide import GUIDE, form_of, words_of_column
from client_sdk.cli.ui.columns import as_options, cells_of, column_options, identity_cells
from client_sdk.cli.ui.consent_input import document_digest
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.identity_input import read_identity
from client_sdk.cli.ui.options import IdentityFileOption, IdTypeOption, IssuingStateOption, YesOption
from client_sdk.cli.ui.output import Json, pairs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.shown import money, receipt_content
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.report_file import report_file
from client_sdk.cli.verbs.report_plan import warning_content, warning_lines
from client_sdk.errors import PreflightError
from client_sdk.forms import moment_text
from client_sdk.lending.columns import COLUMNS, report_of
from client_sdk.lending.files import Encoding
from client_sdk.models import Amounts, EnforcementFacts, IdType, Kind
from client_sdk.models.batch import RejectedRow
from client_sdk.models.report import Report

__all__ = ["read_cells", "register"]

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show the plan and end: nothing is signed, sent or written.")
]
DocumentOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="In place of its digest: the document; only its SHA-256 is used.", show_default=False
    ),
]
_KINDS = {"D": Kind.DEFAULT.name, "J": Kind.JUDGMENT.name, "E": Kind.ENFORCEMENT.name}


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "report",
        examples=[
            "report portfolio.csv --dry-run",
            "report portfolio.csv --yes",
            "gpg -d portfolio.csv.gpg | report - --rejected rejected.csv --yes",
            "report --columns > portfolio.csv",
            "report --columns --explain",
            "report --kind DEFAULT --standing OPEN --reference LOAN-4711 --identity-file number.txt …",
        ],
        options=column_options(),
    )
    def report(
        session: Run,
        /,
        *,
        file: Annotated[
            Path | None,
            typer.Argument(metavar="[FILE]", help="Portfolio: CSV, or JSON Lines (.jsonl); may be .gz; - for a pipe."),
        ] = None,
        columns: Annotated[
            bool, typer.Option("--columns", help="Print the header of an empty portfolio and end.")
        ] = False,
        explain: Annotated[
            bool, typer.Option("--explain", help="With --columns: what each means, its form, words and an example.")
        ] = False,
        dry_run: DryRunOption = False,
        yes: YesOption = False,
        rejected: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE.csv",
                help="New file for rows that are not accepted, with the reasons; FILE.rejected.csv if left out. "
                "A pipe needs it.",
                show_default=False,
            ),
        ] = None,
        encoding: Annotated[
            Encoding | None,
            typer.Option(
                case_sensitive=False,
                help="How FILE is written; found out if left out, and shown in the plan.",
                show_default=False,
            ),
        ] = None,
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
        notice_file: DocumentOption = None,
        consent_file: DocumentOption = None,
        **cells: str | None,
    ) -> ExitCode:
        """Report defaults, judgments and enforcements: many from FILE, or one version of one record by options.

        Everything is held against the rules first and shown as a plan; it is sent when you agree (or with --yes). An
        interrupted run goes on where it ended when the same command is run again: nothing is lost or doubled.
        """
        given = cells_of(cells) | _digests(cells, notice_file, consent_file)
        if explain and not columns:
            raise UsageError("--explain is about columns", "give --columns too.")
        if explain:
            session.output.result({"columns": _guide()}, *_guide_lines())
            return ExitCode.OK
        if columns:
            session.output.result({"columns": list(COLUMNS)}, ",".join(COLUMNS))
            return ExitCode.OK
        if file is not None:
            if given or identity_file is not None:
                raise UsageError("a file and options for one record were given", "give one or the other.")
            return report_file(session, file, rejected, encoding, dry_run=dry_run, yes=yes)
        if not given:
            hint = "give FILE, or --kind, --standing, --reference and the facts; `report --help` lists them."
            raise UsageError("nothing to report was given", hint)
        identity = read_identity(session, identity_file, id_type, issuing_state)
        return _report_one(session, read_cells(given | identity_cells(identity)), dry_run=dry_run, yes=yes)


def _digests(cells: Mapping[str, str | None], notice: Path | None, consent: Path | None) -> dict[str, str]:
    """Return the cells of digests for documents that were given as files.

    Raises:
        UsageError: both document and digest were given, or a document is empty.
    """
    digests: dict[str, str] = {}
    for what, file in (("notice", notice), ("consent", consent)):
        if file is None:
            continue
        if cells[f"{what}_digest"] is not None:
            raise UsageError(f"--{what}-file and --{what}-digest were given", "give one or the other.")
        digests[f"{what}_digest"] = document_digest(file, what).hex()
    return digests


def _guide() -> list[Json]:
    return [
        {
            "name": name,
            "kinds": [_KINDS[kind] for kind in column.kinds],
            "meaning": column.meaning,
            "form": form_of(name),
            "words": list(words_of_column(name)),
            "example": column.example,
        }
        for name, column in GUIDE.items()
    ]


def _guide_lines() -> Iterator[str]:
    """Yield each column with its kinds, meaning, form and example."""
    for name, column in GUIDE.items():
        kinds = "" if len(column.kinds) == len(_KINDS) else f" ({', '.join(_KINDS[kind] for kind in column.kinds)})"
        yield f"{name}{kinds}"
        yield f"    {column.meaning}"
        yield f"    {form_of(name)}" + (f"   such as {column.example}" if column.example else "   usually empty")


def read_cells(cells: dict[str, str]) -> Report:
    """Return the report of cells that came as options.

    Raises:
        PreflightError: a cell is missing or has a wrong form.
    """
    read = report_of(cells, 0)
    if isinstance(read, RejectedRow):
        raise PreflightError(as_options(read.violations))
    return read


def _report_one(session: Run, report: Report, *, dry_run: bool, yes: bool) -> ExitCode:
    """Show what would be reported, and report it after confirmation."""
    with session.client() as client:
        found = client.preflight([report])
        if found.violations:
            raise PreflightError(as_options(found.violations))
        plan = f"{report.kind.name} {report.reference}: {report.standing.name}"
        warnings = [warning_content(item) for item in found.warnings]
        shown = (pairs(_shown(report)), *warning_lines(found.warnings))
        if dry_run:
            session.output.result(
                {"dry_run": True, "rows": 1, "rejected": [], "warnings": warnings},
                f"Would report {plan}",
                *shown,
                "Nothing was signed or sent.",
            )
            return ExitCode.OK
        if not yes:
            session.output.tell(f"To be reported: {plan}", *shown)
        session.confirm("Sign and send it?", yes=yes)
        receipt = client.report(report)
    session.output.result(
        receipt_content(receipt),
        f"{'Had been reported before' if receipt.repeated else 'Reported'}: {plan}",
        pairs(
            [
                ("  record", receipt.uuid),
                ("  version", receipt.version),
                ("  logged", f"{moment_text(receipt.logged_at)} at leaf {receipt.index}"),
            ]
        ),
    )
    return ExitCode.OK


def _shown(report: Report) -> Iterator[tuple[str, str]]:
    """Yield the lines to review before confirmation: days, and amounts in major units."""
    facts = report.facts
    if report.name is not None:
        yield "  first day", report.name.first_day.isoformat()
    if facts is None:
        return
    yield "  as of", facts.as_of.isoformat()
    amounts = facts.applied if isinstance(facts, EnforcementFacts) else facts.amounts
    yield from _money("", amounts)
    if isinstance(facts, EnforcementFacts):
        yield from _money("executed ", facts.executed)


def _money(prefix: str, amounts: Amounts) -> Iterator[tuple[str, str]]:
    for part in ("principal", "interest", "penalty", "fees", "total"):
        if (amount := getattr(amounts, part)) or part == "total":
            yield f"  {prefix}{part}", money(amount, amounts.currency)
