"""``records history``: what is known of an own record, month by month."""

from typing import TYPE_CHECKING

import typer

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
)
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.shown import month_table
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.own_record import RecordArgument, named_record, record_id_of
from client_sdk.forms import plain
from client_sdk.models import IdType

if TYPE_CHECKING:
    from client_sdk.cli.ui.output import Json

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        group,
        "history",
        examples=[
            "records history 01234567-89ab-8def-8123-456789abcdef",
            "records history --kind DEFAULT --reference LOAN-4711 --first-day 2026-02-01 --identity-file number.txt",
        ],
    )
    def history(
        session: Run,
        /,
        *,
        record: RecordArgument = None,
        kind: MaybeKindOption = None,
        reference: MaybeReferenceOption = None,
        first_day: MaybeFirstDayOption = None,
        attempt: AttemptOption = 0,
        issuer: IssuerOption = "",
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
    ) -> None:
        """Show what is known of a record in each of its last 60 months: standing, days past due, code of the month.

        Days past due stand in sealed facts: they are shown with --identity-file, which names the person, and of the
        newest version alone. A month that no version is of is "not reported", unless its days follow from a later one;
        of several versions of one month the newest counts.
        """
        named = named_record(record, kind, reference, first_day, attempt, issuer)
        given = identity_file is not None
        identity = read_identity(session, identity_file, id_type, issuing_state) if given else None
        with session.client() as client:
            months = client.history(record_id_of(client, named), issuer=issuer, identity=identity)
        content: list[Json] = [plain(month) for month in months]
        session.output.result({"months": content}, month_table(months))
