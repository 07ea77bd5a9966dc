"""A person's own report: made under the person's signed request, shown for minutes, and saved for the person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from client_sdk.desk.form import SIGNED_BYTES
from client_sdk.desk.form_values import read_all
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages.ask import NUMBER_PAGE
from client_sdk.desk.person_acts import make_report
from client_sdk.desk.person_form import REQUEST_AGAIN, PersonForm, report_gone, request_of_form, typed_identity
from client_sdk.desk.rights import Right
from client_sdk.desk.texts import Language
from client_sdk.desk.visit import DeskPage, Visit, file_to_save
from client_sdk.forms import ADULT_YEARS, age_on
from client_sdk.models import AnnotationFlag, Purpose, SubjectReport
from client_sdk.regions import region_is_known
from client_sdk.subject_report.content import document_of
from client_sdk.subject_report.writing import Format, as_file

if TYPE_CHECKING:
    from starlette.responses import Response

    from client_sdk.models import Consent, Identity, SubjectRecord

__all__ = ["PAGES"]

_EVIDENCE = "evidence"
_MEDIA = {Format.HTML: "text/html; charset=utf-8", Format.PDF: "application/pdf"}
_LANGUAGES = {Language.CHINESE: "中文", Language.ENGLISH: "English"}
_FORM = PersonForm("person_asked.html.j2", REQUEST_AGAIN, lambda _visit, _given: {})


def _ask(visit: Visit) -> Response:
    """Make the report, keep it for minutes, and send the browser on to it."""
    return _FORM.do(
        visit, lambda: _make(visit, *read_all(lambda: typed_identity(visit), lambda: request_of_form(visit)))
    )


def _make(visit: Visit, identity: Identity, request: Consent) -> Response:
    with visit.desk.journal.act(visit.user.name, DeskAct.ASK, reason=Purpose.SUBJECT_ACCESS.name) as entry:
        report = make_report(visit.desk, entry, identity, request, visit.user.name)
    return visit.go(f"/person/{visit.keep(report)}")


def _anew(visit: Visit) -> Response:
    """Make the report once more, for the same person under the same request."""
    report = visit.kept(SubjectReport)
    if report is None or report.answer.identity is None:
        return report_gone(visit)
    return _make(visit, report.answer.identity, report.mandate)


def _report(visit: Visit) -> Response:
    """Show the report as the person reads it, and what can be done for the person."""
    report = visit.kept(SubjectReport)
    if report is None:
        return report_gone(visit)
    with visit.desk.journal.act(visit.user.name, DeskAct.READ_ANSWER, about=[report.answer.inquiry_id.hex()]):
        document = document_of(report, visit.language, _name(report, _EVIDENCE))
    records = {item.record.ref: _record(visit, place, item) for place, item in enumerate(report.records)}
    identity = report.answer.identity
    born = None if identity is None else identity.birth_date
    return visit.show(
        "person.html.j2",
        key=visit.path["key"],
        document=document,
        parts=[(part, records.get(part.record)) for part in document.parts],
        free_left=max(0, report.free - report.had - 1),
        unknown_region=identity is not None and not region_is_known(identity),
        minor=born is not None and age_on(born, report.made_at.date()) < ADULT_YEARS,
        files=[
            (name, [(form.name, f"{language}.{form}") for form in Format], language)
            for language, name in _LANGUAGES.items()
        ],
    )


def _record(visit: Visit, place: int, item: SubjectRecord) -> dict[str, object]:
    """Return which record it is, and what stands with it."""
    record = item.record
    own = item.disputed_by == visit.desk.config.institution
    return {
        "place": place,
        "ref": record.ref,
        "dispute": f"/disputes/of/{record.ref}" if own else "",
        "stated": AnnotationFlag.STATEMENT in record.flags,
    }


def _file(visit: Visit) -> Response:
    """Give the evidence, or the report in a language and a form."""
    report, (language, _, form) = visit.kept(SubjectReport), str(visit.path["name"]).partition(".")
    if report is None:
        return report_gone(visit)
    about, name = [report.answer.inquiry_id.hex()], str(visit.path["name"])
    if name == _EVIDENCE:
        with visit.desk.journal.act(visit.user.name, DeskAct.SAVE_EVIDENCE, about=about):
            return file_to_save(report.answer.evidence, "application/octet-stream", _name(report, _EVIDENCE))
    if language not in tuple(Language) or form not in tuple(Format):
        return visit.show("message.html.j2", status=404, title=visit.say("Nothing is here"), text="")
    with visit.desk.journal.act(visit.user.name, DeskAct.PRINT_ANSWER, about=about):
        written = as_file(document_of(report, Language(language), _name(report, _EVIDENCE)), Format(form))
    return file_to_save(written, _MEDIA[Format(form)], _name(report, name))


def _name(report: SubjectReport, ending: str) -> str:
    """Return a name of files: of the inquiry, and of nobody."""
    return f"report-{report.answer.inquiry_id.hex()[:8]}.{ending}"


PAGES = (
    DeskPage("GET", "/person", Right.ACT, _FORM.empty),
    DeskPage("POST", "/person", Right.ACT, _ask, SIGNED_BYTES),
    NUMBER_PAGE,
    DeskPage("GET", "/person/{key}", Right.ACT, _report),
    DeskPage("POST", "/person/{key}/anew", Right.ACT, _anew),
    DeskPage("GET", "/person/{key}/files/{name}", Right.ACT, _file, is_part=True),
)
