"""``records hide`` and ``records show-again``: own records under an overlay of the rulebook."""

from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.input_file import check_file
from client_sdk.cli.ui.options import IssuerOption, uuid8
from client_sdk.cli.ui.output import Json, counted, pairs, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.side_by_side import side_by_side
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.dispute import annotated
from client_sdk.cli.verbs.own_record import portfolio_names
from client_sdk.errors import ConflictError, PreflightError, RefusedError
from client_sdk.models import Kind

if TYPE_CHECKING:
    from client_sdk.client import Client
    from client_sdk.models import Identity
    from client_sdk.models.report import RecordName

__all__ = ["add_hiding"]

_HINT = "give a portfolio, as `report` reads it; an identity number never goes on the command line."
_NOT_COVERED = "overlay.covers"


def add_hiding(group: typer.Typer) -> None:
    """Add the verbs."""

    @verb(
        group,
        "hide",
        examples=[
            "records hide portfolio.csv --overlay repair-2025 --dry-run",
            "records hide portfolio.csv --overlay repair-2025",
        ],
    )
    def hide(
        session: Run,
        /,
        *,
        file: Annotated[Path, typer.Argument(metavar="FILE", help="Portfolio with the records, as `report` reads it.")],
        overlay: Annotated[str, typer.Option(metavar="NAME", help="Name of an overlay of the rulebook in force.")],
        dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would be hidden.")] = False,
    ) -> ExitCode:
        """Hide repaid defaults of a portfolio that an overlay of the rulebook covers: no answer shows them any more.

        What is hidden stays as it was reported. A correction shows it again, and so does the end of the overlay. The
        facts that count are those that the registry holds sealed; the file only names records and persons.
        """
        check_file(file, _HINT)
        names = {name: who for name, who in portfolio_names(file).items() if name.kind is Kind.DEFAULT}
        if not names:
            raise UsageError("that portfolio names no DEFAULT", "nothing was hidden; look at where it comes from.")
        counts = Counter[str]()
        refused: list[dict[str, Json]] = []
        with session.client() as client:
            _check_named(client, overlay)
            for outcome, reason in side_by_side(partial(_hide, client, overlay, dry_run), names.items()):
                counts[outcome] += 1
                refused += reason
        _tell(session, counts, refused, dry_run=dry_run)
        return ExitCode.FOUND if refused else ExitCode.OK

    @verb(group, "show-again", examples=["records show-again 01234567-89ab-8def-8123-456789abcdef"])
    def show_again(
        session: Run,
        /,
        *,
        record: Annotated[
            bytes, typer.Argument(parser=uuid8, metavar="RECORD", help="Record id, a UUID as `records` shows it.")
        ],
        issuer: IssuerOption = "",
    ) -> None:
        """Show a record again that you have hidden."""
        with session.client() as client:
            receipt = client.show_again(record, issuer=issuer)
        annotated(session, receipt, "The record is shown again.")


def _check_named(client: "Client", overlay: str) -> None:
    """Refuse the name of no overlay: every record would be reported as not covered.

    Raises:
        UsageError: the rulebook in force has none of that name.
    """
    known = [one.name for one in client.directory().rulebook.overlays]
    if overlay not in known:
        hint = (
            f"it has {', '.join(known)}." if known else "it has none: administrators add one by `act propose rulebook`."
        )
        raise UsageError("--overlay: the rulebook has no overlay of that name", hint)


def _hide(
    client: "Client",
    overlay: str,
    dry_run: bool,  # noqa: FBT001 - bound once for all records
    named: "tuple[RecordName, Identity]",
) -> tuple[str, list[dict[str, Json]]]:
    """Hide one record; return what became of it, and why where it was refused for another reason than the overlay."""
    name, identity = named
    try:
        receipt = client.hide(client.record_id(name), identity, overlay, dry_run=dry_run)
    except PreflightError as error:
        if all(item.rule == _NOT_COVERED for item in error.violations):
            return "not covered", []
        raise
    except (ConflictError, RefusedError) as error:
        return "refused", [{"reference": name.reference, "reason": error.reason, "rule": error.rule}]
    return ("hidden" if receipt is not None else "covered" if dry_run else "hidden before"), []


def _tell(session: Run, counts: "Counter[str]", refused: list[dict[str, Json]], *, dry_run: bool) -> None:
    content: list[Json] = [dict(item) for item in refused]
    session.output.result(
        {"dry_run": dry_run, "counts": dict(counts), "refused": content},
        counted(counts.total(), "record") + (" looked at; nothing was sent" if dry_run else ""),
        pairs((f"  {name}", counts[name]) for name in sorted(counts)),
        *(
            [table(("reference", "reason", "rule"), [tuple(map(str, item.values())) for item in refused])]
            if refused
            else []
        ),
    )
