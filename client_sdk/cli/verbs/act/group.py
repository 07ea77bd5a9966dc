"""``act``: the group of its verbs, each of which is a module beside this one."""

import typer

from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.verbs.table import ACT_VERBS

__all__ = ["register"]


class _ActVerbs(Verbs):
    later = ACT_VERBS


def register(app: typer.Typer) -> None:
    """Add the group."""
    help_ = "What administrators decide: list, propose, show, approve."
    app.add_typer(typer.Typer(cls=_ActVerbs, help=help_, no_args_is_help=True), name="act")
