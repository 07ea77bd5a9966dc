"""Fields of a form about one person: the number, and what the person signed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from client_sdk.desk.failures import broken_rules
from client_sdk.desk.form_values import (
    FieldError,
    SaidFieldError,
    check_no_empty_file,
    day_of_form,
    document_of_form,
    read_all,
    word_of_form,
)
from client_sdk.desk.rule_words import mistakes_of
from client_sdk.desk.texts import N_
from client_sdk.errors import FormatError
from client_sdk.models import Consent, ConsentForm, Identity, IdType, SubjectReport
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from client_sdk.desk.form import Form
    from client_sdk.desk.texts import Language, Say
    from client_sdk.desk.visit import Visit

__all__ = [
    "AGAIN",
    "identity_of_form",
    "person_of_form",
    "report_of_form",
    "shown_number",
    "signed_of_form",
    "type_choices",
    "typed_identity",
    "wrong_identity",
]

# Fields that are shown again where another one is wrong; the number is typed anew.
AGAIN = ("id_type", "issuing_state")
_SHOWN_CHARACTERS = 4
# By the names that errors give them.
_FIELDS = {"identity": "number", "issuing_state": "issuing_state"}


def identity_of_form(visit: Visit) -> Identity:
    """Return the identity that a form names.

    Raises:
        FieldError: there is no number.
        FormatError: it is none of its type.
    """
    form = visit.form
    id_type = word_of_form(form, "id_type", IdType, tuple(IdType))
    if not form.text("number"):
        raise FieldError("number", N_("Type the identity number."))
    today = date.today()  # noqa: DTZ011 - the day of this machine, as the person who types sees it
    return Identity.parse(id_type, form.text("number"), form.text("issuing_state"), today=today)


def typed_identity(visit: Visit) -> Identity:
    """Return the identity that a form names.

    Raises:
        FieldError: there is no number, or it is none of its type.
    """
    try:
        return identity_of_form(visit)
    except FormatError as error:
        wrong, _ = mistakes_of(error, _FIELDS, visit.say)
        ((field, text),) = wrong.items()
        raise SaidFieldError(field, text) from None


def report_of_form(visit: Visit) -> SubjectReport | None:
    """Return the person's own report that a form goes on from; None where it names none, or none that is still kept."""
    return visit.desk.kept.find(visit.key, visit.form.text("report"), SubjectReport)


def person_of_form(visit: Visit) -> Identity:
    """Return whom a form is about: the person of the report that it goes on from, else the one whose number was typed.

    Raises:
        FieldError: there is no number, or it is none of its type.
    """
    report = report_of_form(visit)
    known = None if report is None else report.answer.identity
    return typed_identity(visit) if known is None else known


def wrong_identity(error: FormatError, visit: Visit) -> dict[str, str]:
    """Return what is wrong with an identity number, by the field to correct."""
    field = "issuing_state" if error.complaint.field == "issuing_state" else "number"
    return {field: broken_rules(error, visit.say)[0]}


def type_choices(visit: Visit) -> list[tuple[str, str]]:
    """Return the types of identity numbers, with their names."""
    return [(kind.value, term_of(kind).of(visit.language)) for kind in IdType]


def shown_number(identity: Identity, language: Language, say: Say) -> str:
    """Return the type of a number and its last characters: enough to tell two persons apart, and no number."""
    kind = term_of(identity.id_type).of(language)
    return say("{kind}, number ending in {end}", kind=kind, end=identity.number[-_SHOWN_CHARACTERS:])


def signed_of_form(form: Form, name: str, *, in_future: str, neither: str) -> Consent:
    """Return what the person signed: its day, and the SHA-256 of the document, which is taken here where it is chosen.

    Args:
        form: with the fields ``NAME_date``, ``NAME_file`` and ``NAME_digest``.
        name: of the fields.
        in_future: what is said where the day is in the future.
        neither: what is said where neither document nor SHA-256 is given.

    Raises:
        FieldError: a field is empty or of another form.
    """

    def read_date() -> date:
        given = day_of_form(form, f"{name}_date")
        if given > date.today():  # noqa: DTZ011 - as above
            raise FieldError(f"{name}_date", in_future)
        return given

    def read_digest() -> bytes:
        check_no_empty_file(form, f"{name}_file")
        digest = document_of_form(form, f"{name}_file", f"{name}_digest")
        if digest is None:
            raise FieldError(f"{name}_file", neither)
        return digest

    given, digest = read_all(read_date, read_digest)
    return Consent(form=ConsentForm.WRITTEN, date=given, digest=digest)
