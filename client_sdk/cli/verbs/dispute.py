"""``dispute``: a furnisher's disputes, those that wait for an answer first, and the answer."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from client_sdk.cli.ui.evidence_input import EvidenceOption, document_digests
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.options import IssuerOption, any_record, word_option
from client_sdk.cli.ui.output import Json, counted, pairs, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.forms import moment_text
from client_sdk.models import AnnotationReceipt, DisputeOutcome, RecordKey

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.models import DisputeView

__all__ = ["annotated", "dispute_content", "dispute_table", "register"]

_ANSWERS = [outcome.name for outcome in DisputeOutcome if outcome is not DisputeOutcome.WITHDRAWN]
_COLUMNS = ("record", "answer due", "opened by", "code", "last remark", "restricted")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs, help="Disputes about your records: list, answer.", no_args_is_help=True)
    app.add_typer(group, name="dispute")

    @verb(group, "list", examples=["dispute list", "dispute list --json", "dispute list --issuer lender-9"])
    def list_(session: Run, /, *, issuer: IssuerOption = "") -> None:
        """List the disputes that stand about your records; those whose answer is due come first.

        By law a dispute is answered within the rulebook's days; after that the record is restricted by itself.
        """
        with session.client() as client:
            found = client.disputes(issuer=issuer)
        ordered = sorted(found, key=lambda one: one.due_on or date.max)
        session.output.result({"disputes": dispute_content(ordered)}, *dispute_table(ordered))

    @verb(
        group,
        "answer",
        examples=[
            "dispute answer 01234567-89ab-8def-8123-456789abcdef --outcome CONFIRMED --evidence contract.pdf",
            "dispute answer 01234567-89ab-8def-8123-456789abcdef --outcome CORRECTED --evidence statement.pdf",
        ],
    )
    def answer(
        session: Run,
        /,
        *,
        record: Annotated[
            RecordKey,
            typer.Argument(parser=any_record, metavar="[ISSUER/]RECORD", help="Record, as `dispute list` shows it."),
        ],
        outcome: Annotated[
            DisputeOutcome,
            word_option(
                DisputeOutcome,
                "CORRECTED: you have reported a version that corrects it; CONFIRMED: it is right; UNCONFIRMED: neither "
                "can be shown, the dispute stays with the record.",
                words=_ANSWERS,
            ),
        ],
        evidence: EvidenceOption = None,
        issuer: IssuerOption = "",
    ) -> None:
        """Answer a dispute with what it rests on; the documents stay here, only their SHA-256 is logged."""
        digests = document_digests(evidence, required=True)
        with session.client() as client:
            receipt = client.answer_dispute(record.record_id, outcome, evidence=digests, issuer=issuer or record.issuer)
        annotated(session, receipt, f"The dispute is answered: {outcome.name}.")


def dispute_content(found: "Sequence[DisputeView]") -> list[Json]:
    """Return disputes as the JSON document shows them."""
    return [one.to_dict() for one in found]


def dispute_table(found: "Sequence[DisputeView]") -> list[RenderableType]:
    """Return disputes as lines for people."""
    rows = [
        (
            f"{one.issuer}/{one.uuid}",
            (one.outcome or "answered") if one.due_on is None else one.due_on.isoformat(),
            one.opened_by,
            one.code,
            f"{one.annotated_by}, {moment_text(one.annotated_at)}",
            "yes" if one.restricted else "",
        )
        for one in found
    ]
    return [table(_COLUMNS, rows), counted(len(found), "dispute")]


def annotated(session: Run, receipt: AnnotationReceipt, said: str) -> None:
    """Show the receipt of an annotation."""
    session.output.result(
        receipt.to_dict() | {"checkpoint": receipt.checkpoint.decode()},
        said,
        pairs(
            [
                ("  record", f"{receipt.issuer}/{receipt.uuid}"),
                ("  leaf", receipt.index),
                ("  logged", moment_text(receipt.logged_at)),
            ]
        ),
    )
