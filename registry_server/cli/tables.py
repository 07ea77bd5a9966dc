"""``registry-server db``: the tables of the database."""

from __future__ import annotations

import typer

from registry_server.cli.options import DatabaseUrl, Home, settings_of
from registry_server.serving.command_help import Commands, OneCommand

__all__ = ["app"]

app = typer.Typer(cls=Commands, help="The tables of the database.", no_args_is_help=True)


@app.command("upgrade", cls=OneCommand)
def upgrade(home: Home, database_url: DatabaseUrl = None) -> None:
    """Bring the tables to the version of this program."""
    from registry_server.operating.tables import migrate  # noqa: PLC0415 - loads SQLAlchemy

    typer.echo(migrate(settings_of(home, database_url)))


@app.command("current", cls=OneCommand)
def current(home: Home, database_url: DatabaseUrl = None) -> None:
    """Print the version of the tables."""
    from registry_server.operating.tables import current_tables  # noqa: PLC0415 - loads SQLAlchemy

    typer.echo(current_tables(settings_of(home, database_url)) or "none")


@app.command("check", cls=OneCommand)
def check(home: Home, database_url: DatabaseUrl = None) -> None:
    """Check that the tables have the version of this program; exit code 1 if not."""
    from registry_server.operating.tables import current_tables, wanted_tables  # noqa: PLC0415 - loads SQLAlchemy

    found, want = current_tables(settings_of(home, database_url)), wanted_tables()
    typer.echo(f"found {found or 'none'}, want {want}")
    if found != want:
        raise typer.Exit(1)
