"""Options of a mandate: the request that a person signed, under which a representative asks about the person."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from client_sdk.cli.ui.consent_input import read_consent
from client_sdk.cli.ui.failures import UsageError
from client_sdk.cli.ui.options import DAY, day, digest
from client_sdk.models import Consent, ConsentForm
from client_sdk.texts import say

__all__ = ["MandateDateOption", "MandateDigestOption", "MandateFileOption", "read_mandate"]

MandateDateOption = Annotated[date, typer.Option(parser=day, metavar=DAY, help="When the person signed the request.")]
MandateFileOption = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="The signed request, which serves this person alone; only its SHA-256 is used.",
        show_default=False,
    ),
]
MandateDigestOption = Annotated[
    bytes | None, typer.Option(parser=digest, metavar="HEX", help="Or its SHA-256 itself.", show_default=False)
]


def read_mandate(given: date, digest_: bytes | None, file: Path | None) -> Consent:
    """Return a mandate, with the digest that was given or that of the signed request.

    Raises:
        UsageError: neither digest nor request is given, or both are, or the file is empty.
    """
    if (digest_ is None) is (file is None):
        raise UsageError(
            say("the person's signed request needs its digest"),
            say("give --mandate-file with the request (it is not sent), or --mandate-digest with its SHA-256."),
        )
    return read_consent(ConsentForm.WRITTEN, given, digest_, file, "mandate")
