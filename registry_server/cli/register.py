"""``registry-server register``: the checkpoint register."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

from registry_server.cli.options import AsJson, DatabaseUrl, Home, settings_of
from registry_server.serving.command_help import Commands, OneCommand

if TYPE_CHECKING:
    from registry_server.operating.register import RegisterState
    from registry_server.operating.witnesses import WitnessSize

__all__ = ["app", "tell_witnesses"]

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
    if state.mismatch is not None and state.held is None:
        typer.echo(
            f"{state.mismatch}: whether this database is the one that was signed last is not known; it is not served"
        )
    elif state.mismatch is not None:
        typer.echo(f"{state.mismatch}: this database is not the one that was signed last, and is not served")
    elif not state.problem:
        typer.echo("the database begins with what is registered")


def tell_witnesses(witnesses: tuple[WitnessSize, ...]) -> None:
    """Tell what each witness has cosigned."""
    for witness in witnesses:
        typer.echo(f"witness {witness.name}: {witness.problem or f'{witness.size} leaves'}")


_WOULD_HOLD = """\
The register would hold {confirmation},
and the registry would serve this database from then on."""

_WITHOUT_REGISTER = """\
No register says whether this database is the newest. Hold its {size} leaves against what witnesses, auditors and
members have seen: registry-server refill DIR adds those that a newer copy of the log has. If none of them has seen
more, nothing is lost, and the command below sets the register again. If any has, it is as with every older database:"""

_WHERE_LOST = "Do that only where the one that was signed last is lost:"

_CONSEQUENCES = """\
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
    from registry_server.operating.register import put_register  # noqa: PLC0415 - loads cryptography
    from registry_server.operating.standing import standing_of  # noqa: PLC0415 - loads cryptography

    settings = settings_of(home, database_url)
    if confirm is None:
        standing = standing_of(settings)
        state = standing.register
        _tell_register(state)
        tell_witnesses(standing.witnesses)
        known = state.held is not None or state.problem
        reason = _WHERE_LOST if known else _WITHOUT_REGISTER
        words = f"{_WOULD_HOLD}\n{reason}\n{_CONSEQUENCES}"
        typer.echo(words.format(confirmation=state.confirmation, last=state.size - 1, size=state.size))
        raise typer.Exit(1)
    _tell_register(put_register(settings, confirm))
