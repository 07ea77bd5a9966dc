"""Proposing an act: shown, confirmed, signed and sent."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk.acts import Body, next_act
from client_sdk.cli.ui.session import Run
from client_sdk.cli.verbs.act.approve import tell_approved
from client_sdk.cli.verbs.act.rendering import act_lines
from client_sdk.clock import clock_ms
from client_sdk.texts import say

if TYPE_CHECKING:
    from client_sdk.acts import Directory

__all__ = ["InstitutionOption", "propose_body"]

InstitutionOption = Annotated[str, typer.Option(metavar="ID", help="Institution id.")]


def propose_body(session: Run, decide: Callable[["Directory"], Body], *, yes: bool) -> None:
    """Propose an act built from the newest directory, after confirmation; not once another act was logged meanwhile."""
    with session.client() as client:
        # As it is now, and not as of a minute ago.
        client.acts()
        directory = client.directory()
        body = decide(directory)
        # Before it is read and confirmed: what cannot be decided is refused at once.
        act = next_act(directory, body, clock_ms())
        if not yes:
            session.output.tell(*act_lines(act, directory.rulebook))
        session.confirm(say("Sign and propose this act?"), yes=yes)
        approved = client.propose(body, after=directory.state.act_hash)
    tell_approved(session, approved)
