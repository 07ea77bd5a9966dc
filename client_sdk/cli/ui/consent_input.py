"""The consent that an inquiry commits to, from options."""

import hashlib
from datetime import date
from pathlib import Path

from client_sdk.cli.ui.failures import UsageError
from client_sdk.kernel.rules.facts import Consent, ConsentForm

__all__ = ["read_consent"]


def read_consent(form: ConsentForm, given: date, digest: bytes | None, file: Path | None) -> Consent:
    """Return a consent, with the digest as told or of the signed document.

    Raises:
        UsageError: neither digest nor document is given, or both are.
    """
    if (digest is None) is (file is None):
        raise UsageError(
            "the person's consent needs its digest",
            "give --consent-file with the signed document (it is not sent), or --consent-digest with its SHA-256.",
        )
    if file is not None:
        with file.open("rb") as document:
            digest = hashlib.file_digest(document, "sha256").digest()
            if not document.tell():
                raise UsageError("the file of the consent is empty", "give the document that the person signed.")
    return Consent(form=form, date=given, digest=digest or b"")
