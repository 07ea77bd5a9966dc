"""A person's own statement: added to a record, and removed from it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

from client_sdk.desk.form_values import read_all, record_of_form
from client_sdk.desk.journal import DeskAct
from client_sdk.desk.person_acts import statement_of
from client_sdk.desk.person_form import AGAIN, PersonForm, person_of_form, record_of_person, report_of_form
from client_sdk.desk.rights import Right
from client_sdk.desk.visit import DeskPage, Visit
from client_sdk.forms import MAX_STATEMENT_CHARACTERS

if TYPE_CHECKING:
    from starlette.responses import Response

    from client_sdk.models import RecordKey

__all__ = ["PAGES"]

_FORM = PersonForm(
    "statements.html.j2",
    (*AGAIN, "record", "report", "text", "removed"),
    lambda _visit, _given: {"most": MAX_STATEMENT_CHARACTERS},
)


def _add(visit: Visit) -> Response:
    """Attach the statement; who may read the facts of the record reads it too."""
    return _FORM.do(visit, lambda: _added(visit))


def _added(visit: Visit) -> Response:
    record, identity, text = read_all(
        lambda: record_of_person(visit), lambda: person_of_form(visit), lambda: statement_of(visit.form.text("text"))
    )
    with visit.desk.journal.act(visit.user.name, DeskAct.ADD_STATEMENT, about=_about(record)):
        receipt = visit.desk.client.add_statement(record.issuer, record.record_id, identity, text)
    return _done(visit, visit.say("The statement stands with the record, at leaf {index}.", index=receipt.index))


def _remove(visit: Visit) -> Response:
    """Remove the statement from a record."""
    return _FORM.do(visit, lambda: _removed(visit))


def _removed(visit: Visit) -> Response:
    record = record_of_form(visit.form, "removed")
    with visit.desk.journal.act(visit.user.name, DeskAct.REMOVE_STATEMENT, about=_about(record)):
        receipt = visit.desk.client.remove_statement(record.issuer, record.record_id)
    return _done(visit, visit.say("The statement is removed, at leaf {index}.", index=receipt.index))


def _done(visit: Visit, told: str) -> Response:
    """Send the browser back to where it came from; a report that is shown there is of the time before."""
    if report_of_form(visit) is None:
        return visit.go("/statements", told)
    return visit.go(f"/person/{visit.form.text('report')}", f"{told} {visit.say('Make the report anew to see it.')}")


def _about(record: RecordKey) -> list[str]:
    return [f"{record.issuer}/{UUID(bytes=record.record_id)}"]


PAGES = (
    DeskPage("GET", "/statements", Right.ACT, _FORM.empty),
    DeskPage("GET", "/person/{key}/statement/{place:number}", Right.ACT, _FORM.of_record),
    DeskPage("POST", "/statements", Right.ACT, _add),
    DeskPage("POST", "/statements/remove", Right.ACT, _remove),
)
