"""The operator's command ``registry-server``.

Exit codes: 0 done, 1 fsck or a comparison found something, 2 something is not in order, 3 the database is not the one
that the registry signed last (see ``register``).

Each command imports what it needs when it is called: the whole server takes seconds to load.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk._version import __version__
from registry_server.serving.command_options import refuse_password, version_option

if TYPE_CHECKING:
    from registry_server.operating.register import RegisterState
    from registry_server.settings import Settings, Value

__all__ = ["app", "main"]

app = typer.Typer(
    help="Runs a credit registry.", no_args_is_help=True, pretty_exceptions_enable=False, add_completion=True
)
db = typer.Typer(help="The tables of the database.", no_args_is_help=True)
clock = typer.Typer(help="The clock of the registry.", no_args_is_help=True)
register = typer.Typer(
    help="The checkpoint register: what was signed last, kept outside of the database.", no_args_is_help=True
)
app.add_typer(db, name="db")
app.add_typer(clock, name="clock")
app.add_typer(register, name="register")

Home = Annotated[
    Path,
    typer.Option("--home", envvar="REGISTRY_HOME", metavar="DIR", help="The registry's folder.", show_default=False),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        help="postgresql+psycopg://..., without a password; without it the folder's registry.sqlite is used.",
        callback=refuse_password("in database_url of registry.toml, or in REGISTRY_DATABASE_URL"),
    ),
]
_NOT_IN_ORDER = 2
_NOT_THE_SIGNED_ONE = 3
AsJson = Annotated[bool, typer.Option("--json", metavar="", help="Write JSON for programs.")]


def main() -> None:
    """Run the command."""
    # Whatever it makes is its owner's alone: keys, and a database of pseudonyms.
    os.umask(0o077)
    try:
        app()
    except Exception as error:
        from registry_server.operating.failures import is_register_mismatch, text_of  # noqa: PLC0415 - loads settings

        told = text_of(error)
        if told is None:
            raise
        typer.echo(f"registry-server: {told}", err=True)
        sys.exit(_NOT_THE_SIGNED_ONE if is_register_mismatch(error) else _NOT_IN_ORDER)


def _settings(home: Path, database_url: str | None = None, **overrides: Value | None) -> Settings:
    from registry_server.settings import load_settings  # noqa: PLC0415 - loads pydantic

    return load_settings(home, {"database_url": database_url, **overrides})


@app.callback()
def _before(*, version: Annotated[bool, version_option("registry-server")] = False) -> None:
    del version  # shown by its callback


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


@app.command()
def init(
    home: Home,
    registry_name: Annotated[str | None, typer.Option("--registry", help="Its name; never changes.")] = None,
    listen: Annotated[str, typer.Option(help="host:port of the gRPC service.")] = "127.0.0.1:7443",
    administrator: Annotated[
        list[Path] | None,
        typer.Option(help="Enrolment file of an administrator; may be repeated.", exists=True, dir_okay=False),
    ] = None,
    threshold: Annotated[int, typer.Option(help="How many administrators must sign an act.")] = 2,
    key_service: Annotated[
        list[Path] | None,
        typer.Option(
            help="File of a key service; may be repeated, in the order in which outputs are joined.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    rulebook: Annotated[
        Path | None,
        typer.Option(help="JSON object of limits that differ from their defaults.", exists=True, dir_okay=False),
    ] = None,
    host: Annotated[
        list[str] | None, typer.Option(help="Further name or address in the server's certificate; may be repeated.")
    ] = None,
    database_url: DatabaseUrl = None,
    *,
    finish: Annotated[
        bool, typer.Option("--finish", metavar="", help="Log the genesis act once it is approved.")
    ] = False,
) -> None:
    """Make a registry: keys, tables and the genesis act; with --finish, log that act once it is approved."""
    from registry_server.operating.founding import draft_registry  # noqa: PLC0415 - loads cryptography
    from registry_server.settings import SettingsError  # noqa: PLC0415 - loads pydantic

    if finish:
        _finish(home)
        return
    if not registry_name or not administrator or not key_service:
        raise SettingsError("init needs --registry, --administrator and --key-service, or --finish alone")
    values: dict[str, Value] = {"registry": registry_name, "listen": listen}
    if host:
        values["hosts"] = host
    if database_url:
        values["database_url"] = database_url
    genesis = draft_registry(home, values, administrator, key_service, threshold, rulebook)
    typer.echo(f"{genesis}: {threshold} of {len(administrator)} administrators must approve this act")
    typer.echo(f"then: registry-server init --home {home} --finish")


def _finish(home: Path) -> None:
    from registry_server.operating.founding import finish_registry  # noqa: PLC0415 - loads cryptography

    founded = finish_registry(_settings(home))
    for path in founded.certificates:
        typer.echo(f"{path}: certificate, to be handed to its holder")
    typer.echo(f"{home / 'public'}: CA and trust root, for everybody")
    typer.echo("fingerprint, to be compared over another channel:")
    typer.echo(founded.trust_root.fingerprint)


@app.command()
def serve(
    home: Home,
    listen: Annotated[str | None, typer.Option(help="host:port of the gRPC service.")] = None,
    metrics: Annotated[
        str | None, typer.Option(help="host:port of /metrics, /healthz and /readyz; none without it.")
    ] = None,
    database_url: DatabaseUrl = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Serve until SIGTERM; prints one line as soon as it listens."""
    from registry_server.app import run_server  # noqa: PLC0415 - loads the whole server

    settings = _settings(home, database_url, listen=listen, metrics_listen=metrics, log_level=log_level)
    run_server(settings, _say)


