"""Options of the command line that the commands of both servers have."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import typer

from client_sdk._version import __version__
from registry_server.serving.database_url import has_password

if TYPE_CHECKING:
    from collections.abc import Callable

    from typer.models import OptionInfo

__all__ = ["refuse_password", "version_option"]

Url = TypeVar("Url", bound=str | None)


def refuse_password(elsewhere: str) -> Callable[[Url], Url]:
    """Return the callback of an option for a database URL that refuses one with a password.

    Args:
        elsewhere: where this server takes a password from, beside PostgreSQL's password file.
    """

    def check(url: Url) -> Url:
        if url is not None and has_password(url):
            raise typer.BadParameter(
                "a command line is shown to every user of the machine; keep the password in PostgreSQL's password file"
                f" (PGPASSFILE), {elsewhere}"
            )
        return url

    return check


def version_option(program: str) -> OptionInfo:
    """Return the option ``--version`` of a program: it prints name and version, and ends the program."""

    def show(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
        if wanted:
            typer.echo(f"{program} {__version__}")
            raise typer.Exit

    option: OptionInfo = typer.Option("--version", metavar="", callback=show, is_eager=True, help="Show the version.")
    return option
