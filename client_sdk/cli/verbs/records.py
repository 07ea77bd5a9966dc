"""``records``: own records and those of a predecessor, as the registry holds them; corrected or withdrawn."""

from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.evidence_input import EvidenceOption, document_digests
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.identity_input import read_identity
from client_sdk.cli.ui.options import (
    AttemptOption,
    IdentityFileOption,
    IdTypeOption,
    IssuerOption,
    IssuingStateOption,
    MaybeFirstDayOption,
    MaybeKindOption,
    MaybeReferenceOption,
    RemovedOnOption,
    YesOption,
    word_option,
)
from client_sdk.cli.ui.output import Json, counted, pairs, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.shown import WHY_RESTRICTED, record_rows
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs import records_confirm, records_correct, records_history, records_redisclose, records_succeed
from client_sdk.cli.verbs.own_record import RecordArgument, named_record, record_id_of, tell_receipt
from client_sdk.cli.verbs.records_hide import add_hiding
from client_sdk.errors import ConflictError
from client_sdk.forms import moment_text
from client_sdk.models import IdType, WithdrawalReason
from client_sdk.models.record import RecordState
from client_sdk.texts import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from rich.console import RenderableType

    from client_sdk.client import Client
    from client_sdk.models import ListingRemoval
    from client_sdk.models.record import RecordView

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs, no_args_is_help=False)
    app.add_typer(group, name="records")
    records_correct.register(group)
    records_succeed.register(group)
    records_confirm.register(group)
    records_redisclose.register(group)
    records_history.register(group)
    add_hiding(group)

    @verb(
        group,
        "",
        examples=[
            "records",
            "records --with-facts --identity-file number.txt",
            "records --issuer lender-9",
            "records --stale --json",
        ],
    )
    def records(
        session: Run,
        /,
        *,
        with_facts: Annotated[
            bool, typer.Option("--with-facts", help="Only those about one person, with their facts opened.")
        ] = False,
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
        issuer: IssuerOption = "",
        stale: Annotated[
            bool, typer.Option("--stale", help="Only running ones left alone for the rulebook's stale_days.")
        ] = False,
    ) -> None:
        """List your own records, or those you took over, as the registry holds them; correct or withdraw one.

        DISPUTED: the person objects; `dispute list` says until when you answer. RESTRICTED: a dispute was not answered
        in time, so that nobody may count the record; `dispute answer` lifts it.
        """
        asked = with_facts or identity_file is not None
        identity = read_identity(session, identity_file, id_type, issuing_state) if asked else None
        with session.client() as client:
            found = [record for record in client.records(identity=identity, issuer=issuer) if record.stale or not stale]
            disputes = client.disputes(issuer=issuer) if found else ()
        flags = {dispute.record_id: sorted(flag.name for flag in dispute.flags) for dispute in disputes}
        content: list[Json] = [
            record.to_dict() | {"flags": list[Json](flags.get(record.record_id, ()))} for record in found
        ]
        restricted = [say(WHY_RESTRICTED)] if any(dispute.restricted for dispute in disputes) else []
        session.output.result(
            {"records": content},
            table(
                ("record", "kind", "version", "standing", "state", "logged", "kept until", "remarked"),
                [(*record_rows(record), ", ".join(flags.get(record.record_id, ()))) for record in found],
            )
            if found
            else say("No records."),
            *restricted,
        )

    @verb(
        group,
        "withdraw",
        examples=[
            "records withdraw 01234567-89ab-8def-8123-456789abcdef",
            "records withdraw --kind DEFAULT --reference LOAN-4711 --first-day 2026-02-01",
            "records withdraw 01234567-89ab-8def-8123-456789abcdef --reason IDENTITY_THEFT --evidence police.pdf",
            "records withdraw 01234567-89ab-8def-8123-456789abcdef --set-aside",
            "records withdraw 01234567-89ab-8def-8123-456789abcdef --issuer lender-9",
        ],
    )
    def withdraw(
        session: Run,
        /,
        *,
        record: RecordArgument = None,
        kind: MaybeKindOption = None,
        reference: MaybeReferenceOption = None,
        first_day: MaybeFirstDayOption = None,
        attempt: AttemptOption = 0,
        set_aside: Annotated[
            bool, typer.Option("--set-aside", help="A court set the judgment, enforcement or listing aside.")
        ] = False,
        reason: Annotated[
            WithdrawalReason | None,
            word_option(
                WithdrawalReason,
                "FRAUD, IDENTITY_THEFT and COURT_ORDER need --evidence; PAID_IN_TIME is a judgment paid within the "
                "rulebook's months; COURT_REMOVED and REMOVED_ON_REQUEST are of a listing that the court removed, and "
                "need --removed-on. It stays in the log. --yes needs it.",
                "--reason",
                default="ERROR",
            ),
        ] = None,
        evidence: EvidenceOption = None,
        removed_on: RemovedOnOption = None,
        issuer: IssuerOption = "",
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
        yes: YesOption = False,
    ) -> None:
        """Withdraw a record that must not be held: it leaves all answers at once, and cannot be taken back.

        With --identity-file it is withdrawn only if it is about that person. Documents stay here: only their SHA-256 is
        logged.
        """
        if set_aside and (reason is not None or evidence):
            raise UsageError(
                say("a record that a court set aside has no reason"), say("leave out --reason and --evidence.")
            )
        if yes and not set_aside and reason is None:
            raise UsageError(
                say("--yes without a reason"), say("give --reason: it stays in the log, and nobody is asked for it.")
            )
        removed = reason in (WithdrawalReason.COURT_REMOVED, WithdrawalReason.REMOVED_ON_REQUEST)
        if removed and removed_on is None:
            hint = say("give the day on which the court removed it: COURT_REMOVED and REMOVED_ON_REQUEST need one.")
            raise UsageError(say("--removed-on is missing"), hint)
        if removed_on is not None and not removed:
            hint = say("give both for a listing that the court removed, or neither.")
            raise UsageError(say("--removed-on goes with --reason COURT_REMOVED and REMOVED_ON_REQUEST"), hint)
        digests = document_digests(evidence)
        named = named_record(record, kind, reference, first_day, attempt, issuer)
        given = identity_file is not None
        identity = read_identity(session, identity_file, id_type, issuing_state) if given else None
        with session.client() as client:
            removal = None if removed_on is None else _removal(client, removed_on)
            record_id = record_id_of(client, named)
            if not yes:
                why = say("a court set it aside") if set_aside else (reason or WithdrawalReason.ERROR).name
                session.output.tell(*_ending_lines(_live(client, record_id, issuer), why, len(digests), removal))
            session.confirm(say("Take it out of all answers for good?"), yes=yes)
            if set_aside:
                receipt = client.set_aside(record_id, issuer, identity=identity)
            else:
                cause = reason or WithdrawalReason.ERROR
                receipt = client.withdraw(
                    record_id, issuer, identity=identity, reason=cause, evidence=digests, removed_on=removed_on
                )
        tell_receipt(session, say("Set aside") if set_aside else say("Withdrawn"), receipt, removal)


