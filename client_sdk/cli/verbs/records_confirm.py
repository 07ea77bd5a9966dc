"""``records confirm``: what a stolen key may have signed, said once more with a key that runs."""

from typing import Annotated

import typer

from client_sdk.cli.ui.identity_input import read_identity
from client_sdk.cli.ui.options import IdentityFileOption, IdTypeOption, IssuingStateOption, YesOption, uuid8
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.own_record import tell_receipt
from client_sdk.models import IdType

__all__ = ["register"]


def register(group: typer.Typer) -> None:
    """Add the verb."""

    @verb(group, "confirm", examples=["records confirm 01234567-89ab-8def-8123-456789abcdef"])
    def confirm(
        session: Run,
        /,
        *,
        record: Annotated[
            bytes, typer.Argument(parser=uuid8, metavar="RECORD", help="Record id, shown as contested by `records`.")
        ],
        identity_file: IdentityFileOption = None,
        id_type: IdTypeOption = IdType.CN_RESIDENT_ID,
        issuing_state: IssuingStateOption = "",
        yes: YesOption = False,
    ) -> None:
        """Confirm a record that a key in doubt has signed: your running key signs the same once more.

        Until then answers refer it to a person. Hold it against your books first: what the thief of the key has signed
        is mended by `records correct` or `records withdraw`.
        """
        identity = read_identity(session, identity_file, id_type, issuing_state)
        with session.client() as client:
            session.confirm("Does it say what your books say?", yes=yes)
            receipt = client.confirm(record, identity)
        tell_receipt(session, "Confirmed", receipt)
