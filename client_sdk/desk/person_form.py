"""Forms about one person: the number, what the person signed, and the report that a form goes on from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from client_sdk.desk.form_values import (
    FieldError,
    SaidFieldError,
    check_no_empty_file,
    day_of_form,
    document_of_form,
    read_all,
    record_of_form,
    word_of_form,
)
from client_sdk.desk.rule_words import FORM_ERRORS, mistakes_of
from client_sdk.desk.texts import N_
from client_sdk.errors import FormatError
from client_sdk.models import Consent, ConsentForm, Identity, IdType, SubjectReport
from client_sdk.subject_report.terms import term_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date

    from starlette.responses import Response

    from client_sdk.desk.texts import Language, Say
    from client_sdk.desk.visit import Visit
    from client_sdk.models import RecordKey, SubjectRecord

__all__ = [
    "AGAIN",
    "REQUEST_AGAIN",
    "PersonForm",
    "person_of_form",
    "record_of_person",
    "record_of_report",
    "report_gone",
    "report_of_form",
    "request_of_form",
    "shown_number",
    "signed_of_form",
    "type_choices",
    "typed_identity",
]

# Fields that are shown again where another one is wrong; the number is typed anew.
AGAIN = ("id_type", "issuing_state")
REQUEST_AGAIN = (*AGAIN, "request_date", "request_digest")
_SHOWN_CHARACTERS = 4
# By the names that errors give them.
_IDENTITY = {"identity": "number", "issuing_state": "issuing_state"}
_FIELDS = _IDENTITY | {
    "code": "own_code",
    "evidence": "evidence",
    "inquiry.alerts_until": "until",
    "inquiry.consent": "request_file",
    "inquiry.consent.date": "request_date",
    "inquiry.consent.digest": "request_file",
    "record": "record",
    "subject": "number",
    "text": "text",
}


def typed_identity(visit: Visit) -> Identity:
    """Return the identity that a form names.

    Raises:
        FieldError: there is no number, or it is none of its type.
    """
    form = visit.form
    id_type = word_of_form(form, "id_type", IdType, tuple(IdType))
    if not form.text("number"):
        raise FieldError("number", N_("Type the identity number."))
    try:
        return Identity.parse(id_type, form.text("number"), form.text("issuing_state"), today=visit.desk.today)
    except FormatError as error:
        wrong, _ = mistakes_of(error, _IDENTITY, visit.say)
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


def type_choices(visit: Visit) -> list[tuple[str, str]]:
    """Return the types of identity numbers, with their names."""
    return [(kind.value, term_of(kind).of(visit.language)) for kind in IdType]


def shown_number(identity: Identity, language: Language, say: Say) -> str:
    """Return the type of a number and its last characters: enough to tell two persons apart, and no number."""
    kind = term_of(identity.id_type).of(language)
    return say("{kind}, number ending in {end}", kind=kind, end=identity.number[-_SHOWN_CHARACTERS:])


def record_of_person(visit: Visit) -> RecordKey:
    """Return which record of the person a form is about.

    Raises:
        FieldError: none was named, or it is none of the report that the form goes on from: what a person has signed
            serves that person alone.
    """
    record, report = record_of_form(visit.form, "record"), report_of_form(visit)
    if report is None or any(record == (one.record.issuer, one.record.record_id) for one in report.records):
        return record
    text = N_("This record is not in the report of the person who signed: go on from the report of its own person.")
    raise FieldError("record", text)


def record_of_report(visit: Visit) -> SubjectRecord | None:
    """Return the record whose place in a kept report stands in the path; None where there is none."""
    report, place = visit.kept(SubjectReport), int(str(visit.path["place"]))
    return report.records[place] if report is not None and place < len(report.records) else None


def report_gone(visit: Visit) -> Response:
    """Tell that a report is not kept any more."""
    text = visit.say("A report can be read for ten minutes, in the session that made it. All of one day count as one.")
    return visit.show("message.html.j2", status=404, title=visit.say("This report is not here any more"), text=text)


def request_of_form(visit: Visit) -> Consent:
    """Return the request that the person signed, as a form names it.

    Raises:
        FieldError: its day, or the document, is missing or of another form.
    """
    return signed_of_form(
        visit,
        "request",
        in_future=N_("The request is dated in the future: correct its day."),
        neither=N_("Give the request that the person signed, or its SHA-256: one of the two."),
    )


def signed_of_form(visit: Visit, name: str, *, in_future: str, neither: str) -> Consent:
    """Return what the person signed: its day, and the SHA-256 of the document, which is taken here where it is chosen.

    Args:
        visit: whose form has the fields ``NAME_date``, ``NAME_file`` and ``NAME_digest``.
        name: of the fields.
        in_future: what is said where the day is in the future.
        neither: what is said where neither document nor SHA-256 is given.

    Raises:
        FieldError: a field is empty or of another form.
    """
    form = visit.form

    def read_date() -> date:
        given = day_of_form(form, f"{name}_date")
        if given > visit.desk.today:
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


@dataclass(frozen=True, slots=True)
class PersonForm:
    """A form about one person: it begins with a number, or goes on from a report that is kept.

    Attributes:
        template: of the page.
        again: fields that are shown again where another one is wrong.
        values: further values for the template, by what is shown again.
    """

    template: str
    again: tuple[str, ...]
    values: Callable[[Visit, Mapping[str, str]], Mapping[str, object]]

    def empty(self, visit: Visit) -> Response:
        """Show the form empty."""
        return self.show(visit, {})

    def of_report(self, visit: Visit) -> Response:
        """Show the form for the person of the kept report whose id stands in the path."""
        if visit.kept(SubjectReport) is None:
            return report_gone(visit)
        return self.show(visit, {"report": str(visit.path["key"])})

    def of_record(self, visit: Visit) -> Response:
        """Show the form for a record of that report, with the statement that stands."""
        item = record_of_report(visit)
        if item is None:
            return report_gone(visit)
        key, record = str(visit.path["key"]), item.record
        return self.show(visit, {"report": key, "record": record.ref, "text": record.subject_statement})

    def do(self, visit: Visit, act: Callable[[], Response]) -> Response:
        """Do what the form asks for; show it again, with what is wrong at its fields, where that is refused."""
        try:
            return act()
        except FieldError as error:
            return self.show(visit, self._given(visit), error.said(visit.say))
        except FORM_ERRORS as error:
            return self.show(visit, self._given(visit), *mistakes_of(error, _FIELDS, visit.say))

    def show(
        self,
        visit: Visit,
        given: Mapping[str, str],
        wrong: Mapping[str, str] | None = None,
        broken: Sequence[str] = (),
    ) -> Response:
        """Show the form.

        Args:
            visit: of who fills it.
            given: what was typed before, by field.
            wrong: what is wrong with fields, said.
            broken: what is wrong with none of them, said.
        """
        report = visit.desk.kept.find(visit.key, given.get("report", ""), SubjectReport)
        identity = None if report is None else report.answer.identity
        shown = {name: given.get(name, "") for name in self.again}
        values: dict[str, object] = {
            "given": shown,
            "person": "" if identity is None else shown_number(identity, visit.language, visit.say),
            "types": type_choices(visit),
            "today": visit.desk.today.isoformat(),
        }
        values |= self.values(visit, shown)
        return visit.show(self.template, status=422 if wrong or broken else 200, wrong=wrong, broken=broken, **values)

    def _given(self, visit: Visit) -> dict[str, str]:
        return {name: visit.form.text(name) for name in self.again}
