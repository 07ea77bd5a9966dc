"""Options that several of the operator's commands take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from registry_server.serving.command_options import refuse_password

if TYPE_CHECKING:
    from registry_server.settings import Settings, Value

__all__ = ["AsJson", "Dask", "DatabaseUrl", "Home", "settings_of"]

Home = Annotated[
    Path,
    typer.Option("--home", envvar="REGISTRY_HOME", metavar="DIR", help="The registry's folder.", show_default=False),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(
        "--database-url",
        metavar="URL",
        help="postgresql+psycopg://USER@HOST/NAME, without a password; left out: that of registry.toml, else the"
        " folder's registry.sqlite.",
        callback=refuse_password("in database_url of registry.toml, or in REGISTRY_DATABASE_URL"),
    ),
]
Dask = Annotated[
    str | None,
    typer.Option(
        "--dask",
        metavar="ADDRESS",
        help="Share the work out to your own Dask cluster, whose scheduler is at tls://HOST:PORT, or on this machine "
        "at tcp://HOST:PORT; needs the extra [dask].",
        show_default=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", metavar="", help="Write JSON for programs.")]


def settings_of(
    home: Path, database_url: str | None = None, *, destroying: bool = False, **overrides: Value | None
) -> Settings:
    """Return the settings of a folder, with what an option of the command says instead.

    Args:
        home: the folder.
        database_url: of the command line.
        destroying: whether the command goes on with the destruction of a registry; every other one ends here.
        overrides: settings of the command line.

    Raises:
        SettingsError: a setting is not in order, or the registry is being destroyed.
    """
    from registry_server.settings import SettingsError, load_settings  # noqa: PLC0415 - loads pydantic

    settings = load_settings(home, {"database_url": database_url, **overrides})
    if settings.destruction_file.exists() and not destroying:
        done = settings.public_folder / "destruction-report.json"
        ended = f"was destroyed: see {done}" if done.exists() else "is being destroyed: go on with wind-down destroy"
        raise SettingsError(f"{settings.destruction_file}: this registry {ended}")
    return settings
