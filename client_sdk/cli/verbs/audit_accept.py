"""``audit --accept``: a person at the auditor has looked into findings, and says why it may go on."""

from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.cli.ui.exit_codes import ExitCode
from client_sdk.cli.ui.failures import UsageError
from client_sdk.forms import moment_text
from client_sdk.texts import say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from client_sdk.auditing.auditor import Auditor
    from client_sdk.cli.ui.session import Run

__all__ = ["AcceptOption", "ReasonOption", "accept"]

AcceptOption = Annotated[
    list[str] | None,
    typer.Option(
        "--accept",
        metavar="REFERENCE",
        help="Audit nothing: record that you have looked into this finding, as a report names it; may be repeated.",
        show_default=False,
    ),
]
ReasonOption = Annotated[
    str,
    typer.Option(metavar="TEXT", help="Why, in your words; stands in every report from then on.", show_default=False),
]


def accept(session: "Run", auditor: "Auditor", references: "Sequence[str]", reason: str) -> ExitCode:
    """Record that findings are accepted, and show them."""
    if not reason:
        raise UsageError(
            say("--reason is missing"), say("say why these findings are explained; every report shows it.")
        )
    accepted = auditor.accept(references, reason)
    session.output.result(
        {"accepted": [item.reference for item in accepted], "reason": reason},
        *(say("ACCEPTED  {reference}  {finding}", reference=item.reference, finding=item.finding) for item in accepted),
        say("At {at}: {reason}", at=moment_text(accepted[0].accepted.at), reason=reason)
        if accepted[0].accepted
        else "",
        say(
            "They stay in every report. What is about the newest HEAD keeps this auditor from cosigning "
            "until an audit finds it no more."
        ),
    )
    return ExitCode.OK
