"""``registry-server backup``: keys, backups of the database while it is served, and what a backup says of itself."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry_server.cli.options import AsJson, DatabaseUrl, Home, settings_of
from registry_server.serving.command_help import Commands, OneCommand

if TYPE_CHECKING:
    from registry_server.operating.backup.container import BackupHeader
    from registry_server.settings import Settings

__all__ = ["app"]

app = typer.Typer(
    cls=Commands,
    help="Backups of the database, encrypted to a key whose secret half stays offline.",
    no_args_is_help=True,
)
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="File with the passphrase of the secret key in one line, mode 0600.", show_default=False
    ),
]


@app.command(cls=OneCommand)
def keygen(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="New folder for secret.pem and public.pem.")],
    passphrase_file: PassphraseFile = None,
    *,
    no_passphrase: Annotated[
        bool, typer.Option("--no-passphrase", metavar="", help="Leave the secret key in clear; then keep it locked up.")
    ] = False,
) -> None:
    """Make the keys of backups, on a machine that is not the registry's; only public.pem goes there."""
    from registry_server.operating.backup.keys import make_keys  # noqa: PLC0415 - loads cryptography
    from registry_server.settings import SettingsError  # noqa: PLC0415 - loads pydantic

    if (passphrase_file is None) is not no_passphrase:
        raise SettingsError("give --passphrase-file FILE, or --no-passphrase")
    secret, public = make_keys(folder, passphrase_file)
    typer.echo(f"{secret}: keep it offline, twice: without it no backup can be read, and with it every backup")
    typer.echo(f"{public}: for the registry, backup_key of registry.toml")


@app.command(cls=OneCommand)
def make(
    home: Home,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to; left out: backup_folder of registry.toml.", show_default=False),
    ] = None,
    key: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The public key; left out: backup_key of registry.toml.", show_default=False),
    ] = None,
    database_url: DatabaseUrl = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write a new backup of the whole database, as it is at one moment; servers go on meanwhile."""
    from registry_server.operating.backup.making import make_backup  # noqa: PLC0415 - loads SQLAlchemy

    made = make_backup(settings_of(home, database_url), folder, key)
    if as_json:
        typer.echo(json.dumps({"file": str(made.path), **asdict(made.header), "rows": made.rows}, ensure_ascii=False))
        return
    typer.echo(f"{made.path}: {made.header.size} leaves, {made.rows.get('live_records', 0)} live records")


@app.command(cls=OneCommand)
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A backup.", exists=True, dir_okay=False)],
    *,
    as_json: AsJson = False,
) -> None:
    """Show of which log and moment a backup is; no key is needed, and nothing of it is verified."""
    from registry_server.operating.backup.making import show_backup  # noqa: PLC0415 - loads SQLAlchemy

    header = show_backup(file)
    if as_json:
        typer.echo(json.dumps(asdict(header), ensure_ascii=False))
        return
    for name, value in _header_content(header).items():
        typer.echo(f"{name}: {value}")


def _header_content(header: BackupHeader) -> dict[str, str | int]:
    return {
        "registry": header.registry,
        "origin": header.origin,
        "leaves": header.size,
        "root": header.root,
        "newest leaf": _moment(header.newest_at_ms),
        "made": _moment(header.made_at_ms),
        "tables": header.tables,
        "key": header.key,
        "fingerprint": header.fingerprint,
    }


def tell_repair(settings: Settings, *, write: bool, asked: bool, as_json: bool, dask: str | None = None) -> None:
    """Look for derived rows that are wrong, or put them right, and tell which; exit code 1 where anything is left."""
    from registry_server.operating.repair import look_for_repairs, repair  # noqa: PLC0415 - loads cryptography
    from registry_server.settings import SettingsError  # noqa: PLC0415 - loads pydantic

    if not asked:
        raise SettingsError("--write belongs to --repair-derived")
    if dask is not None:
        raise SettingsError("--dask with --repair-derived", "leave out --dask: a repair is not shared.")
    found = repair(settings) if write else look_for_repairs(settings)
    if as_json:
        typer.echo(json.dumps({**found._asdict(), "written": write}))
    else:
        for table, rows in found.rows.items():
            typer.echo(f"{table}: {rows} rows {'put right' if write else 'are wrong'}")
        for issuer, indexes in found.lost.items():
            for index in indexes:
                typer.echo(
                    f"leaf {index}: what is kept beside this record of {issuer} is lost or damaged, and follows from "
                    "nothing"
                )
        for index in found.lost_texts:
            typer.echo(
                f"leaf {index}: what is kept beside this text of an annotation is lost or damaged, and follows from "
                "nothing"
            )
        if not found.rows and not found.lost and not found.lost_texts:
            typer.echo("every derived row is what the log says")
    if found.lost or found.lost_texts or (found.rows and not write):
        raise typer.Exit(1)


def _moment(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1_000, UTC).isoformat(timespec="seconds")
