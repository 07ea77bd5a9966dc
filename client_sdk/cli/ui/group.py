"""Groups of verbs that do not repeat an unknown word: it may be an identity number."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from typer.core import TyperGroup

if TYPE_CHECKING:
    from typer._click.core import Command, Context

__all__ = ["Verbs"]


class Verbs(TyperGroup):
    """The program and its groups of verbs."""

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """Return the verb that the first word names; end with the usage where there is none."""
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            near = get_close_matches(args[0], self.list_commands(ctx))
            meant = f" Did you mean {', '.join(near)}?" if near else ""
            ctx.fail(f"There is no such command.{meant} An identity number never goes on the command line.")
        return super().resolve_command(ctx, args)
