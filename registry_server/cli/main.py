"""The operator's command ``registry-server``.

Exit codes: 0 done, 1 fsck, doctor or a comparison found something, 2 something is not in order, 3 the database is not
the one that the registry signed last (see ``register``).

Each command imports what it needs when it is called: the whole server takes seconds to load.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from client_sdk._version import __version__
from registry_server.cli import backup, register, restoring, tables, wind_down
from registry_server.cli.options import AsJson, Dask, DatabaseUrl, Home, settings_of
from registry_server.serving.command_help import HELP, Commands, OneCommand
from registry_server.serving.command_options import version_option

if TYPE_CHECKING:
    from registry_server.settings import Value

__all__ = ["app", "main"]

app = typer.Typer(
    cls=Commands,
    help="Runs a credit registry.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings=HELP,
)
clock = typer.Typer(cls=Commands, help="The clock of the registry.", no_args_is_help=True)
app.add_typer(tables.app, name="db")
app.add_typer(backup.app, name="backup")
app.add_typer(wind_down.app, name="wind-down")
app.add_typer(clock, name="clock")
app.add_typer(register.app, name="register")
log_files = typer.Typer(cls=Commands, help="The log as static files (C2SP tlog-tiles).", no_args_is_help=True)
app.add_typer(log_files, name="tiles")

app.command(cls=OneCommand)(restoring.restore)
app.command(cls=OneCommand)(restoring.refill)

_ONE_KEY_SERVICE = (
    "remark: with one key service alone, its operator can compute the pseudonym of any identity number. With two, of "
    "different operators, neither can: delete the folder and begin again with both before the act is approved"
)
_NOT_IN_ORDER = 2
_NOT_THE_SIGNED_ONE = 3


def main() -> None:
    """Run the command."""
    # Whatever it makes is its owner's alone: keys, and a database of pseudonyms.
    os.umask(0o077)
    try:
        app()
    except Exception as error:
        from registry_server.operating.failures import is_register_mismatch, text_of  # noqa: PLC0415 - loads settings
        from registry_server.serving.next_steps import lines_of  # noqa: PLC0415 - loads pydantic

        text = text_of(error)
        if text is None:
            raise
        typer.echo(lines_of("registry-server", error, text), err=True)
        sys.exit(_NOT_THE_SIGNED_ONE if is_register_mismatch(error) else _NOT_IN_ORDER)


@app.callback()
def _before(*, version: Annotated[bool, version_option("registry-server")] = False) -> None:
    del version  # shown by its callback


@app.command(cls=OneCommand)
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


RegistryNameOption = Annotated[
    str | None,
    typer.Option("--registry", metavar="NAME", help="Its name; never changes. Needed.", show_default=False),
]
ListenOption = Annotated[str, typer.Option(metavar="HOST:PORT", help="Where the gRPC service listens.")]
AdministratorOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE", help="Enrolment file of an administrator; repeated for each.", exists=True, dir_okay=False
    ),
]
ThresholdOption = Annotated[int, typer.Option(metavar="NUMBER", help="How many administrators must sign an act.")]
KeyServiceOption = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="FILE",
        help="File of a key service; repeated for each, in the order in which outputs are joined.",
        exists=True,
        dir_okay=False,
    ),
]
RulebookOption = Annotated[
    str,
    typer.Option(
        metavar="NAME|FILE",
        help="A rulebook that ships (cn, uk), or a JSON object of limits that differ from the one of its "
        "`jurisdiction`.",
    ),
]
HostOption = Annotated[
    list[str] | None,
    typer.Option(metavar="HOST", help="Further name or address in the server's certificate; may be repeated."),
]
FinishOption = Annotated[bool, typer.Option("--finish", metavar="", help="Log the genesis act once it is approved.")]


@app.command(cls=OneCommand)
def init(
    home: Home,
    registry_name: RegistryNameOption = None,
    listen: ListenOption = "127.0.0.1:7443",
    administrator: AdministratorOption = None,
    threshold: ThresholdOption = 2,
    key_service: KeyServiceOption = None,
    rulebook: RulebookOption = "cn",
    host: HostOption = None,
    database_url: DatabaseUrl = None,
    *,
    finish: FinishOption = False,
) -> None:
    """Make a registry: keys, tables and the genesis act; with --finish, log that act once it is approved."""
    from registry_server.operating.founding import draft_registry  # noqa: PLC0415 - loads cryptography
    from registry_server.settings import SettingsError  # noqa: PLC0415 - loads pydantic

    if finish:
        _finish(home)
        return
    if not registry_name or not administrator or not key_service:
        given = {"--registry": registry_name, "--administrator": administrator, "--key-service": key_service}
        missing = ", ".join(name for name, value in given.items() if not value)
        raise SettingsError(
            f"init without {missing}",
            "give --registry, --administrator and --key-service to make a registry, or --finish alone.",
        )
    values: dict[str, Value] = {"registry": registry_name, "listen": listen}
    if host:
        values["hosts"] = host
    if database_url:
        values["database_url"] = database_url
    genesis = draft_registry(home, values, administrator, key_service, threshold, rulebook)
    if len(key_service) == 1:
        typer.echo(_ONE_KEY_SERVICE, err=True)
    typer.echo(f"{genesis}: {threshold} of {len(administrator)} administrators must approve this act")
    typer.echo(f"then: registry-server init --home {shlex.quote(str(home))} --finish")


def _finish(home: Path) -> None:
    from registry_server.operating.founding import finish_registry, log_warnings  # noqa: PLC0415 - loads cryptography

    settings = settings_of(home)
    # Standard output is for what is handed over: its last line is the fingerprint.
    log_warnings(settings)
    founded = finish_registry(settings)
    for path in founded.certificates:
        typer.echo(f"{path}: certificate, to be handed to its holder")
    typer.echo(f"{home / 'public'}: CA and trust root, for everybody")
    typer.echo("fingerprint, to be compared over another channel:")
    typer.echo(founded.trust_root.fingerprint)


@app.command(cls=OneCommand)
def serve(
    home: Home,
    listen: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Where the gRPC service listens; left out: that of registry.toml."),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where /metrics, /healthz and /readyz are, in clear; left out: that of registry.toml, else nowhere.",
        ),
    ] = None,
    tiles: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where the log is served as files over HTTPS; left out: that of registry.toml, else nowhere.",
        ),
    ] = None,
    database_url: DatabaseUrl = None,
    log_level: Annotated[
        str | None,
        typer.Option(
            metavar="debug|info|warning|error",
            help="Which lines of the program's own log are written; left out: that of registry.toml, else info.",
        ),
    ] = None,
) -> None:
    """Serve until SIGTERM; prints one line as soon as it listens."""
    from registry_server.app import run_server  # noqa: PLC0415 - loads the whole server

    settings = settings_of(
        home, database_url, listen=listen, metrics_listen=metrics, tiles_listen=tiles, log_level=log_level
    )
    run_server(settings, _say)


def _say(line: str) -> None:
    """Print a line, if it can be: a full disk behind standard output ends no registry."""
    with contextlib.suppress(OSError):
        typer.echo(line)


@app.command(cls=OneCommand)
def fsck(
    home: Home,
    database_url: DatabaseUrl = None,
    *,
    as_json: AsJson = False,
    repair_derived: Annotated[
        bool,
        typer.Option(
            "--repair-derived", metavar="", help="Instead, tell which rows that follow from the log are wrong."
        ),
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", metavar="", help="With --repair-derived: put them right; servers are stopped.")
    ] = False,
    dask: Dask = None,
) -> None:
    """Recompute log, map, directory and every commitment from storage alone; exit code 1 if anything is wrong."""
    if repair_derived or write:
        backup.tell_repair(
            settings_of(home, database_url), write=write, asked=repair_derived, as_json=as_json, dask=dask
        )
        return
    from registry_server.operating.fsck import run_fsck  # noqa: PLC0415 - loads cryptography

    settings = settings_of(home, database_url)
    if dask is None:
        report = run_fsck(settings)
    else:
        from client_sdk.dask_executor import dask_executor  # noqa: PLC0415 - for this option alone

        with dask_executor(dask) as executor:
            report = run_fsck(settings, executor)
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


@app.command(cls=OneCommand)
def doctor(home: Home, database_url: DatabaseUrl = None, *, as_json: AsJson = False) -> None:
    """Walk the operator's checklist, from the licence to the certificates; exit code 1 if any check fails."""
    from registry_server.operating.doctor import Grade, examine  # noqa: PLC0415 - loads cryptography

    examined = examine(settings_of(home, database_url))
    counts = {grade: sum(item.grade is grade for item in examined) for grade in Grade}
    if as_json:
        shown = [
            {"check": item.check, "grade": item.grade, "found": item.found, "advice": item.advice} for item in examined
        ]
        typer.echo(json.dumps({"checks": shown, "counts": counts}, ensure_ascii=False))
    else:
        for item in examined:
            typer.echo(f"{item.grade}  {item.check}: {item.found}")
            if item.advice:
                typer.echo(f"      {item.advice}")
        typer.echo(", ".join(f"{count} {grade}" for grade, count in counts.items()))
    if counts[Grade.FAIL]:
        raise typer.Exit(1)


