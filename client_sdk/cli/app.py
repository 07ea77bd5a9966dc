"""The Typer application: registration of the verbs, and global options."""

import io
import os
import sys

import typer

from client_sdk._version import __version__
from client_sdk.cli.ui.group import Verbs
from client_sdk.cli.ui.verb import Globals, HomeOption, JsonOption
from client_sdk.cli.verbs import (
    audit,
    certificate,
    check,
    checkpoint,
    compare,
    init,
    inquiry,
    key,
    receipt,
    records,
    report,
    status,
    trust,
    verify,
)
from client_sdk.cli.verbs.act import approve as act_approve
from client_sdk.cli.verbs.act import list as act_list
from client_sdk.cli.verbs.act import propose as act_propose
from client_sdk.cli.verbs.act import show as act_show

__all__ = ["app", "main"]

_EPILOG = """\
New here? Lender or auditor: init, hand over the enrolment file, certificate install, trust fetch, status.

Every verb says with --help how it is used and with which codes it ends.
"""

app = typer.Typer(
    cls=Verbs,
    name="credit-registry",
    help="A registry of defaults and judgments whose every answer is proved: for lenders, auditors and administrators.",
    epilog=_EPILOG,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
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
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Show the version."),  # noqa: FBT001 - a flag
) -> None:
    del version  # handled before anything else, by its callback
    ctx.obj = Globals(home, as_json=as_json)


for module in (init, trust, certificate, report, check, records, verify, audit):
    module.register(app)
for module in (act_list, act_propose, act_show, act_approve, key, inquiry, receipt, checkpoint, compare, status):
    module.register(app)


def main() -> None:
    """Run the program with the arguments of the process."""
    # Whatever it writes is its owner's alone: keys, evidence, reports about people.
    os.umask(0o077)
    # A console that lacks a character shows its escape: an answer holds text of other members, and is never cut off.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(app())
