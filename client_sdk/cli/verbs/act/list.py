"""``act list``: the acts in the log."""

import typer

from client_sdk.cli.ui.output import Json, table
from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.cli.verbs.act.rendering import logged_content, logged_row

__all__ = ["register"]

_COLUMNS = ("act", "leaf", "logged", "kind", "what", "institutions", "signed by")


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(app, "list", examples=["act list", "act list --json"])
    def list_(session: Run, /) -> None:
        """List every act that is logged, from genesis on; each is verified from your trust root. For any member."""
        with session.client() as client:
            acts = client.acts()
        content: list[Json] = [logged_content(logged) for logged in acts]
        session.output.result({"acts": content}, table(_COLUMNS, map(logged_row, acts)))
