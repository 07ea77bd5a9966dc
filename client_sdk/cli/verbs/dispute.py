"""``dispute``: a furnisher's disputes, those that wait for an answer first, and the answer."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from client_sdk.cli.ui.evidence_input import EvidenceOption, document_digests
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.options import EndedOption, IssuerOption, any_record, word_option
from client_sdk.cli.ui.output import Json, counted, pairs, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.shown import WHY_RESTRICTED
from client_sdk.cli.ui.verb import verb
from client_sdk.forms import moment_text
from client_sdk.models import AnnotationReceipt, DisputeOutcome, RecordKey
from client_sdk.texts import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.models import DisputeView

__all__ = ["annotated", "dispute_content", "dispute_lines", "dispute_table", "register"]

RecordArgument = Annotated[
    RecordKey,
    typer.Argument(parser=any_record, metavar="[ISSUER/]RECORD", help="Record, as `dispute list` shows it."),
]
_ANSWERS = [outcome.name for outcome in DisputeOutcome if outcome is not DisputeOutcome.WITHDRAWN]
_COLUMNS = ("record", "answer due, or outcome", "opened by", "code", "last remark", "restricted")


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs, help="Disputes about your records: list, show, answer.", no_args_is_help=True)
    app.add_typer(group, name="dispute")

    @verb(group, "list", examples=["dispute list", "dispute list --ended", "dispute list --json --issuer lender-9"])
    def list_(session: Run, /, *, issuer: IssuerOption = "", ended: EndedOption = False) -> None:
        """List the disputes that stand about your records; those whose answer is due come first.

        By law a dispute is answered within the rulebook's days; after that the record is restricted by itself.
        """
        with session.client() as client:
            found = client.disputes(issuer=issuer, ended=ended)
        ordered = sorted(found, key=lambda one: one.due_on or date.max)
        # An office has no records: what it looks for is listed by another command.
        opened = [] if ordered else [say("Disputes that you have opened: `credit-registry subject dispute status`.")]
        session.output.result({"disputes": dispute_content(ordered)}, *dispute_table(ordered), *opened)

    @verb(group, "show", examples=["dispute show lender-1/01234567-89ab-8def-8123-456789abcdef"])
    def show(session: Run, /, *, record: RecordArgument, issuer: IssuerOption = "") -> None:
        """Show the newest dispute of a record: dates, outcome, and SHA-256 of the documents of both sides.

        Of your own records, of those that you have taken over, and of what you have disputed yourself.
        """
        with session.client() as client:
            own = client.config.institution
            whose = issuer or record.issuer or own
            opened = whose != own and not issuer
            found = [
                one
                for ended in (False, True)
                for one in client.disputes(issuer=issuer, opened=opened, ended=ended)
                if (one.issuer, one.record_id) == (whose, record.record_id)
            ]
        if not found:
            raise UsageError(
                say("there is no dispute of this record that you may see"),
                say(
                    "`dispute list` and `dispute list --ended` show those of your records, `subject dispute "
                    "status` yours."
                ),
            )
        session.output.result(found[0].to_dict(), *dispute_lines(found[0]))

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
        record: RecordArgument,
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
        annotated(session, receipt, say("The dispute is answered: {outcome}.", outcome=outcome.name))


def dispute_content(found: "Sequence[DisputeView]") -> list[Json]:
    """Return disputes as the JSON document shows them."""
    return [one.to_dict() for one in found]


def dispute_lines(dispute: "DisputeView") -> list[RenderableType]:
    """Return one dispute as lines for people."""
    due = "" if dispute.due_on is None else dispute.due_on.isoformat()
    given = "" if dispute.answered_at is None else f", {dispute.answered_by}, {moment_text(dispute.answered_at)}"
    return [
        say(
            "Dispute of {issuer}/{uuid}: {stands}",
            issuer=dispute.issuer,
            uuid=dispute.uuid,
            stands=say("stands") if dispute.stands else say("ended"),
        ),
        pairs(
            [
                ("  opened by", f"{dispute.opened_by}, {moment_text(dispute.opened_at)}"),
                ("  code", dispute.code or say("none")),
                ("  documents", _digests(dispute.evidence)),
                ("  answer due", due or say("none is waited for")),
                ("  outcome", f"{dispute.outcome.name}{given}" if dispute.outcome else say("none")),
                ("  its documents", _digests(dispute.answer_evidence)),
                ("  restricted", say("yes, until an answer lifts it") if dispute.restricted else say("no")),
            ]
        ),
    ]


def _digests(digests: "Sequence[bytes]") -> str:
    return "\n".join(digest.hex() for digest in digests) or say("none")


def dispute_table(found: "Sequence[DisputeView]") -> list[RenderableType]:
    """Return disputes as lines for people."""
    rows = [
        (
            f"{one.issuer}/{one.uuid}",
            (one.outcome or "") if one.due_on is None else one.due_on.isoformat(),
            one.opened_by,
            one.code,
            f"{one.annotated_by}, {moment_text(one.annotated_at)}",
            say("yes") if one.restricted else "",
        )
        for one in found
    ]
    why = [say(WHY_RESTRICTED)] if any(one.restricted for one in found) else []
    return [table(_COLUMNS, rows), counted(len(found), "dispute"), *why]


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
