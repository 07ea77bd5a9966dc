"""``desk``: pages for the people of a member, on its own machine; who may sign in, and the journal."""

from typing import Annotated

import typer

from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs import desk_contract, desk_journal, desk_token, desk_user
from client_sdk.desk import DEFAULT_LISTEN, serve_desk

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verbs."""
    group = typer.Typer(cls=Verbs)
    app.add_typer(group, name="desk")
    desk_user.register(group)
    desk_journal.register(group)
    desk_token.register(group)
    desk_contract.register(group)

    @verb(group, "", examples=["desk", "desk --listen 127.0.0.1:7800", "desk user add anna --role officer"])
    def desk(
        session: Run,
        /,
        *,
        listen: Annotated[
            str, typer.Option(metavar="HOST:PORT", help="Where it listens; port 0 takes a free one.")
        ] = DEFAULT_LISTEN,
    ) -> None:
        """Serve pages for this member's people, by its roles, until Ctrl-C.

        It listens on this machine alone, unless TLS, a name and people who sign in are set up (desk.toml). Without
        people who sign in, it shows a link that lets one browser in, once.
        """
        serve_desk(session.config(), listen, session.output.tell)
