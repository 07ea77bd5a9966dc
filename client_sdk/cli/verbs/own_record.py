"""Options that name a record: by its id, or an own one by kind, reference and first day."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.options import uuid8
from client_sdk.cli.ui.output import pairs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.shown import receipt_content
from client_sdk.forms import moment_text
from client_sdk.lending.files import read_portfolio
from client_sdk.models import Kind
from client_sdk.models.batch import RejectedRow
from client_sdk.models.report import RecordName
from client_sdk.texts import say

if TYPE_CHECKING:
    from client_sdk.client import Client
    from client_sdk.models import Identity, ListingRemoval
    from client_sdk.models.receipt import Receipt

__all__ = ["OF_THE_NAME", "RecordArgument", "named_record", "portfolio_names", "record_id_of", "tell_receipt"]

# Columns that say which record it is, or are of its first version alone: no later version changes them.
OF_THE_NAME = (
    *("kind", "reference", "first_day", "attempt", "continues_issuer", "continues_record_id"),
    *("basis_reference", "basis_first_day"),
)

RecordArgument = Annotated[
    bytes | None,
    typer.Argument(
        parser=uuid8, metavar="[RECORD]", help="Record id, a UUID as `records` shows it.", show_default=False
    ),
]


def named_record(
    record: bytes | None,
    kind: Kind | None,
    reference: str | None,
    first_day: date | None,
    attempt: int,
    issuer: str,
) -> bytes | RecordName:
    """Return the record that the options name: its id, or the lender's own name of it.

    Raises:
        UsageError: it is named in no way, in both, or in half; or it is another issuer's and not named by its id.
    """
    if issuer and record is None:
        raise UsageError(say("which record is not clear"), say("with --issuer, give its id."))
    if record is not None and (kind, reference, first_day) == (None, None, None):
        return record
    if record is not None or kind is None or reference is None or first_day is None:
        hint = say("give its id, or --kind, --reference and --first-day together.")
        raise UsageError(say("which record is not clear"), hint)
    return RecordName(kind=kind, reference=reference, first_day=first_day, attempt=attempt)


def record_id_of(client: "Client", named: bytes | RecordName) -> bytes:
    """Return the id of a named record.

    Raises:
        ConfigError: the secret behind record ids is missing.
    """
    return named if isinstance(named, bytes) else client.record_id(named)


def portfolio_names(file: Path) -> "dict[RecordName, Identity]":
    """Return the records that a portfolio names, each once, with their persons; unreadable rows are left out."""
    rows = (row for row in read_portfolio(file) if not isinstance(row, RejectedRow))
    return {row.name: row.identity for row in rows if row.name is not None}


def tell_receipt(session: Run, done: str, receipt: "Receipt", removal: "ListingRemoval | None" = None) -> None:
    """Print the receipt of a further version, and of a removed listing by when its withdrawal was due."""
    content = receipt_content(receipt)
    if removal is not None:
        content |= {"removed_on": str(removal.removed_on), "due_on": str(removal.due_on), "late": removal.late}
    session.output.result(
        content,
        f"{done}: {receipt.uuid}",
        pairs(
            [
                ("  version", receipt.version),
                (
                    "  logged",
                    say("{logged_at} at leaf {index}", logged_at=moment_text(receipt.logged_at), index=receipt.index),
                ),
                *(
                    []
                    if removal is None
                    else [("  due", str(removal.due_on) + (say(", too late") if removal.late else ""))]
                ),
            ]
        ),
    )
