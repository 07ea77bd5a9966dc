"""``act propose closing``: the act by which a registry ends."""

from datetime import date
from hashlib import file_digest
from pathlib import Path
from typing import Annotated

import typer

from client_sdk.acts import ClosingBody, ClosingWay, SuccessorRegistry
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.options import YesOption, day, hexadecimal, word_option
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.act.proposing import propose_body
from client_sdk.texts import say
from client_sdk.whole_file import open_regular

__all__ = ["register"]

_FINGERPRINT_BYTES = 32


def register(propose: typer.Typer) -> None:
    """Add the verb to ``act propose``."""

    @verb(
        propose,
        "closing",
        examples=[
            "act propose closing --way destroy --open-until 2027-03-31 --approval '(2026) 41' --document order.pdf",
            (
                "act propose closing --way transfer --open-until 2027-03-31 --successor registry-2 --fingerprint 3f1c… "
                "--approval '(2026) 41' --document consent.pdf"
            ),
        ],
    )
    def closing(
        session: Run,
        /,
        *,
        way: Annotated[ClosingWay, word_option(ClosingWay, "Where the data goes.")],
        open_until: Annotated[
            date, typer.Option(parser=day, metavar="DATE", help="Last day on which members are served.")
        ],
        approval: Annotated[str, typer.Option(metavar="NUMBER", help="Number of the supervisor's document.")],
        document: Annotated[
            Path,
            typer.Option(metavar="FILE", help="That document; the act names its SHA-256.", exists=True, dir_okay=False),
        ],
        successor: Annotated[
            str, typer.Option(metavar="NAME", help="Registry that takes the data.", show_default=False)
        ] = "",
        fingerprint: Annotated[
            bytes | None,
            typer.Option(
                parser=hexadecimal(_FINGERPRINT_BYTES),
                metavar="HEX",
                help="Its fingerprint, compared over another channel.",
                show_default=False,
            ),
        ] = None,
        yes: YesOption = False,
    ) -> None:
        """Close the registry: it takes no new record from this act on, and serves nobody after a day.

        Until that day members check, correct, withdraw and dispute as before. Then the operator exports the data for
        the successor, and destroys it: registry-server wind-down.
        """
        takes = way is not ClosingWay.DESTROY
        if takes is not bool(successor) or takes is not bool(fingerprint):
            raise UsageError(
                say(
                    "--way {way}: {takes}",
                    way=way.name.lower(),
                    takes=say("the successor is missing") if takes else say("nobody takes the data"),
                ),
                say("give --successor and --fingerprint for transfer and hand-over, and neither for destroy."),
            )
        taker = SuccessorRegistry(successor, fingerprint) if fingerprint else None
        with open_regular(document) as file:
            digest = file_digest(file, "sha256").digest()
        body = ClosingBody(way, open_until.isoformat(), approval, digest, taker)
        propose_body(session, lambda _: body, yes=yes)
