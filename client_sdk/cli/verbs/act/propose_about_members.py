"""``act propose`` about a member: its enrolment and reviews, and its records once it merged or failed."""

import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from client_sdk.acts import EndingBody, EnrolmentFile, InstitutionBody, Review, ReviewBody, SuccessionBody
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.options import YesOption, day
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.act.proposing import InstitutionOption, propose_body
from client_sdk.texts import say
from client_sdk.whole_file import open_regular, read_whole

__all__ = ["register"]

GroundOption = Annotated[str, typer.Option(help="Why: contract of a merger, court order or decision.")]
EnrolmentOption = Annotated[Path, typer.Option(metavar="FILE", help="The ID.enrolment.json that `init` made.")]
_DAY_HELP = "Day on which the review was concluded."
_REFERENCE_HELP = "The reviewer's reference: letters, digits, dots, underscores and hyphens."
_DOCUMENT_HELP = "The review itself; its SHA-256 goes into the act, and the file stays here."


def register(propose: typer.Typer) -> None:
    """Add the verbs."""

    @verb(
        propose,
        "institution",
        examples=[
            "act propose institution --enrolment lender-1.enrolment.json",
            (
                "act propose institution --enrolment lender-1.enrolment.json "
                "--reviewed-on 2026-11-02 --reference RV-2026-014 --document review.pdf"
            ),
        ],
    )
    def institution(
        session: Run,
        /,
        *,
        enrolment: EnrolmentOption,
        reviewed_on: Annotated[
            date | None, typer.Option(parser=day, metavar="YYYY-MM-DD", help=_DAY_HELP, show_default=False)
        ] = None,
        reference: Annotated[str | None, typer.Option(help=_REFERENCE_HELP, show_default=False)] = None,
        document: Annotated[Path | None, typer.Option(metavar="FILE", help=_DOCUMENT_HELP, show_default=False)] = None,
        yes: YesOption = False,
    ) -> None:
        """Enrol a new member from its enrolment file; look at licence and name before you sign.

        Where real persons are in the registry (the rulebook's review_days), a lender is enrolled with the review of its
        sources, quality and security.
        """
        file = EnrolmentFile.parse(read_whole(enrolment))
        if reviewed_on is None and reference is None and document is None:
            enrolled = file.enrolment
        elif reviewed_on is None or reference is None or document is None:
            raise UsageError(
                say("a part of the review is missing"), say("give --reviewed-on, --reference and --document.")
            )
        else:
            enrolled = replace(file.enrolment, review=_review(reviewed_on, reference, document))
        propose_body(session, lambda _: InstitutionBody(enrolled), yes=yes)

    @verb(
        propose,
        "review",
        examples=[
            (
                "act propose review --institution lender-1 --reviewed-on 2027-10-20 --reference RV-2027-009 "
                "--document review.pdf"
            ),
        ],
    )
    def review(
        session: Run,
        /,
        *,
        institution: InstitutionOption,
        reviewed_on: Annotated[date, typer.Option(parser=day, metavar="YYYY-MM-DD", help=_DAY_HELP)],
        reference: Annotated[str, typer.Option(help=_REFERENCE_HELP)],
        document: Annotated[Path, typer.Option(metavar="FILE", help=_DOCUMENT_HELP)],
        yes: YesOption = False,
    ) -> None:
        """Record a further review of a lender; `member list` tells whose is missing or over."""
        body = ReviewBody(institution, _review(reviewed_on, reference, document))
        propose_body(session, lambda _: body, yes=yes)

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


def _review(reviewed_on: date, reference: str, document: Path) -> Review:
    with open_regular(document) as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    return Review(reviewed_on, reference, digest)
