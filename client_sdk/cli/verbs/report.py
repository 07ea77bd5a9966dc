"""``report``: one record by options, or many from a file; a plan first, and nothing is sent before confirmation."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.columns import as_options, cells_of, column_options, identity_cells
from client_sdk.cli.ui.consent_input import document_digest
from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.identity_input import read_identity
from client_sdk.cli.ui.options import IdentityFileOption, IdTypeOption, IssuingStateOption, YesOption
from client_sdk.cli.ui.output import Json
from client_sdk.cli.ui.portfolio_input import EncodingOption, MappingOption, PortfolioReading, SheetOption
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.report_file import FileOptions, report_file
from client_sdk.cli.verbs.report_form import IdentitySource, empty_form, report_edited, report_form
from client_sdk.cli.verbs.report_one import report_one
from client_sdk.cli.verbs.report_template import new_portfolio_template, print_mapping_template
from client_sdk.config import CONFIG_FILE
from client_sdk.errors import NotPermittedError, PreflightError
from client_sdk.lending.column_forms import form_of
from client_sdk.lending.column_guide import GUIDE, words_of_column
from client_sdk.lending.columns import COLUMNS, report_of
from client_sdk.lending.templates import KINDS
from client_sdk.models import IdType, Kind, Role
from client_sdk.models.batch import RejectedRow
from client_sdk.models.report import Report
from client_sdk.texts import N_, say

__all__ = ["read_cells", "register"]

DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Show the plan and end: nothing is signed, sent or written.")
]
OneSignatureOption = Annotated[
    bool,
    typer.Option(
        "--one-signature",
        help="With FILE: one signature for up to 10,000 rows, such as those of a batch litigation; each row is still "
        "proved, corrected and erased alone.",
    ),
]
DocumentOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="In place of its digest: the document; only its SHA-256 is used.", show_default=False
    ),
]
_EDIT_HINT = N_(
    "it begins with the columns that are given, or with the form of --from, and shows its plan before it asks."
)

FileArgument = Annotated[
    Path | None,
    typer.Argument(
        metavar="[FILE]",
        help="Portfolio: Excel (.xlsx), CSV or JSON Lines (.jsonl), either may be .gz, Parquet or Arrow; - for a pipe.",
    ),
]
ColumnsOption = Annotated[bool, typer.Option("--columns", help="Print the header of an empty portfolio and end.")]
ExplainOption = Annotated[
    bool, typer.Option("--explain", help="With --columns: what each means, its form, words and an example.")
]
RejectedOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE.csv",
        help="New file for rows that are not accepted, with the reasons, CSV or .xlsx by its name; FILE.rejected.csv "
        "if left out, and of a workbook FILE.rejected.xlsx. A pipe needs it.",
        show_default=False,
    ),
]
FromOption = Annotated[
    Path | None,
    typer.Option(
        "--from", metavar="FORM.toml", help="One record from a form; - for standard input.", show_default=False
    ),
]
EditOption = Annotated[
    bool, typer.Option("--edit", help="Write one record in a form in your editor (VISUAL, EDITOR, else vi).")
]
TemplateOption = Annotated[
    bool,
    typer.Option(
        "--template",
        help="Print an empty form of one record and end; with FILE, a new one, write an empty portfolio there: .xlsx "
        "has lists to choose from. --kind leaves out columns of other kinds.",
    ),
]
MappingTemplateOption = Annotated[
    bool, typer.Option("--mapping-template", help="Print a mapping for the headings of FILE, to be filled in, and end.")
]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        app,
        "report",
        examples=[
            "report portfolio.csv --dry-run",
            "report portfolio.csv --yes",
            "report judgments.csv --one-signature --yes     (a batch litigation)",
            "report - --rejected rejected.csv --yes     (a portfolio from a pipe, such as of gpg --decrypt)",
            "report --columns > portfolio.csv",
            "report --columns --explain",
            "report --template portfolio.xlsx     (an empty workbook with lists to choose from)",
            "report loans.xlsx --mapping-template > mapping.toml",
            "report loans.xlsx --sheet 2 --mapping mapping.toml --dry-run",
            "report --edit --kind DEFAULT",
            "report --template --kind DEFAULT > record.toml",
            "report --from record.toml --dry-run",
            "report --kind DEFAULT --standing OPEN --reference LOAN-4711 --identity-file number.txt …",
        ],
        options=column_options(),
    )
    def report(
        session: Run,
        /,
        *,
        file: FileArgument = None,
        columns: ColumnsOption = False,
        explain: ExplainOption = False,
        dry_run: DryRunOption = False,
        yes: YesOption = False,
        one_signature: OneSignatureOption = False,
        rejected: RejectedOption = None,
        from_: FromOption = None,
        edit: EditOption = False,
        template: TemplateOption = False,
        encoding: EncodingOption = None,
        sheet: SheetOption = None,
        mapping: MappingOption = None,
        mapping_template: MappingTemplateOption = False,
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
        notice_file: DocumentOption = None,
        consent_file: DocumentOption = None,
        **cells: str | None,
    ) -> ExitCode:
        """Report defaults, judgments, enforcements and listings: many from FILE, or one version of one record.

        Everything is held against the rules first and shown as a plan; it is sent when you agree (or with --yes). An
        interrupted run goes on where it ended when the same command is run again: nothing is lost or doubled.
        """
        given = cells_of(cells) | _digests(cells, notice_file, consent_file)
        if explain and not columns:
            raise UsageError(say("--explain is about columns"), say("give --columns too."))
        if columns:
            return _print_columns(session, explain=explain)
        if template or edit:
            _check_kind(given.get("kind", ""))
        reading = PortfolioReading(encoding, sheet, mapping)
        if mapping_template:
            return print_mapping_template(session, file, reading)
        if template and file is not None:
            return new_portfolio_template(session, file, given.get("kind", "").strip().upper())
        if template:
            form = empty_form(given)
            session.output.result({"template": form}, form.rstrip())
            return ExitCode.OK
        if one_signature and file is None:
            raise UsageError(say("--one-signature was given without FILE"), say("one record has one signature anyway."))
        _check_role(session)
        number = IdentitySource(identity_file, id_type, issuing_state)
        if edit:
            if file is not None or dry_run or (given and from_ is not None):
                raise UsageError(say("--edit was given with FILE, --dry-run, or --from and columns"), _EDIT_HINT)
            return report_edited(session, from_, given, number, yes=yes)
        if from_ is not None:
            if file is not None:
                raise UsageError(
                    say("FILE and --from were given"), say("FILE is a portfolio, --from names one record's form.")
                )
            return report_form(session, from_, given, number, dry_run=dry_run, yes=yes)
        if file is not None:
            _check_portfolio(file, alone=not given and identity_file is None)
            options = FileOptions(rejected, reading, one_signature=one_signature)
            return report_file(session, file, options, dry_run=dry_run, yes=yes)
        if not given:
            hint = say("give FILE, or --kind, --standing, --reference and the facts; `report --help` lists them.")
            raise UsageError(say("nothing to report was given"), hint)
        identity = read_identity(session, identity_file, id_type, issuing_state)
        return _report_cells(session, given | identity_cells(identity), dry_run=dry_run, yes=yes)


def _check_role(session: Run) -> None:
    """Refuse a home that reports nothing, before anything is read or asked.

    Raises:
        NotPermittedError: its member is no LENDER.
    """
    if not (session.home / CONFIG_FILE).exists():
        # Told when it is needed: what is wrong with the command line comes first.
        return
    roles = session.config().roles
    if Role.LENDER not in roles:
        got = ", ".join(sorted(role.name for role in roles)) or "none"
        raise NotPermittedError(
            "NOT_PERMITTED", "only a LENDER reports", field="role", rule="permissions", got=got, want="LENDER"
        )


def _print_columns(session: Run, *, explain: bool) -> ExitCode:
    if explain:
        session.output.result({"columns": _guide()}, *_guide_lines())
    else:
        session.output.result({"columns": list(COLUMNS)}, ",".join(COLUMNS))
    return ExitCode.OK


def _report_cells(session: Run, cells: dict[str, str], *, dry_run: bool, yes: bool) -> ExitCode:
    """Report one record whose facts came as options."""
    report = read_cells(cells)
    with session.client() as client:
        try:
            return report_one(session, client, report, dry_run=dry_run, yes=yes)
        except PreflightError as error:
            raise PreflightError(as_options(error.violations)) from None


def _check_portfolio(file: Path, *, alone: bool) -> None:
    if file.suffix.lower() == ".toml":
        raise UsageError(
            say("FILE is a portfolio, and a TOML file is the form of one record"), say("give it with --from.")
        )
    if not alone:
        raise UsageError(
            say("a file and options for one record were given"),
            say("give one or the other. A value with a space in it, such as a time, stands in quotes."),
        )


def _check_kind(word: str) -> None:
    """Check the kind of an empty form, which would else be one of all kinds."""
    if word.strip() and word.strip().upper() not in Kind.__members__:
        words = ", ".join(Kind.__members__)
        raise UsageError(
            say("--kind is none of {words}", words=words), say("give one of these words, or leave it out.")
        )


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
            raise UsageError(
                say("--{what}-file and --{what}-digest were given", what=what), say("give one or the other.")
            )
        digests[f"{what}_digest"] = document_digest(file, what).hex()
    return digests


def _guide() -> list[Json]:
    return [
        {
            "name": name,
            "kinds": [KINDS[kind] for kind in column.kinds],
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
        kinds = "" if len(column.kinds) == len(KINDS) else f" ({', '.join(KINDS[kind] for kind in column.kinds)})"
        yield f"{name}{kinds}"
        yield f"    {say(column.meaning)}"
        yield f"    {form_of(name)}" + (
            say("   such as {example}", example=column.example) if column.example else say("   usually empty")
        )


def read_cells(cells: dict[str, str]) -> Report:
    """Return the report of cells that came as options.

    Raises:
        PreflightError: a cell is missing or has a wrong form.
    """
    read = report_of(cells, 0)
    if isinstance(read, RejectedRow):
        raise PreflightError(as_options(read.violations))
    return read