def _live(client: "Client", record_id: bytes, issuer: str) -> "RecordView":
    """Return a record that is still live.

    Raises:
        ConflictError: there is none with that id, or it has ended.
    """
    found = next(iter(client.records([record_id], issuer=issuer)), None)
    if found is None:
        raise ConflictError("RECORD_UNKNOWN", field="record", rule="record.known", got="none", want="an own record")
    if found.state is not RecordState.LIVE:
        reason = "RECORD_ERASED" if found.state is RecordState.ERASED else "RECORD_ENDED"
        raise ConflictError(reason, field="record", rule="record.live", got=found.state.value, want="a live record")
    return found


def _ending_lines(
    record: "RecordView", why: str, documents: int, removal: "ListingRemoval | None"
) -> "Iterator[RenderableType]":
    """Yield which record is ended, and why."""
    yield say("To be ended: {kind} {uuid} of {issuer}", kind=record.kind.name, uuid=record.uuid, issuer=record.issuer)
    yield pairs(
        [
            (
                "  version",
                say(
                    "{version}, {standing}, logged {logged_at}",
                    version=record.version,
                    standing=record.standing.name,
                    logged_at=moment_text(record.logged_at),
                ),
            ),
            ("  why", why),
            *([("  evidence", counted(documents, "document"))] if documents else []),
            *([] if removal is None else [("  removed on", removal.removed_on)]),
        ]
    )


def _removal(client: "Client", removed_on: "date") -> "ListingRemoval":
    removal = client.listing_removal(removed_on)
    if removal.removed_on > removal.today:
        raise UsageError(
            say("--removed-on is a day to come"), say("withdraw the listing once the court has removed it.")
        )
    return removal