def _say(line: str) -> None:
    """Print a line, if it can be: a full disk behind standard output ends no registry."""
    with contextlib.suppress(OSError):
        typer.echo(line)


@app.command()
def fsck(home: Home, database_url: DatabaseUrl = None, *, as_json: AsJson = False) -> None:
    """Recompute log, map, directory and every commitment from storage alone; exit code 1 if anything is wrong."""
    from registry_server.operating.fsck import run_fsck  # noqa: PLC0415 - loads cryptography

    report = run_fsck(_settings(home, database_url))
    if as_json:
        counts = {"leaves": report.leaves, "records": report.records, "live": report.live}
        shown = {
            **counts,
            "inquiries": report.inquiries,
            "clean": report.clean,
            "counts": dict(report.counts),
            "findings": [
                {"id": found.reason, "place": found.field, "rule": found.rule, "got": found.got, "want": found.want}
                for found in report.findings
            ],
        }
        typer.echo(json.dumps(shown, ensure_ascii=False))
    else:
        for found in report.findings:
            typer.echo(str(found))
        looked_at = (
            f"{report.leaves} leaves, {report.records} records, {report.live} live, {report.inquiries} inquiries"
        )
        typer.echo(f"{looked_at}: {'clean' if report.clean else f'{sum(report.counts.values())} findings'}")
    if not report.clean:
        raise typer.Exit(1)


@app.command()
def certify(
    home: Home,
    key_service: Annotated[Path, typer.Argument(help="File of a key service.", exists=True, dir_okay=False)],
) -> None:
    """Write the certificate of a key service, a new one or for another year."""
    from registry_server.operating.founding import certify_key_service  # noqa: PLC0415 - loads cryptography

    typer.echo(str(certify_key_service(_settings(home), key_service)))


@db.command("upgrade")
def db_upgrade(home: Home, database_url: DatabaseUrl = None) -> None:
    """Bring the tables to the version of this program."""
    from registry_server.operating.tables import migrate  # noqa: PLC0415 - loads SQLAlchemy

    typer.echo(migrate(_settings(home, database_url)))


@db.command("current")
def db_current(home: Home, database_url: DatabaseUrl = None) -> None:
    """Print the version of the tables."""
    from registry_server.operating.tables import current_tables  # noqa: PLC0415 - loads SQLAlchemy

    typer.echo(current_tables(_settings(home, database_url)) or "none")


@db.command("check")
def db_check(home: Home, database_url: DatabaseUrl = None) -> None:
    """Check that the tables have the version of this program; exit code 1 if not."""
    from registry_server.operating.tables import current_tables, wanted_tables  # noqa: PLC0415 - loads SQLAlchemy

    found, want = current_tables(_settings(home, database_url)), wanted_tables()
    typer.echo(f"found {found or 'none'}, want {want}")
    if found != want:
        raise typer.Exit(1)


@register.command("show")
def register_show(home: Home, database_url: DatabaseUrl = None, *, as_json: AsJson = False) -> None:
    """Show what the register holds and what the database does; exit code 1 if the database may not be served."""
    from registry_server.operating.register import show_register  # noqa: PLC0415 - loads cryptography

    state = show_register(_settings(home, database_url))
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
  why over another channel, and to forget that checkpoint by its own command (docs/md);
- once the log grows again, the log's key has signed two histories. Their signatures prove it for ever.
If that is what you want, stop every server of this registry, and run the command again with
  --confirm {confirmation}"""


@register.command("reset")
def register_reset(
    home: Home,
    confirm: Annotated[
        str | None, typer.Option(help="SIZE:ROOT of the database, as `register show` prints it.", metavar="SIZE:ROOT")
    ] = None,
    database_url: DatabaseUrl = None,
) -> None:
    """Serve a database older than what was signed, knowingly; without --confirm it only tells what that means."""
    from registry_server.operating.register import put_register, show_register  # noqa: PLC0415 - loads cryptography

    settings = _settings(home, database_url)
    if confirm is None:
        state = show_register(settings)
        _tell_register(state)
        typer.echo(_CONSEQUENCES.format(confirmation=state.confirmation, last=state.size - 1))
        raise typer.Exit(1)
    _tell_register(put_register(settings, confirm))


@clock.command("confirm")
def clock_confirm(home: Home, database_url: DatabaseUrl = None) -> None:
    """Confirm what the clock shows now: after it was set, or after a start where nothing else vouches for it.

    Look at it first: every leaf carries its time. A running server goes on by itself within seconds.
    """
    from registry_server.operating.clock import confirm_clock  # noqa: PLC0415 - loads SQLAlchemy

    now = confirm_clock(_settings(home, database_url))
    typer.echo(datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec="seconds"))
