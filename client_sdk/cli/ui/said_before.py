"""The global options: ``credit-registry --home DIR --json VERB``. Imports nothing that only verbs need."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Globals", "HomeOption", "JsonOption"]

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="The member's folder; else CREDIT_REGISTRY_HOME, else ~/.config/credit-registry (on Linux).",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON document for programs.")]


class Globals:
    """The options that stand before the verb, or after it."""

    def __init__(self, home: Path | None, *, as_json: bool) -> None:
        self.home = home
        self.as_json = as_json
