"""``registry-server register``: the checkpoint register."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from registry_server.cli.options import AsJson, DatabaseUrl, Home, settings_of
from registry_server.serving.command_help import Commands, OneCommand

if TYPE_CHECKING:
    from registry_server.operating.register import RegisterState

__all__ = ["app"]

app = typer.Typer(
    cls=Commands,
    help="The checkpoint register: what was signed last, kept outside of the database.",
    no_args_is_help=True,
)


@app.command("show", cls=OneCommand)
def show(home: Home, database_url: DatabaseUrl = None, *, as_json: AsJson = False) -> None:
    """Show what the register holds and what the database does; exit code 1 if the database may not be served."""
    from registry_server.operating.register import show_register  # noqa: PLC0415 - loads cryptography

    state = show_register(settings_of(home, database_url))
    if as_json:
        shown = {
            "register": state.place,
            "registered": None if state.held is None else {"size": state.held.size, "root": state.held.root.hex()},
            "database": {"size": state.size, "root": state.root.hex()},
            "mismatch": state.mismatch,
            "problem": state.problem,
            "confirmation": state.confirmation,
        }
        typer.echo(json.dumps(shown))
    else:
        _tell_register(state)
    if state.mismatch is not None or state.problem:
        raise typer.Exit(1)


def _tell_register(state: RegisterState) -> None:
    held = state.problem or ("none" if state.held is None else state.registered)
    typer.echo(f"register {state.place}: {held}")
    typer.echo(f"database: {state.confirmation}")
    if state.mismatch is not None:
        typer.echo(f"{state.mismatch}: this database is not the one that was signed last, and is not served")
    elif not state.problem:
        typer.echo("the database begins with what is registered")


_CONSEQUENCES = """\
The register would hold {confirmation},
and the registry would serve this database from then on. Do that only where the one that was signed last is lost:
- every report and inquiry after leaf {last} is gone, although its sender holds a signed receipt;
- what was ordered to be erased after it must be ordered again;
- every member, auditor and key service that saw a newer checkpoint refuses this registry, rightly. Each has to be told
  why over another channel, and to forget that checkpoint by its own command (docs/operating.md);
- once the log grows again, the log's key has signed two histories. Their signatures prove it for ever.
If that is what you want, stop every server of this registry, and run the command again with
  --confirm {confirmation}"""


@app.command("reset", cls=OneCommand)
def reset(
    home: Home,
    confirm: Annotated[
        str | None, typer.Option(help="SIZE:ROOT of the database, as `register show` prints it.", metavar="SIZE:ROOT")
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Serve a database older than what was signed, knowingly; without --confirm it only tells what that means."""
    from registry_server.operating.register import put_register, show_register  # noqa: PLC0415 - loads cryptography

    settings = settings_of(home, database_url)
    if confirm is None:
        state = show_register(settings)
        _tell_register(state)
        typer.echo(_CONSEQUENCES.format(confirmation=state.confirmation, last=state.size - 1))
        raise typer.Exit(1)
    _tell_register(put_register(settings, confirm))
