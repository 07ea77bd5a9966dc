"""Consents and notices, of which only the digest is used, from options."""

import hashlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

from client_sdk.cli.ui.failures import UsageError
from client_sdk.errors import PreflightError
from client_sdk.models import Consent, ConsentForm, Purpose
from client_sdk.models.violation import Violation
from client_sdk.texts import say
from client_sdk.whole_file import open_regular

__all__ = ["consent_as_options", "document_digest", "read_consent"]


def read_consent(
    form: ConsentForm,
    given: date,
    digest: bytes | None,
    file: Path | None,
    what: str = "consent",
    purposes: Iterable[str] = (),
) -> Consent:
    """Return a consent, with the digest that was given or that of the signed document.

    Args:
        form: of the document.
        given: when the person signed it.
        digest: SHA-256 of the document.
        file: the document itself.
        what: it is called in errors: consent, or mandate of a person for whom an office asks.
        purposes: words; none for that of the inquiry.

    Raises:
        UsageError: neither digest nor document is given, or both are, or a purpose is none.
    """
    if (digest is None) is (file is None):
        raise UsageError(
            say("the person's {what} needs its digest", what=what),
            say("give --consent-file with the signed document (it is not sent), or --consent-digest with its SHA-256."),
        )
    if file is not None:
        digest = document_digest(file, what)
    named = tuple(purposes)
    if unknown := [word for word in named if word not in Purpose.__members__]:
        raise UsageError(
            say("{unknown} is no purpose", unknown=unknown[0]),
            say("one of {members}.", members=", ".join(Purpose.__members__)),
        )
    return Consent(form=form, date=given, digest=digest or b"", purposes=tuple(map(Purpose, named)))


@contextmanager
def consent_as_options(what: str = "consent") -> Iterator[None]:
    """Name the option that was typed where a rule about a consent or a mandate, or about its last day, is broken.

    Args:
        what: options begin with: consent or mandate.
    """
    try:
        yield
    except PreflightError as error:
        raise PreflightError(tuple(_as_option(item, what) for item in error.violations)) from error


def _as_option(item: Violation, what: str) -> Violation:
    if item.field == "inquiry.alerts_until":
        return replace(item, field="--until")
    part = item.field.removeprefix("inquiry.consent.")
    option = {"date": f"--{what}-date", "digest": f"--{what}-file", "form": "--consent-form"}
    option |= {"purposes": "--consent-purpose"}
    return replace(item, field=option[part]) if part != item.field and part in option else item


def document_digest(file: Path, what: str) -> bytes:
    """Return the SHA-256 of a consent or notice.

    Raises:
        UsageError: the file is empty.
    """
    with open_regular(file) as document:
        digest = hashlib.file_digest(document, "sha256").digest()
        if not document.tell():
            raise UsageError(
                say("the file of the {what} is empty", what=what),
                say("give the {what} itself; it is not sent.", what=what),
            )
    return digest
