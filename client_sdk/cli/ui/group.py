"""Groups of verbs: they import a verb's module when it is called, and never repeat an unknown word.

An unknown word may be an identity number.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption
from typer.main import get_group

from client_sdk.cli.ui.spoken_help import WideFormatter, said_record, say_help
from client_sdk.texts import N_, Language, say, spoken_language

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typer._click.core import Command, Context, Parameter
    from typer._click.formatting import HelpFormatter

__all__ = ["Later", "Verb", "Verbs"]


# Of the parameters of a verb, by what the library calls their kind.
_HEADINGS = {"argument": N_("Arguments"), "option": N_("Options")}
# No name of a command has as many: an identity number may have been typed.
_MANY_DIGITS = 4
# So many verbs of a group are named where a word is none of them.
_FEW = 8


@dataclass(frozen=True, slots=True)
class Later:
    """A verb, or a group of verbs, whose module is imported when it is called.

    Attributes:
        module: below ``client_sdk.cli.verbs``; its ``register`` adds the verb to an application.
        help: first line of the verb's help.
    """

    module: str
    help: str


class Verb(TyperCommand):
    """One verb; its help shows flags without a type."""

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Return the parameters."""
        return _bare_flags(super().get_params(ctx))

    def get_help(self, ctx: Context) -> str:
        """Return the help."""
        return _help(self, ctx)

    def format_usage(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the line of usage."""
        _write_usage(self, ctx, formatter)

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write arguments and options."""
        _write_options(self, ctx, formatter)


class Verbs(TyperGroup):
    """The program and its groups of verbs.

    Attributes:
        later: by name, in the order of the help.
    """

    later: ClassVar[Mapping[str, Later]] = {}

    def get_params(self, ctx: Context) -> list[Parameter]:
        """Return the parameters."""
        return _bare_flags(super().get_params(ctx))

    def list_commands(self, ctx: Context) -> list[str]:
        """Return the names of all verbs."""
        return [*self.later, *(name for name in super().list_commands(ctx) if name not in self.later)]

    def get_command(self, ctx: Context, cmd_name: str) -> Command | None:
        """Return a verb; of one that is not imported only its name and help, which is all that lists of verbs need."""
        if cmd_name in self.commands or cmd_name not in self.later:
            return super().get_command(ctx, cmd_name)
        return TyperCommand(name=cmd_name, help=say(self.later[cmd_name].help))

    def get_help(self, ctx: Context) -> str:
        """Return the help."""
        return _help(self, ctx)

    def format_usage(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the line of usage."""
        _write_usage(self, ctx, formatter)

    def format_options(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the options and the list of verbs."""
        _write_options(self, ctx, formatter)
        self.format_commands(ctx, formatter)

    def format_commands(self, ctx: Context, formatter: HelpFormatter) -> None:
        """Write the list of verbs with the whole line about each."""
        with formatter.section(say("Commands")):
            shown = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
            formatter.write_dl([(name, (verb.help or "").partition("\n")[0]) for name, verb in shown if verb])

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        """Return the verb that the first word names; end with the usage where there is none."""
        if args[0] in self.later:
            self.load(args[0])
        if not ctx.resilient_parsing and self.get_command(ctx, args[0]) is None:
            names = self.list_commands(ctx)
            near = get_close_matches(args[0], names)
            meant = say(" Did you mean {near}?", near=", ".join(near)) if near else ""
            if not near and len(names) <= _FEW:
                meant = say(" There are: {names}.", names=", ".join(names))
            numbered = sum(char.isdigit() for char in args[0]) >= _MANY_DIGITS
            warning = say(" An identity number never goes on the command line.") if numbered else ""
            ctx.fail(say("There is no such command.") + meant + warning)
        return super().resolve_command(ctx, args)

    def load(self, name: str) -> Command:
        """Import the module of a verb, and return the verb."""
        if name not in self.commands:
            app = typer.Typer(rich_markup_mode="rich", pretty_exceptions_enable=False)
            import_module(f"client_sdk.cli.verbs.{self.later[name].module}").register(app)
            self.commands[name] = verb = get_group(app).commands[name]
            say_help(verb)
        return self.commands[name]


def _help(command: Verb | Verbs, ctx: Context) -> str:
    """Return the help of a verb or a group; in Chinese with lines as wide as its characters make them."""
    formatter = ctx.make_formatter()
    if spoken_language() is Language.CHINESE:
        formatter = WideFormatter(width=formatter.width)
    command.format_help(ctx, formatter)
    return formatter.getvalue().rstrip("\n")


def _write_options(command: Command, ctx: Context, formatter: HelpFormatter) -> None:
    for kind, heading in _HEADINGS.items():
        sections: dict[str, list[tuple[str, str]]] = {}
        for item in command.get_params(ctx):
            record = item.get_help_record(ctx)
            if item.param_type_name == kind and record is not None:
                panel = getattr(item, "rich_help_panel", None) or heading
                sections.setdefault(panel, []).append(said_record(record))
        for panel, shown in sections.items():
            with formatter.section(say(panel)):
                formatter.write_dl(shown)


def _write_usage(command: Command, ctx: Context, formatter: HelpFormatter) -> None:
    formatter.write_usage(ctx.command_path, " ".join(command.collect_usage_pieces(ctx)), say("Usage: "))


def _bare_flags(params: list[Parameter]) -> list[Parameter]:
    """Show an option that takes no value as its name alone, without a word for its type."""
    for option in params:
        if isinstance(option, TyperOption) and option.name == "help":
            option.help = say("Show this message and exit.")
        if isinstance(option, TyperOption) and option.is_flag and option.metavar is None:
            option.metavar = ""
    return params
