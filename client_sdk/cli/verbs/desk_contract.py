"""``desk contract``: the OpenAPI document of the desk's HTTP API."""

import json

import typer

from client_sdk.cli.ui.session import Run
from client_sdk.cli.ui.verb import verb
from client_sdk.extras import check_desk

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the verb."""

    @verb(app, "contract", examples=["desk contract", "desk contract > openapi.json"])
    def contract(session: Run, /) -> None:
        """Print the contract of the desk's HTTP API, an OpenAPI 3.1 document; it needs no home and no token."""
        check_desk()
        from client_sdk.desk.api.application import contract  # noqa: PLC0415 - loads the libraries of the desk

        content = contract()
        session.output.result(content, json.dumps(content, ensure_ascii=False, indent=2))
