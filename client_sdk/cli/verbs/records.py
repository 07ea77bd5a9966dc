"""``records``: own records and those of a predecessor, as the registry holds them; corrected or withdrawn."""

from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.columns import cells_of, column_options, identity_cells
from client_sdk.cli.ui.evidence_input import EvidenceOption, document_digests
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.identity_input import read_identity
from client_sdk.cli.ui.options import (
    AttemptOption,
    FirstDayOption,
    IdentityFileOption,
    IdTypeOption,
    IssuerOption,
    IssuingStateOption,
    KindOption,
    MaybeFirstDayOption,
    MaybeKindOption,
    MaybeReferenceOption,
    ReferenceOption,
    RemovedOnOption,
    YesOption,
    word_option,
)
from client_sdk.cli.ui.output import Json, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.shown import WHY_RESTRICTED, record_rows
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs import records_confirm, records_history, records_redisclose, records_succeed
from client_sdk.cli.verbs.own_record import OF_THE_NAME, RecordArgument, named_record, record_id_of, tell_receipt
from client_sdk.cli.verbs.records_hide import add_hiding
from client_sdk.cli.verbs.report import read_cells
from client_sdk.errors import ConflictError
from client_sdk.lending.rows import facts_cells
from client_sdk.models import IdType, WithdrawalReason
from client_sdk.models.report import RecordName

if TYPE_CHECKING:
    from datetime import date

    from client_sdk.client import Client
    from client_sdk.models import Identity, ListingRemoval
    from client_sdk.models.record import RecordView

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs, no_args_is_help=False)
    app.add_typer(group, name="records")
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
        restricted = [WHY_RESTRICTED] if any(dispute.restricted for dispute in disputes) else []
        session.output.result(
            {"records": content},
            table(
                ("record", "kind", "version", "standing", "state", "logged", "kept until", "remarked"),
                [(*record_rows(record), ", ".join(flags.get(record.record_id, ()))) for record in found],
            )
            if found
            else "No records.",
            *restricted,
        )

    @verb(
        group,
        "correct",
        examples=[
            "records correct --kind DEFAULT --reference LOAN-4711 --first-day 2026-02-01 --principal 120000",
        ],
        options=column_options(apart_from=(*OF_THE_NAME, "standing")),
    )
    def correct(
        session: Run,
        /,
        *,
        kind: KindOption,
        reference: ReferenceOption,
        first_day: FirstDayOption,
        attempt: AttemptOption = 0,
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
        yes: YesOption = False,
        **cells: str | None,
    ) -> None:
        """Correct facts of a record: give only what changes; the rest stays as the newest version has it.

        The record is named by your own name of it, as it was reported: no record id leads back to the reference, which
        stays with you. The standing stays. A wrong person, or a mistaken end, is mended by `records withdraw` and
        reporting anew.
        """
        changes = cells_of(cells)
        if not changes:
            raise UsageError("nothing to correct was given", "give at least one of the options for facts.")
        identity = read_identity(session, identity_file, id_type, issuing_state)
        name = RecordName(kind=kind, reference=reference, first_day=first_day, attempt=attempt)
        with session.client() as client:
            held = _held(client, name, identity)
            old = {} if held.facts is None else facts_cells(held.facts)
            named = {
                "kind": kind.name,
                "standing": held.standing.name,
                "reference": reference,
                "first_day": first_day.isoformat(),
                "attempt": str(attempt),
                "transferee": held.transferee,
            }
            report = read_cells(named | old | identity_cells(identity) | changes)
            if not yes:
                changed = ", ".join(column for column in changes if changes[column] != old.get(column, ""))
                session.output.tell(f"To be corrected in {kind.name} {reference}: {changed or 'nothing'}")
            session.confirm("Sign and send a further version?", yes=yes)
            receipt = client.correct(report)
        tell_receipt(session, "Corrected", receipt)

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
                "need --removed-on. It stays in the log.",
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
            raise UsageError("a record that a court set aside has no reason", "leave out --reason and --evidence.")
        removed = reason in (WithdrawalReason.COURT_REMOVED, WithdrawalReason.REMOVED_ON_REQUEST)
        if removed is not (removed_on is not None):
            hint = "give both for a listing that the court removed, or neither."
            raise UsageError("--removed-on goes with --reason COURT_REMOVED and REMOVED_ON_REQUEST", hint)
        digests = document_digests(evidence)
        named = named_record(record, kind, reference, first_day, attempt, issuer)
        given = identity_file is not None
        identity = read_identity(session, identity_file, id_type, issuing_state) if given else None
        with session.client() as client:
            removal = None if removed_on is None else _removal(client, removed_on)
            session.confirm("Withdraw it for good?", yes=yes)
            record_id = record_id_of(client, named)
            if set_aside:
                receipt = client.set_aside(record_id, issuer, identity=identity)
            else:
                why = reason or WithdrawalReason.ERROR
                receipt = client.withdraw(record_id, issuer, identity=identity, reason=why, evidence=digests)
        tell_receipt(session, "Set aside" if set_aside else "Withdrawn", receipt, removal)


def _held(client: "Client", name: RecordName, identity: "Identity") -> "RecordView":
    found = list(client.records([client.record_id(name)], identity=identity))
    if not found:
        want = "a live record of your own, about this person"
        raise ConflictError("RECORD_UNKNOWN", field="record", rule="record.known", got="none", want=want)
    return found[0]


def _removal(client: "Client", removed_on: "date") -> "ListingRemoval":
    removal = client.listing_removal(removed_on)
    if removal.removed_on > removal.today:
        raise UsageError("--removed-on is a day to come", "withdraw the listing once the court has removed it.")
    return removal
