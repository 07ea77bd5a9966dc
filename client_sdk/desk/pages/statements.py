"""A person's own statement: added to a record, and removed from it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk.desk.failures import broken_rules
from client_sdk.desk.form_values import FieldError, read_all, record_of_form
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.pages.person import record_of_report, report_gone
from client_sdk.desk.person_acts import statement_of
from client_sdk.desk.person_form import (
    AGAIN,
    person_of_form,
    report_of_form,
    shown_number,
    type_choices,
    wrong_identity,
)
from client_sdk.desk.rights import Right
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.errors import FormatError, PreflightError, RefusedError, RuleError
from client_sdk.forms import MAX_STATEMENT_CHARACTERS
from client_sdk.models import SubjectReport

if TYPE_CHECKING:
    from starlette.responses import Response

    from client_sdk.models import RecordKey

__all__ = ["PAGES"]

_AGAIN = (*AGAIN, "record", "report", "text")


def _form(visit: Visit) -> Response:
    return _asked(visit, {})


def _form_of_report(visit: Visit) -> Response:
    """Show the form for a record of a report that is kept, with the statement that stands."""
    item = record_of_report(visit)
    if item is None:
        return report_gone(visit)
    given = {"record": item.record.ref, "report": str(visit.path["key"]), "text": item.record.subject_statement}
    return _asked(visit, given)


def _add(visit: Visit) -> Response:
    """Attach the statement; who may read the facts of the record reads it too."""
    given = {name: visit.form.text(name) for name in _AGAIN}
    try:
        record, identity, text = read_all(
            lambda: record_of_form(visit.form, "record"),
            lambda: person_of_form(visit),
            lambda: statement_of(given["text"]),
        )
        with visit.desk.journal.act(visit.user.name, DeskAct.ADD_STATEMENT, about=_about(record)):
            receipt = visit.desk.client.add_statement(record.issuer, record.record_id, identity, text)
    except FieldError as error:
        return _asked(visit, given, wrong=error.said(visit.say))
    except (PreflightError, RefusedError, RuleError) as error:
        return _asked(visit, given, broken=broken_rules(error, visit.say))
    except FormatError as error:
        return _asked(visit, given, wrong=wrong_identity(error, visit))
    return _done(visit, visit.say("The statement stands with the record, at leaf {index}.", index=receipt.index))


def _remove(visit: Visit) -> Response:
    """Remove the statement from a record."""
    try:
        record = record_of_form(visit.form, "removed")
        with visit.desk.journal.act(visit.user.name, DeskAct.REMOVE_STATEMENT, about=_about(record)):
            receipt = visit.desk.client.remove_statement(record.issuer, record.record_id)
    except FieldError as error:
        return _asked(visit, {}, wrong=error.said(visit.say))
    except RefusedError as error:
        return _asked(visit, {}, broken=broken_rules(error, visit.say))
    return _done(visit, visit.say("The statement is removed, at leaf {index}.", index=receipt.index))


def _done(visit: Visit, told: str) -> Response:
    """Send the browser back to where it came from; a report that is shown there is of the time before."""
    if report_of_form(visit) is None:
        return visit.go("/statements", told)
    return visit.go(f"/person/{visit.form.text('report')}", f"{told} {visit.say('Make the report anew to see it.')}")


def _about(record: RecordKey) -> list[str]:
    return [f"{record.issuer}/{UUID(bytes=record.record_id)}"]


def _asked(
    visit: Visit, given: dict[str, str], *, wrong: dict[str, str] | None = None, broken: list[str] | None = None
) -> Response:
    report = visit.desk.kept.find(visit.key, given.get("report", ""), SubjectReport)
    identity = None if report is None else report.answer.identity
    return visit.show(
        "statements.html.j2",
        status=422 if wrong or broken else 200,
        given={name: given.get(name, "") for name in _AGAIN},
        person="" if identity is None else shown_number(identity, visit.language, visit.say),
        types=type_choices(visit),
        most=MAX_STATEMENT_CHARACTERS,
        wrong=wrong or {},
        broken=broken or [],
    )


PAGES = (
    DeskPage("GET", "/statements", Right.ACT, _form),
    DeskPage("GET", "/person/{key}/statement/{place:number}", Right.ACT, _form_of_report),
    DeskPage("POST", "/statements", Right.ACT, _add),
    DeskPage("POST", "/statements/remove", Right.ACT, _remove),
)
