"""``act``: what administrators decide together. Its verbs are in act_list, act_propose, act_show and act_approve."""

import typer

from client_sdk.cli.ui.group import Verbs

__all__ = ["group", "propose"]

group = typer.Typer(cls=Verbs, help="What administrators decide: list, propose, show, approve.", no_args_is_help=True)
propose = typer.Typer(
    cls=Verbs, help="Propose an act with your own signature; the others then approve it.", no_args_is_help=True
)
group.add_typer(propose, name="propose")
