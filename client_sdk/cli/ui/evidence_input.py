"""Documents that a dispute or its answer rests on: only their digests leave this machine."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.consent_input import document_digest
from client_sdk.cli.ui.failures import UsageError
from client_sdk.texts import say

__all__ = ["EvidenceOption", "document_digests"]

EvidenceOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--evidence", metavar="FILE", help="A document, such as the contract; may be repeated.", show_default=False
    ),
]


def document_digests(files: Sequence[Path] | None, *, required: bool = False) -> list[bytes]:
    """Return the SHA-256 of each document.

    Raises:
        UsageError: a file is empty, or none is given and one is required.
    """
    if required and not files:
        raise UsageError(
            say("an answer needs what it rests on"), say("give --evidence FILE; only its SHA-256 is logged.")
        )
    return [document_digest(file, "evidence") for file in files or ()]
