"""``registry-server wind-down``: export, hand-over and destruction of a registry that an act has closed.

Each command may be interrupted anywhere, and goes on where it ended when it is run again.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry_server.cli.options import AsJson, DatabaseUrl, Home, settings_of
from registry_server.serving.command_help import Commands, OneCommand

if TYPE_CHECKING:
    from collections.abc import Mapping

    from registry_server.operating.wind_down.exporting import VerifiedExport

__all__ = ["app"]

app = typer.Typer(
    cls=Commands,
    help="The end of a registry: its data exported, taken over by a successor, destroyed.",
    no_args_is_help=True,
)
Export = Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the export.")]


def _step(words: str) -> None:
    typer.echo(words, err=True)


@app.command("export", cls=OneCommand)
def export_(home: Home, folder: Export, database_url: DatabaseUrl = None, *, as_json: AsJson = False) -> None:
    """Write everything that the registry holds into a new folder, and verify it; servers are stopped before."""
    from registry_server.operating.wind_down.exporting import export  # noqa: PLC0415 - loads the whole server

    _tell_export(export(settings_of(home, database_url), folder, _step), as_json=as_json)


@app.command(cls=OneCommand)
def verify(folder: Export, *, as_json: AsJson = False) -> None:
    """Verify an export offline, as fsck verifies a database; compare the fingerprint over another channel."""
    from registry_server.operating.wind_down.exporting import verify_export  # noqa: PLC0415 - loads the whole server

    _tell_export(verify_export(folder), as_json=as_json)


def _tell_export(exported: VerifiedExport, *, as_json: bool) -> None:
    manifest = exported.manifest
    if as_json:
        shown = json.loads(manifest.encode()) | {"manifest_sha256": exported.digest.hex()}
        typer.echo(json.dumps(shown, ensure_ascii=False))
        return
    typer.echo(f"{manifest.registry}: {manifest.size} leaves, closed by the act at leaf {manifest.closing_act}")
    for table, rows in manifest.rows.items():
        typer.echo(f"  {table}: {rows}")
    typer.echo(f"root {manifest.root}")
    typer.echo(f"manifest SHA-256 {exported.digest.hex()}")
    typer.echo("fingerprint, to be compared over another channel:")
    typer.echo(manifest.fingerprint)


@app.command("take-over", cls=OneCommand)
def take_over_(
    home: Home,
    folder: Export,
    receipt: Annotated[Path, typer.Option(metavar="FILE", help="The receipt, a new file for the other operator.")],
    *,
    as_json: AsJson = False,
) -> None:
    """At the successor: verify an export, and sign the receipt with which the other registry may be destroyed."""
    from registry_server.operating.wind_down.taking_over import take_over  # noqa: PLC0415 - loads the whole server

    taken = take_over(settings_of(home), folder, receipt)
    if as_json:
        shown = {
            "registry": taken.receipt.registry,
            "size": taken.receipt.size,
            "root": taken.receipt.root.hex(),
            "manifest_sha256": taken.receipt.manifest_digest.hex(),
            "taken_at_ms": taken.receipt.taken_at,
            "receipt": str(receipt),
        }
        typer.echo(json.dumps(shown))
        return
    _tell_export(taken.export, as_json=False)
    typer.echo(f"{receipt}: receipt, for the operator of {taken.receipt.registry}")


@app.command("destroy", cls=OneCommand)
def destroy_(
    home: Home,
    document: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The supervisor's document that the closing act names.", dir_okay=False),
    ],
    receipt: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Receipt of the successor, where the act names one.", show_default=False),
    ] = None,
    confirm: Annotated[
        str | None,
        typer.Option(metavar="REGISTRY", help="Name of the registry; nothing is done without it.", show_default=False),
    ] = None,
    database_url: DatabaseUrl = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Destroy data and keys of a registry whose last day is over; the log's hashes and a certificate stay.

    Without --confirm it checks that it may, and tells what that means.
    """
    from registry_server.operating.wind_down import WindDownError  # noqa: PLC0415 - loads the whole server
    from registry_server.operating.wind_down.destroying import (  # noqa: PLC0415 - loads the whole server
        Permit,
        check_permitted,
        destroy,
        report_of,
    )

    settings = settings_of(home, database_url, destroying=True)
    permit = Permit(document, receipt)
    if confirm != settings.registry:
        check_permitted(settings, permit)
        typer.echo(_CONSEQUENCES.format(registry=settings.registry))
        raise typer.Exit(1)
    done = destroy(settings, permit, _step)
    _tell_destruction(report_of(done), as_json=as_json)
    if done.keys_left:
        names = ", ".join(done.keys_left)
        raise WindDownError(f"not destroyed: {names}; destroy them where they are kept, and run the command again")


def _tell_destruction(report: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report, ensure_ascii=False))
        return
    for name, value in report.items():
        if isinstance(value, dict):
            typer.echo(f"{name}:")
            for part, content in value.items():
                typer.echo(f"  {part}: {content}")
        else:
            typer.echo(f"{name}: {', '.join(value) if isinstance(value, list) else value}")


_CONSEQUENCES = """\
Every record of {registry} would be erased, its tables dropped, and its keys destroyed: nothing brings them back.
What members hold still verifies, as the log's hashes, its last checkpoint and a certificate stay.
Copies elsewhere are not reached: destroy backups, standbys, the export, and the keys of the key services too
(subject-key-service destroy). If that is what you want, stop every server of this registry, and run the command with
  --confirm {registry}"""
