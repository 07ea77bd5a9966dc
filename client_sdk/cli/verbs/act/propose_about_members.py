"""``act propose succession`` and ``ending``: records of a lender that merged or failed."""

from typing import Annotated

import typer

from client_sdk.acts import EndingBody, SuccessionBody
from client_sdk.cli.ui.options import YesOption
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.act.proposing import InstitutionOption, propose_body

__all__ = ["register"]

GroundOption = Annotated[str, typer.Option(help="Why: contract of a merger, court order or decision.")]


def register(propose: typer.Typer) -> None:
    """Add the verbs."""

    @verb(
        propose,
        "succession",
        examples=["act propose succession --institution lender-1 --successor lender-2 --ground 'merger of 2026-07-01'"],
    )
    def succession(
        session: Run,
        /,
        *,
        institution: InstitutionOption,
        successor: Annotated[str, typer.Option(metavar="ID", help="Another active lender: heir or custodian.")],
        ground: GroundOption,
        yes: YesOption = False,
    ) -> None:
        """Name who takes over the records of a lender that merged or failed; that lender is TERMINATED by it.

        The successor ends its records, sells or takes them over, and answers its disputes. A later act may
        name another.
        """
        propose_body(session, lambda _: SuccessionBody(institution, successor, ground), yes=yes)

    @verb(propose, "ending", examples=["act propose ending --institution lender-1 --ground '(2026) bankruptcy 7'"])
    def ending(
        session: Run, /, *, institution: InstitutionOption, ground: GroundOption, yes: YesOption = False
    ) -> None:
        """End the records of a terminated lender that nobody takes over; that is final.

        They count as ended on the day of the act: they are shown as such, and erased after the
        rulebook's retention_years.
        """
        propose_body(session, lambda _: EndingBody(institution, ground), yes=yes)
