"""Commands of both servers whose help shows an option that takes no value by its name alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from typer.core import TyperCommand, TyperGroup, TyperOption

if TYPE_CHECKING:
    from typer._click.core import Context, Parameter

__all__ = ["HELP", "Commands", "OneCommand"]


# As in the members' program; commands of a program inherit them.
HELP = {"help_option_names": ["--help", "-h"]}


class OneCommand(TyperCommand):
    """One command."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Return the parameters."""
        return _bare_flags(super().get_params(ctx))


class Commands(TyperGroup):
    """A program, or a group of its commands."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Return the parameters."""
        return _bare_flags(super().get_params(ctx))


def _bare_flags(params: list[Parameter]) -> list[Parameter]:
    for option in params:
        if isinstance(option, TyperOption) and option.is_flag and option.metavar is None:
            option.metavar = ""
    return params
