"""The Typer application: its global options, and how the process is set up."""

import io
import os
import sys

import typer

from client_sdk import __version__
from client_sdk.cli.program import Program
from client_sdk.cli.ui.said_before import Globals, HomeOption, JsonOption, LangOption
from client_sdk.texts import N_

__all__ = ["app", "main"]

_EPILOG = "\n\n".join(
    (
        N_("New here? Every member: init, hand over the enrolment file, certificate install, trust fetch, status."),
        N_("Every verb says with --help how it is used and with which codes it ends."),
    )
)

app = typer.Typer(
    cls=Program,
    name="credit-registry",
    help="A registry of defaults and judgments whose every answer is proved: for lenders, auditors, administrators "
    "and those who speak for borrowers.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain, since rich takes longer to load than all the rest; the help of a verb is in panels.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["--help", "-h"]},
)


def _version(value: bool) -> None:  # noqa: FBT001 - typer calls it so
    if value:
        typer.echo(f"credit-registry {__version__}")
        raise typer.Exit


@app.callback()
def _globals(
    ctx: typer.Context,
    home: HomeOption = None,
    as_json: JsonOption = False,  # noqa: FBT002 - a flag
    lang: LangOption = None,
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),  # noqa: FBT001 - a flag
) -> None:
    del version, lang  # handled before anything else: by its callback, and by the program
    ctx.obj = Globals(home, as_json=as_json)


def main() -> None:
    """Run the program with the arguments of the process."""
    # Whatever it writes is its owner's alone: keys, evidence, reports about people.
    os.umask(0o077)
    # A console that lacks a character shows its escape: an answer holds text of other members, and is never cut off.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(app())
