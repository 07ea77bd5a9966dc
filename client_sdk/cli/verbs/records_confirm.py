"""``records confirm``: what a stolen key may have signed, said once more with a key that runs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.identity_input import read_identity
from client_sdk.cli.ui.input_file import check_file
from client_sdk.cli.ui.options import IdentityFileOption, IdTypeOption, IssuingStateOption, YesOption, uuid8
from client_sdk.cli.ui.output import Json, counted, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.side_by_side import side_by_side
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.own_record import portfolio_names, tell_receipt
from client_sdk.errors import ConflictError, RefusedError
from client_sdk.models import IdType
from client_sdk.texts import N_, say

if TYPE_CHECKING:
    from client_sdk.client import Client
    from client_sdk.models import Identity

__all__ = ["register"]

_HINT = N_("give a portfolio, as `report` reads it; an identity number never goes on the command line.")
_QUESTION = N_("Do your books say the same?")


def register(group: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        group,
        "confirm",
        examples=[
            "records confirm 01234567-89ab-8def-8123-456789abcdef",
            "records confirm --portfolio portfolio.csv",
        ],
    )
    def confirm(
        session: Run,
        /,
        *,
        records: Annotated[
            list[bytes] | None,
            typer.Argument(
                parser=uuid8,
                metavar="[RECORD]...",
                help="Record ids of one person, shown as contested by `records`.",
                show_default=False,
            ),
        ] = None,
        portfolio: Annotated[
            Path | None,
            typer.Option(
                metavar="FILE",
                help="All contested ones that a portfolio names, as `report` reads it.",
                show_default=False,
            ),
        ] = None,
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
        yes: YesOption = False,
    ) -> ExitCode:
        """Confirm records that a key in doubt has signed: your running key signs the same once more.

        Until then answers refer it to a person. Hold it against your books first: what the thief of the key has signed
        is mended by `records correct` or `records withdraw`.
        """
        named = list(dict.fromkeys(records or ()))
        if bool(named) is (portfolio is not None):
            raise UsageError(
                say("which records are to be confirmed is not clear"), say("give ids, or --portfolio FILE.")
            )
        if portfolio is not None:
            check_file(portfolio, _HINT)
            persons = portfolio_names(portfolio)
            with session.client() as client:
                by_id = {client.record_id(name): identity for name, identity in persons.items()}
                doubted = {view.record_id for view in client.records() if view.contested}
                waiting = {record: identity for record, identity in by_id.items() if record in doubted}
                session.output.tell(
                    say(
                        "{count} of {count_2} that it names",
                        count=counted(len(waiting), "contested record"),
                        count_2=len(by_id),
                    )
                )
                if waiting:
                    session.confirm(say(_QUESTION), yes=yes)
                return _confirm_all(session, client, waiting)
        identity = read_identity(session, identity_file, id_type, issuing_state)
        with session.client() as client:
            session.confirm(say(_QUESTION), yes=yes)
            if len(named) == 1:
                tell_receipt(session, say("Confirmed"), client.confirm(named[0], identity))
                return ExitCode.OK
            return _confirm_all(session, client, dict.fromkeys(named, identity))


def _confirm_all(session: Run, client: "Client", waiting: "dict[bytes, Identity]") -> ExitCode:
    """Confirm records, tell what became of each, and return the exit code."""

    def one(record_id: bytes) -> dict[str, Json]:
        try:
            receipt = client.confirm(record_id, waiting[record_id])
        except (ConflictError, RefusedError) as error:
            return {
                "record_id": str(UUID(bytes=record_id)),
                "version": None,
                "reason": error.reason,
                "rule": error.rule,
            }
        return {"record_id": str(receipt.uuid), "version": receipt.version, "reason": "", "rule": ""}

    done = list(side_by_side(one, waiting))
    refused = [item for item in done if item["reason"]]
    session.output.result(
        {"records": list[Json](done)},
        say("{count} confirmed", count=counted(len(done) - len(refused), "record")),
        *([table(("record", "reason", "rule"), map(_refusal, refused))] if refused else []),
    )
    return ExitCode.FOUND if refused else ExitCode.OK


def _refusal(item: dict[str, Json]) -> tuple[str, ...]:
    return tuple(str(item[name]) for name in ("record_id", "reason", "rule"))
