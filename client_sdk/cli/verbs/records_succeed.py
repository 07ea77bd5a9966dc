"""``records succeed``: the end of a record of a lender that merged or failed, by its successor."""

from typing import Annotated

import typer

from client_sdk.cli.ui.columns import cells_of, column_options, identity_cells
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.identity_input import read_identity
from client_sdk.cli.ui.options import IdentityFileOption, IdTypeOption, IssuingStateOption, YesOption, uuid8
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.own_record import OF_THE_NAME, tell_receipt
from client_sdk.cli.verbs.report import read_cells
from client_sdk.errors import ConflictError
from client_sdk.lending.rows import facts_cells
from client_sdk.models import IdType
from client_sdk.texts import say

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the verb."""

    @verb(
        group,
        "succeed",
        examples=[
            "records succeed 01234567-89ab-8def-8123-456789abcdef --issuer lender-9 --standing CURED …",
            "records succeed … --issuer lender-9 --standing TRANSFERRED --transferee lender-2 --ended-on 2026-07-01",
        ],
        options=column_options(apart_from=OF_THE_NAME),
    )
    def succeed(
        session: Run,
        /,
        *,
        record: Annotated[
            bytes, typer.Argument(parser=uuid8, metavar="RECORD", help="Record id, as `records --issuer` shows it.")
        ],
        issuer: Annotated[str, typer.Option(metavar="ID", help="The terminated lender that you succeed.")],
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
        yes: YesOption = False,
        **cells: str | None,
    ) -> None:
        """End a record of a lender that you succeed: CURED, SATISFIED or TRANSFERRED, to yourself or another lender.

        Give the standing and what else changes; the rest stays as its newest version has it. After TRANSFERRED to
        yourself, report the debt under your own name, with --continues-issuer and --continues-record-id.
        """
        changes = cells_of(cells)
        if "standing" not in changes:
            raise UsageError(
                say("how the record ends is missing"), say("give --standing CURED, SATISFIED or TRANSFERRED.")
            )
        identity = read_identity(session, identity_file, id_type, issuing_state)
        with session.client() as client:
            held = next(client.records([record], identity=identity, issuer=issuer), None)
            if held is None:
                want = say("a live record of {issuer}, about this person", issuer=issuer)
                raise ConflictError("RECORD_UNKNOWN", field="record", rule="record.known", got="none", want=want)
            old = {} if held.facts is None else facts_cells(held.facts)
            named = {"kind": held.kind.name, "reference": str(held.uuid)}
            report = read_cells(named | old | identity_cells(identity) | changes)
            session.confirm(say("Sign and send that it is {changes}?", changes=changes["standing"]), yes=yes)
            receipt = client.succeed(record, issuer, report)
        tell_receipt(session, say("Ended"), receipt)