@app.command("log-key", cls=OneCommand)
def log_key(home: Home) -> None:
    """Show the public key of the log, to be read out to those who compare the genesis act."""
    from registry_server.operating.founding import public_log_key  # noqa: PLC0415 - loads cryptography

    typer.echo(public_log_key(settings_of(home)))


@app.command(cls=OneCommand)
def certify(
    home: Home,
    key_service: Annotated[
        Path, typer.Argument(metavar="FILE", help="File of a key service.", exists=True, dir_okay=False)
    ],
) -> None:
    """Write the certificate of a key service, a new one or for another year."""
    from registry_server.operating.founding import certify_key_service  # noqa: PLC0415 - loads cryptography

    typer.echo(str(certify_key_service(settings_of(home), key_service)))


@log_files.command("export", cls=OneCommand)
def tiles_export(
    home: Home,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Of an earlier export of this log, or a new one.")],
    database_url: DatabaseUrl = None,
    *,
    without_entries: Annotated[
        bool, typer.Option("--without-entries", metavar="", help="Hashes alone: no leaves, which are for auditors.")
    ] = False,
) -> None:
    """Write what is new of the log as files; a file server may offer checkpoint and hashes to all."""
    from registry_server.operating.tiles import export_tiles  # noqa: PLC0415 - loads SQLAlchemy

    exported = export_tiles(settings_of(home, database_url), folder, entries=not without_entries)
    kept = f", {exported.kept} were there" if exported.kept else ""
    typer.echo(f"{folder}: {exported.size} leaves, {exported.written} files written{kept}")
    if (left := exported.left_out) is not None and left.leaves:
        typer.echo(
            f"left out: {left.leaves} leaves, for which members may hold receipts ({left.why}): "
            "see registry-server register show, and export again",
            err=True,
        )


@clock.command("confirm", cls=OneCommand)
def clock_confirm(home: Home, database_url: DatabaseUrl = None) -> None:
    """Confirm what the clock shows now: after it was set, or after a start where nothing else vouches for it.

    Look at it first: every leaf carries its time. A running server goes on by itself within seconds.
    """
    from registry_server.operating.clock import confirm_clock  # noqa: PLC0415 - loads SQLAlchemy

    now = confirm_clock(settings_of(home, database_url))
    confirmed = datetime.fromtimestamp(now / 1000, UTC).isoformat(timespec="seconds")
    typer.echo(f"{confirmed}: confirmed as the right time; a running server goes on by itself within seconds")
