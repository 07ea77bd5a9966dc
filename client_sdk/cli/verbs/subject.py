"""``subject``: what a member does for a person: its own report, alerts, disputes, and its own statement."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.evidence_input import EvidenceOption, document_digests
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.identity_input import read_identities
from client_sdk.cli.ui.options import EndedOption, IdentityFileOption, IdTypeOption, IssuingStateOption, record_key
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.dispute import annotated, dispute_content, dispute_table
from client_sdk.cli.verbs.subject_alerts import add_alerts
from client_sdk.cli.verbs.subject_report import add_report
from client_sdk.forms import one_line
from client_sdk.models import IdType, RecordKey
from client_sdk.texts import say
from client_sdk.whole_file import read_whole

__all__ = ["register"]

_RECORD = "lender-1/01234567-89ab-8def-8123-456789abcdef"
# Usual codes; none is refused for being another.
_CODE = (
    "Reason, free text that is shown to all and stays: usually not-mine, paid, paid-in-time, wrong-amount, "
    "wrong-dates, no-notice, no-consent or identity-theft."
)
RecordArgument = Annotated[
    RecordKey,
    typer.Argument(parser=record_key, metavar="ISSUER/RECORD", help="Record, as `check` shows it: issuer and UUID."),
]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(
        cls=Verbs,
        help="For a person: own report, alerts, disputes, and the person's own statement.",
        no_args_is_help=True,
    )
    app.add_typer(group, name="subject")
    add_report(group)
    add_alerts(group)
    _add_disputes(group)
    _add_statements(group)


def _add_disputes(group: typer.Typer) -> None:
    disputes = typer.Typer(cls=Verbs, help="Disputes for a person: open, status, withdraw.", no_args_is_help=True)
    group.add_typer(disputes, name="dispute")

    @verb(
        disputes,
        "open",
        examples=[f"subject dispute open {_RECORD} --code paid-in-time --evidence receipt.pdf"],
    )
    def open_(
        session: Run,
        /,
        *,
        record: RecordArgument,
        code: Annotated[
            str,
            typer.Option(
                metavar="CODE",
                help=_CODE,
            ),
        ] = "",
        evidence: EvidenceOption = None,
    ) -> None:
        """Dispute a record for its person (异议): every answer shows it from now on, and its lender has to answer.

        The person's request is a document of it (--evidence), beside what shows that the record is wrong. What was
        answered is disputed again only with evidence that was not named before.
        """
        digests = document_digests(evidence)
        with session.client() as client:
            receipt = client.open_dispute(record.issuer, record.record_id, code=code, evidence=digests)
        annotated(session, receipt, say("The record is disputed."))

    @verb(disputes, "status", examples=["subject dispute status", "subject dispute status --ended"])
    def status(session: Run, /, *, ended: EndedOption = False) -> None:
        """List the disputes that you have opened and that stand: those that were answered first, then by the day due.

        `dispute show` tells more of one: dates, outcome and the documents of both sides. A notice in your `inbox` tells
        of each answer.
        """
        with session.client() as client:
            found = client.disputes(opened=True, ended=ended)
        ordered = sorted(found, key=lambda one: one.due_on or date.min)
        session.output.result({"disputes": dispute_content(ordered)}, *dispute_table(ordered))

    @verb(disputes, "withdraw", examples=[f"subject dispute withdraw {_RECORD}"])
    def withdraw(session: Run, /, *, record: RecordArgument) -> None:
        """Take back a dispute that you have opened."""
        with session.client() as client:
            receipt = client.withdraw_dispute(record.issuer, record.record_id)
        annotated(session, receipt, say("The dispute is taken back."))


def _add_statements(group: typer.Typer) -> None:
    statements = typer.Typer(cls=Verbs, help="The person's own statement: add, remove.", no_args_is_help=True)
    group.add_typer(statements, name="statement")

    @verb(
        statements,
        "add",
        examples=[f"subject statement add {_RECORD} --text-file statement.txt --identity-file number.txt"],
    )
    def add(
        session: Run,
        /,
        *,
        record: RecordArgument,
        text_file: Annotated[
            Path,
            typer.Option(metavar="FILE", help="The statement, UTF-8, at most 500 characters; its lines become one."),
        ],
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
    ) -> None:
        """Attach the person's own statement to a record; every member that reads the record's facts reads it too.

        The identity number is asked for, hidden, or read from a file or standard input, never from the command line.
        """
        try:
            text = one_line(read_whole(text_file).decode())
        except UnicodeDecodeError:
            raise UsageError(say("the statement is not UTF-8"), say("save it as UTF-8.")) from None
        identities = read_identities(session, identity_file, id_type, issuing_state)
        if len(identities) != 1:
            raise UsageError(say("a statement is of one person"), say("give one identity number."))
        with session.client() as client:
            receipt = client.add_statement(record.issuer, record.record_id, identities[0], text)
        annotated(session, receipt, say("The statement stands with the record."))

    @verb(statements, "remove", examples=[f"subject statement remove {_RECORD}"])
    def remove(session: Run, /, *, record: RecordArgument) -> None:
        """Remove the person's own statement from a record."""
        with session.client() as client:
            receipt = client.remove_statement(record.issuer, record.record_id)
        annotated(session, receipt, say("The statement is removed."))
