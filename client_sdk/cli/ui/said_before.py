"""The global options: ``credit-registry --home DIR --json VERB``. Imports nothing that only verbs need."""

from pathlib import Path
from typing import Annotated

import typer

from client_sdk.texts import Language

__all__ = ["Globals", "HomeOption", "JsonOption", "LangOption"]

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home",
        metavar="DIR",
        help="The member's folder; else CREDIT_REGISTRY_HOME, else ~/.config/credit-registry (on Linux).",
        show_default=False,
    ),
]
LangOption = Annotated[
    Language | None,
    typer.Option(
        "--lang",
        help="Language: zh or en; else CREDIT_REGISTRY_LANG, else that of the locale. JSON is English.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", metavar="", help="Print one JSON document for programs.")]


class Globals:
    """The options that stand before the verb, or after it."""

    def __init__(self, home: Path | None, *, as_json: bool) -> None:
        self.home = home
        self.as_json = as_json
