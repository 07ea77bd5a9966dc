"""``sandbox``: a whole registry on this machine, with a desk for each role, for people who try it."""

from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.sandbox import run_sandbox

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(app, "sandbox", examples=["sandbox", "sandbox --keep try"])
    def sandbox(
        session: Run,
        /,
        *,
        keep: Annotated[
            Path | None,
            typer.Option(metavar="DIR", help="Leave everything in DIR; the next run with it goes on from there."),
        ] = None,
    ) -> None:
        """Try everything on this machine: a registry with invented data, and a desk for each role.

        It is not for real persons. It says where each desk is and how to get in, and runs until Ctrl-C; then nothing is
        left of it. It needs the extras [server,desk], and no home.
        """
        run_sandbox(keep, session.output.tell)
